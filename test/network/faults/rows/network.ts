import { createServer as createHttp } from 'node:http';
import { connectProxy, rawServer, socksProxy } from '#test/unit/network/proxies.ts';
import { account, certificate, file, header, headerAt, moved, proxy, truststore } from '../connections.ts';
import type { FaultRow, Group } from '../row.ts';
import { blackHole, closedPort, interceptor, otherSite, webServer } from '../servers.ts';
import type { Stage } from '../stage.ts';

const NOWHERE = 'qlik.culvert-test.invalid';
const through = (stage: Stage, scheme: string, port: number, more = ''): string =>
  file(stage, header(stage), proxy(scheme, port, more));

export const addresses: Group<FaultRow> = {
  title: 'DNS and TCP',
  rows: [
    {
      name: 'the host name is unknown',
      made: 'a name that DNS does not know',
      site: 'none',
      check: 'dns',
      code: 'network.dns',
      connection: (stage) => file(stage, headerAt(`https://${NOWHERE}/header`)),
      says: [NOWHERE, 'connection.url'],
    },
    {
      name: 'nothing listens on the port',
      made: 'a port that is closed',
      site: 'none',
      check: 'tcp',
      code: 'network.refused',
      connection: async (stage) => file(stage, headerAt(`https://127.0.0.1:${await closedPort()}/header`)),
    },
    {
      name: 'packets are dropped',
      made: 'a port that never answers, as behind a firewall',
      site: 'none',
      check: 'tcp',
      code: 'network.timeout',
      waitMs: 1_000,
      connection: async (stage) =>
        file(stage, headerAt(`https://127.0.0.1:${stage.keep(await blackHole()).port}/header`)),
      says: ['firewall'],
    },
    {
      name: 'the repository is down, and its port closed',
      made: 'certificates; the repository service does not run',
      site: { faults: { servicesDown: ['repository'] } },
      check: 'tcp',
      code: 'network.refused',
      connection: (stage) => file(stage, certificate(stage)),
    },
  ],
};

export const proxies: Group<FaultRow> = {
  title: 'The proxy on the way',
  rows: [
    {
      name: 'the proxy is down',
      made: 'nothing listens on the port of the proxy',
      check: 'tcp',
      code: 'proxy.unreachable',
      connection: async (stage) => through(stage, 'http', await closedPort()),
      says: ['proxy'],
    },
    {
      name: 'the name of the proxy is unknown',
      made: 'a name that DNS does not know',
      check: 'dns',
      code: 'proxy.unreachable',
      connection: (stage) => file(stage, header(stage), proxy('http', 3128, '', NOWHERE)),
      says: [NOWHERE, 'proxy.hostname'],
    },
    {
      name: 'the proxy wants a user (407, Basic)',
      made: 'squid with Basic authentication, no user in the file',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.auth_required',
      connection: (stage) => through(stage, 'http', stage.proxies.plain),
      says: ['407', 'proxy.username'],
    },
    {
      name: 'the password of the proxy is wrong',
      made: 'squid with Basic authentication, another password',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.auth_refused',
      connection: async (stage) => through(stage, 'http', stage.proxies.plain, account('proxyuser', 'canary-wrong')),
      says: ['407', 'proxy.password'],
    },
    {
      name: 'the proxy takes Windows logins only (407, NTLM)',
      made: 'a proxy that offers NTLM and Negotiate',
      check: 'proxy',
      code: 'proxy.ntlm_only',
      connection: async (stage) => {
        const refusal =
          'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n';
        return through(stage, 'http', stage.keep(await connectProxy({ refusal })).port, account('u', 'canary-p'));
      },
      says: ['NTLM', /cntlm|px/],
    },
    {
      name: 'the proxy forbids CONNECT to this port',
      made: 'squid whose rules deny the port',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.refused',
      connection: async (stage) =>
        file(stage, headerAt('https://127.0.0.1:9/header'), proxy('http', stage.proxies.open)),
      says: ['403', 'CONNECT'],
    },
    {
      name: 'the proxy does not reach the server',
      made: 'squid, and a port that is closed',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.target_unreachable',
      connection: async (stage) =>
        file(stage, headerAt(`https://127.0.0.1:${await closedPort()}/header`), proxy('http', stage.proxies.open)),
    },
    {
      name: 'what listens is no proxy',
      made: 'a web server on the port of the proxy',
      check: 'proxy',
      code: 'proxy.no_tunnels',
      connection: async (stage) => {
        const server = createHttp((_request, response) => response.writeHead(404).end('<h1>Not here</h1>'));
        server.on('connect', (_request, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'));
        return through(stage, 'http', stage.keep(await webServer(server)).port);
      },
    },
    {
      name: 'the proxy hangs up',
      made: 'a server that closes every connection',
      check: 'proxy',
      code: 'proxy.protocol',
      connection: async (stage) =>
        through(
          stage,
          'http',
          stage.keep(await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))).port,
        ),
    },
    {
      name: 'the proxy says nothing',
      made: 'a proxy that takes the request and never answers',
      check: 'proxy',
      code: 'proxy.timeout',
      waitMs: 1_000,
      connection: async (stage) => through(stage, 'http', stage.keep(await rawServer(() => undefined)).port),
    },
    {
      name: 'TLS to a proxy that does not speak it',
      made: '`proxy.scheme = https` for the plain port of squid',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.tls_failed',
      connection: async (stage) => through(stage, 'https', stage.proxies.plain),
      says: ['proxy.scheme'],
    },
    {
      name: 'the certificate of the proxy is not trusted',
      made: 'squid over TLS, its authority not named',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.tls_untrusted',
      connection: async (stage) => {
        const { secure, user } = stage.proxies;
        return file(stage, header(stage), proxy('https', secure, account(user.name, user.password), 'localhost'));
      },
      says: ['proxy.tls.truststore.path'],
    },
    {
      name: 'the SOCKS proxy refuses the user',
      made: 'microsocks, another password',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.auth_refused',
      connection: async (stage) => through(stage, 'socks5', stage.proxies.socks, account('proxyuser', 'canary-wrong')),
    },
    {
      name: 'the SOCKS proxy wants a user',
      made: 'microsocks, no user in the file',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.auth_required',
      connection: async (stage) => through(stage, 'socks5', stage.proxies.socks),
      says: ['proxy.username'],
    },
    {
      name: 'SOCKS to a proxy that speaks HTTP',
      made: '`proxy.scheme = socks5` for squid',
      need: 'proxies',
      check: 'proxy',
      code: 'proxy.timeout',
      waitMs: 1_000,
      connection: async (stage) => through(stage, 'socks5', stage.proxies.open),
      says: ['proxy.scheme'],
    },
    {
      name: 'the rules of the SOCKS proxy forbid it',
      made: 'a SOCKS5 proxy that answers 2 (not allowed)',
      check: 'proxy',
      code: 'proxy.refused',
      connection: async (stage) => through(stage, 'socks5', stage.keep(await socksProxy({ reply: 2 })).port),
    },
    {
      name: 'the proxy opens TLS',
      made: 'the way through the proxy leads to another certificate than the way past it',
      check: 'tls',
      code: 'tls.intercepted',
      connection: async (stage) => {
        const between = stage.keep(await interceptor(stage.site.pki.server('intercepted')));
        return through(stage, 'http', between.port);
      },
      says: ['Inspection CA'],
    },
  ],
};

export const tls: Group<FaultRow> = {
  title: 'TLS',
  rows: [
    {
      name: 'the certificate of the server has expired',
      made: 'a certificate of last year',
      site: { certificate: 'expired' },
      check: 'tls',
      code: 'tls.expired',
      connection: (stage) => file(stage, header(stage)),
      says: [/expired/],
    },
    {
      name: 'the certificate of the server is not valid yet',
      made: 'a certificate of next month, or a clock that is wrong',
      site: { certificate: 'not-yet-valid' },
      check: 'tls',
      code: 'tls.not_yet_valid',
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'the certificate is for another host',
      made: 'the server is called by a name that its certificate lacks',
      site: { certificate: 'wrong-host' },
      check: 'tls',
      code: 'tls.wrong_host',
      connection: (stage) => file(stage, header(stage)),
      says: ['other.example.test', 'alias_host'],
    },
    {
      name: 'the server sends no intermediate certificate',
      made: 'a chain without its middle',
      site: { certificate: 'missing-intermediate' },
      check: 'tls',
      code: 'tls.incomplete_chain',
      connection: (stage) => file(stage, header(stage)),
      says: ['qlik-simulator-intermediate-CA', 'http://pki.example.test/intermediate.crt'],
    },
    {
      name: 'the authority is not known here',
      made: "the site's own authority, no trust store in the file",
      check: 'tls',
      code: 'tls.untrusted',
      connection: (stage) => file(stage, header(stage), '', ''),
      says: ['qlik-simulator-CA', 'tls.truststore.path'],
    },
    {
      name: 'the trust store is that of another site',
      made: 'root.pem of another export',
      site: { certificate: 'other-authority' },
      check: 'tls',
      code: 'tls.untrusted',
      connection: (stage) => file(stage, header(stage)),
      says: ['qlik-simulator-other-CA', 'root.pem'],
    },
    {
      name: 'the certificate is signed by itself',
      made: 'a server that was given no certificate',
      site: { certificate: 'self-signed' },
      check: 'tls',
      code: 'tls.self_signed',
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'TLS is opened on the way',
      made: 'a gateway that shows certificates of its own',
      site: { certificate: 'intercepted' },
      check: 'tls',
      code: 'tls.intercepted',
      connection: (stage) => file(stage, header(stage)),
      says: ['Example Gateway TLS Inspection CA'],
    },
    {
      name: 'the port speaks no TLS',
      made: '`https://` for the plain port of the proxy',
      site: { ports: { proxyHttp: 0 } },
      check: 'tls',
      code: 'tls.not_tls',
      connection: (stage) => {
        const port = Number(new URL(stage.site.addresses.proxyHttpUrl ?? '').port);
        return file(stage, header(stage, { url: moved(stage.site.addresses.header.url, { port }) }));
      },
      says: ['http'],
    },
    {
      name: 'the port wants a client certificate',
      made: "a header login at the engine's own port",
      check: 'tls',
      code: 'tls.client_certificate_missing',
      connection: (stage) => {
        const port = stage.site.addresses.enginePort;
        return file(stage, header(stage, { url: moved(stage.site.addresses.header.url, { port }) }));
      },
      says: ['443'],
    },
    {
      name: 'only old versions of TLS',
      made: 'a server that speaks TLS 1.1 at most',
      check: 'tls',
      code: 'tls.old_version',
      connection: async (stage) => {
        const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
        const { port } = stage.keep(await otherSite({ ...stage.site.pki.server('valid'), ...old }));
        return file(stage, headerAt(`https://localhost:${port}/header`));
      },
      says: ['1.2'],
    },
    {
      name: 'the usual roots are replaced by the wrong ones',
      made: '`replace_default_roots = true` with a store of another authority',
      check: 'tls',
      code: 'tls.untrusted',
      connection: (stage) => {
        const path = stage.write('ca.pem', stage.site.pki.jwtCertificatePem);
        return file(stage, header(stage), '', truststore(path, ', replace_default_roots = true'));
      },
    },
  ],
};
