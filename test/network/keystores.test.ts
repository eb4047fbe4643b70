import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { tlsOptions } from '#agent/qlik/auth/credentials.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { Fault } from '#protocol/errors.ts';
import { missingPrograms, runBeside } from './spawned.ts';
import { PASSWORD, WIDE_PASSWORD, Workshop } from './stores.ts';

const missing = missingPrograms({ openssl: ['version'], keytool: ['-help'] });
const continuous = process.env['CI'] !== undefined;
if (missing.length > 0)
  process.stderr.write(
    `SKIPPED: key stores need ${missing.join(' and ')}; type: apt-get install openssl default-jre-headless\n`,
  );

let shop: Workshop;
/** Ports of servers: with the certificate of each authority, and one that demands a client certificate. */
const ports = { rsa: 0, ec: 0, mutual: 0 };
const servers: Server[] = [];

const serve = async (name: string, demand: boolean): Promise<number> => {
  const options = { cert: shop.text(`${name}.pem`), key: shop.text(`${name}.key`) };
  const server = createServer(
    demand ? { ...options, requestCert: true, rejectUnauthorized: true, ca: shop.text('both.pem') } : options,
    (request, response) => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      response.end(demand ? peer.subject.CN : 'ok');
    },
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** A connection as a file would say it; what is wrong with it fails the test. */
const connectionOf = (port: number, lines: string) => {
  const text = `name = "Site"\ncode = site\nconnector_id = "qlik-sense"\nconnection.url = "https://localhost:${port}"\n`;
  const { connection, problems } = parseConnection(`${text}${lines}`, 'site.conf', { folder: shop.folder, env: {} });
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  if (connection === undefined) throw new Error('the connection file was refused');
  return connection;
};
const header = 'connection.auth { key = "X-User", value = canary }\n';
const store = (path: string, password: string): string =>
  `tls.truststore { path = "${path}", password = "${password}" }\n`;

/** What comes of dialling: the body, or the code of the fault. */
const dial = async (port: number, lines: string): Promise<string> => {
  const connection = connectionOf(port, lines);
  try {
    const route = { origin: connection.origin, tls: tlsOptions(connection), proxy: connection.proxy };
    return (await new Dialer().request(route, { path: '/', deadlineMs: 20_000 })).body.toString();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
};

if (continuous)
  test('openssl and keytool are here, as they must be in continuous integration', () => {
    expect(missing).toEqual([]);
  });

describe.skipIf(missing.length > 0)('key stores made by openssl and keytool', () => {
  beforeAll(async () => {
    shop = new Workshop(mkdtempSync(join(tmpdir(), 'culvert-keystores-')));
    mkdirSync(shop.path('empty'));
    ports.rsa = await serve('rsa-server', false);
    ports.ec = await serve('ec-server', false);
    ports.mutual = await serve('ec-server', true);
  }, 120_000);
  afterAll(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    if (shop !== undefined) rmSync(shop.folder, { recursive: true, force: true });
  });

  test('the servers are not trusted without one', async () => {
    expect([await dial(ports.rsa, header), await dial(ports.ec, header)]).toEqual(['tls.untrusted', 'tls.untrusted']);
  });

  const byKeytool = (type: string, password: string, ...more: string[]) => {
    return (file: string): void => shop.trustByKeytool(file, type, password, more);
  };
  const byOpenssl = (password: string, ...more: string[]) => {
    return (file: string): void => shop.trustByOpenssl(file, password, more);
  };
  const CLEAR = ['certProtectionAlgorithm', 'macAlgorithm'].map((name) => `-J-Dkeystore.pkcs12.${name}=NONE`);

  test.each<[what: string, file: string, password: string, make: (file: string) => void]>([
    ['PKCS12 by keytool', 'keytool.p12', PASSWORD, byKeytool('PKCS12', PASSWORD)],
    ['PKCS12 by keytool, legacy', 'old.p12', PASSWORD, byKeytool('PKCS12', PASSWORD, '-J-Dkeystore.pkcs12.legacy')],
    ['PKCS12 by keytool, without a password', 'clear.p12', '', byKeytool('PKCS12', PASSWORD, ...CLEAR)],
    ['JKS by keytool', 'keytool.jks', PASSWORD, byKeytool('JKS', PASSWORD)],
    ['JKS named .p12', 'jks.p12', PASSWORD, byKeytool('JKS', PASSWORD)],
    ['JKS with a non-ASCII password', 'wide.jks', WIDE_PASSWORD, byKeytool('JKS', WIDE_PASSWORD)],
    ['PKCS12 by openssl', 'openssl.p12', PASSWORD, byOpenssl(PASSWORD)],
    ['PKCS12 by openssl, legacy', 'legacy.p12', PASSWORD, byOpenssl(PASSWORD, '-legacy')],
    ['PKCS12 with 3DES', 'des.p12', PASSWORD, byOpenssl(PASSWORD, '-certpbe', 'PBE-SHA1-3DES')],
    ['PKCS12 not encrypted', 'none.p12', PASSWORD, byOpenssl(PASSWORD, '-certpbe', 'NONE')],
    ['PKCS12 without a check value', 'nomac.p12', PASSWORD, byOpenssl(PASSWORD, '-nomac', '-certpbe', 'AES-256-CBC')],
    ['PKCS12 with the empty password', 'empty.p12', '', byOpenssl('')],
    ['PKCS12 with a non-ASCII password', 'wide.p12', WIDE_PASSWORD, byOpenssl(WIDE_PASSWORD)],
    ['legacy PKCS12 with a non-ASCII password', 'wl.p12', WIDE_PASSWORD, byOpenssl(WIDE_PASSWORD, '-legacy')],
    ['PKCS12 with 300,000 rounds', 'slow.p12', PASSWORD, byOpenssl(PASSWORD, '-iter', '300000')],
    ['PKCS12 named .jks', 'p12.jks', PASSWORD, byOpenssl(PASSWORD)],
    ['PEM', 'both.pem', '', () => undefined],
  ])('%s lets the Dialer trust both authorities', async (_, file, password, make) => {
    make(file);
    expect([
      await dial(ports.rsa, header + store(file, password)),
      await dial(ports.ec, header + store(file, password)),
    ]).toEqual(['ok', 'ok']);
  });

  test('one certificate in DER lets it trust that one', async () => {
    expect([
      await dial(ports.rsa, header + store('ec.cer', '')),
      await dial(ports.ec, header + store('ec.cer', '')),
    ]).toEqual(['tls.untrusted', 'ok']);
  });

  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  test.skipIf(!existsSync(bundle))('every authority of this system is read out of a store of all', () => {
    shop.trustByOpenssl('system.p12', PASSWORD, [], bundle);
    const count = new Set(readFileSync(bundle, 'utf8').match(/-----BEGIN CERTIFICATE[\s\S]*?-----END CERTIFICATE/g))
      .size;
    expect(count).toBeGreaterThan(50);
    const { tls } = connectionOf(ports.ec, header + store('system.p12', PASSWORD));
    expect(tls.extraAuthorities).toHaveLength(count);
  });

  test.each<[what: string, make: (file: string) => void, password: string, name: string]>([
    ['by openssl', (file) => shop.client('client-ec', file, PASSWORD), PASSWORD, 'client-ec'],
    ['with an RSA key', (file) => shop.client('client-rsa', file, PASSWORD), PASSWORD, 'client-rsa'],
    ['by openssl, legacy', (file) => shop.client('client-rsa', file, PASSWORD, ['-legacy']), PASSWORD, 'client-rsa'],
    [
      'not encrypted',
      (file) => shop.client('client-ec', file, PASSWORD, ['-keypbe', 'NONE', '-certpbe', 'NONE']),
      PASSWORD,
      'client-ec',
    ],
    ['without a check value', (file) => shop.client('client-ec', file, PASSWORD, ['-nomac']), PASSWORD, 'client-ec'],
    ['with the empty password', (file) => shop.client('client-ec', file, ''), '', 'client-ec'],
    ['with a non-ASCII password', (file) => shop.client('client-ec', file, WIDE_PASSWORD), WIDE_PASSWORD, 'client-ec'],
    [
      'by keytool',
      (file) => {
        shop.client('client-ec', 'source.pfx', PASSWORD);
        shop.clientByKeytool('source.pfx', file);
      },
      PASSWORD,
      'client-ec',
    ],
    [
      'by keytool, legacy',
      (file) => {
        shop.client('client-rsa', 'old-source.pfx', PASSWORD);
        shop.clientByKeytool('old-source.pfx', file, ['-J-Dkeystore.pkcs12.legacy']);
      },
      PASSWORD,
      'client-rsa',
    ],
  ])('a client certificate in a PFX file %s is shown to the server', async (what, make, password, name) => {
    const file = `${what.replaceAll(/[^a-z]/gi, '-')}.pfx`;
    make(file);
    const login = `connection.auth { user_directory = D, user_id = u, certificate {
      path = "${file}", password = "${password}", ca_path = "both.pem"
    } }\n`;
    expect(await dial(ports.mutual, login)).toBe(`canary ${name}`);
  });

  test('a server that demands a client certificate refuses a connection without', async () => {
    // In TLS 1.3 the refusal comes after the handshake, and the end of the socket may overtake it.
    const outcome = await dial(ports.mutual, header + store('both.pem', ''));
    expect(['tls.client_certificate', 'network.reset']).toContain(outcome);
  });

  describe('beside the default roots (here: the RSA authority) and those of the system (here: the EC one)', () => {
    const apart = (port: number, lines: string): Promise<string> => {
      const connection = connectionOf(port, header + lines);
      const env = {
        NODE_EXTRA_CA_CERTS: shop.path('rsa.pem'),
        SSL_CERT_FILE: shop.path('ec.pem'),
        SSL_CERT_DIR: shop.path('empty'),
      };
      const input = JSON.stringify({ origin: connection.origin, tls: tlsOptions(connection) });
      return runBeside(fileURLToPath(import.meta.resolve('./dial.ts')), env, input);
    };
    const alone = 'tls.truststore.replace_default_roots = true\n';
    const system = 'tls.system_authorities = true\n';

    test.each([
      ['nothing', () => '', '200', 'tls.untrusted'],
      ['a store with the EC authority', () => store('ec.cer', ''), '200', '200'],
      ['the same store alone', () => store('ec.cer', '') + alone, 'tls.untrusted', '200'],
      ['the authorities of the system', () => system, '200', '200'],
      ['the authorities of the system alone', () => system + alone, 'tls.untrusted', '200'],
    ])('%s decides who is trusted', async (_, lines, rsa, ec) => {
      expect([await apart(ports.rsa, lines()), await apart(ports.ec, lines())]).toEqual([rsa, ec]);
    });
  });
});
