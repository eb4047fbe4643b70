/**
 * Real proxies: squid (plain, TLS, Basic), tinyproxy, dante, microsocks and stunnel (for SOCKS4a). Everything that is called stands behind a
 * gate that opens to the proxies' address alone, so a connection past the proxy fails, and is counted.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { ProxyServer } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { Loopback, quiet, someStatus, until } from '#test/unit/bridge/loopback.ts';
import { expectedScopes, siteHandler } from '#test/unit/bridge/site.ts';
import { MemoryBackend } from '#test/unit/gateway/memory-backend.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { connectionFile, culvert, expectTheTruth } from '../program.ts';
import { Gate } from './gate.ts';
import { type Door, noProxies, RealProxies, type User } from './programs.ts';

const USER = { name: 'proxyuser', password: 'p@ss:w%rd/#? ' };
const PLAIN_USER = { name: 'tuser', password: 'tpass' };
/** Known to the proxies alone. */
const SITE = 'qlik.only-proxies-know.invalid';
const CATALOG = 'catalog.only-proxies-know.invalid';

type Named =
  | 'squid'
  | 'squid, Basic'
  | 'squid over TLS, Basic'
  | 'tinyproxy, Basic'
  | 'dante, SOCKS5'
  | 'dante, SOCKS4'
  | 'dante, password'
  | 'microsocks'
  | 'microsocks, password'
  | 'stunnel, SOCKS4a';
const NAMES: readonly Named[] = [
  'squid',
  'squid, Basic',
  'squid over TLS, Basic',
  'tinyproxy, Basic',
  'dante, SOCKS5',
  'dante, SOCKS4',
  'dante, password',
  'microsocks',
  'microsocks, password',
  'stunnel, SOCKS4a',
];

describe.skipIf(noProxies())('real proxies', () => {
  const front = new Authority('Authority of the proxy');
  const cloud = new Authority('Authority of the catalog');
  let folder: string;
  let proxies: RealProxies;
  let simulator: Simulator;
  let gates: { readonly proxy: Gate; readonly qrs: Gate; readonly engine: Gate; readonly service: Gate };
  let servers: Readonly<Record<Named, ProxyServer>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-proxies-'));
    writeFileSync(join(folder, 'proxy-ca.pem'), front.certificate);
    proxies = new RealProxies(folder, [SITE, CATALOG]);
    const own = front.issue({ name: 'localhost', dns: ['localhost'] });
    const squid = await proxies.squid(USER, own);
    const dante = await proxies.dante();
    const server = (scheme: ProxyServer['scheme'], { port }: Door, user?: User): ProxyServer => ({
      scheme,
      hostname: 'localhost',
      port,
      username: user?.name,
      password: user === undefined ? undefined : new Secret(user.password),
      extraAuthorities: scheme === 'https' ? [front.certificate] : [],
      from: 'proxy.hostname',
    });
    servers = {
      squid: server('http', squid.open),
      'squid, Basic': server('http', squid.plain, USER),
      'squid over TLS, Basic': server('https', squid.secure, USER),
      'tinyproxy, Basic': server('http', await proxies.tinyproxy(PLAIN_USER), PLAIN_USER),
      'dante, SOCKS5': server('socks5', dante),
      'dante, SOCKS4': server('socks4a', dante),
      'dante, password': server('socks5', await proxies.dante(USER), USER),
      microsocks: server('socks5', await proxies.microsocks()),
      'microsocks, password': server('socks5', await proxies.microsocks(USER), USER),
      'stunnel, SOCKS4a': server('socks4a', await proxies.stunnel(own)),
    };
    // Each run of the program opens a session; a real site would make the sixth wait.
    simulator = await startSimulator({
      seed: 7,
      apps: 4,
      folder: join(folder, 'pki'),
      hostNames: [SITE],
      sessionsPerUser: 100,
    });
    const { addresses } = simulator;
    const before = (url: string): Promise<Gate> => Gate.before(Number(new URL(url).port));
    gates = {
      proxy: await before(addresses.proxyUrl),
      qrs: await before(addresses.qrsUrl),
      engine: await before(addresses.engineUrl),
      service: await before(addresses.ticket.serviceUrl),
    };
  });

  afterAll(async () => {
    await proxies?.[Symbol.asyncDispose]();
    for (const gate of Object.values(gates ?? {})) await gate[Symbol.asyncDispose]();
    await simulator?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** SOCKS4 carries addresses only; with all others the proxy resolves the name. */
  const takesNames = (name: Named): boolean => name !== 'dante, SOCKS4';
  const hostFor = (name: Named): string => (takesNames(name) ? SITE : '127.0.0.1');

  /** The block of a connection file; what writes it closes the brace. */
  const proxyBlock = ({ scheme, hostname, port, username, password }: ProxyServer): string =>
    `}\nproxy {\n  scheme = ${scheme}\n  hostname = ${hostname}\n  port = ${port}\n` +
    (username === undefined ? '' : `  username = ${username}\n  password = ${JSON.stringify(password?.reveal())}\n`) +
    (scheme === 'https' ? `  tls.truststore.path = proxy-ca.pem` : '');

  const header = (host: string): string => {
    const { headerName, headerValue, prefix } = simulator.addresses.header;
    return `  url = "https://${host}:${gates.proxy.port}/${prefix}"\n  auth { key = ${headerName}, value = """${headerValue}""" }\n`;
  };
  const passed = (): number => Object.values(gates).reduce((sum, gate) => sum + gate.passes, 0);
  const bypassed = (): number => Object.values(gates).reduce((sum, gate) => sum + gate.bypasses, 0);

  test.each(NAMES)('the whole site is crawled through %s', async (name) => {
    const before = passed();
    await expectTheTruth(folder, simulator, header(hostFor(name)) + proxyBlock(servers[name]));
    expect(passed()).toBeGreaterThan(before);
    expect(bypassed()).toBe(0);
  });

  test.each(['squid, Basic', 'microsocks, password'] as const)(
    'certificates and tickets, with all their ports, go through %s',
    async (name) => {
      const { certificates, user, ticket } = simulator.addresses;
      const host = hostFor(name);
      const auth = `certificate { path = ${JSON.stringify(certificates.clientPath)}, key_path = ${JSON.stringify(certificates.clientKeyPath)} }
    user_directory = "${user.directory}"
    user_id = "${user.id}"`;
      const before = { qrs: gates.qrs.passes, engine: gates.engine.passes, service: gates.service.passes };
      await expectTheTruth(
        folder,
        simulator,
        `  url = "https://${host}:${gates.qrs.port}"\n  engine_url = "wss://${host}:${gates.engine.port}"\n  auth {\n    type = certificate\n    ${auth}\n  }\n${proxyBlock(servers[name])}`,
      );
      await expectTheTruth(
        folder,
        simulator,
        `  url = "https://${host}:${gates.proxy.port}/${ticket.prefix}"\n  auth {\n    type = ticket\n    proxy_service_url = "https://${host}:${gates.service.port}"\n    ${auth}\n  }\n${proxyBlock(servers[name])}`,
      );
      expect(gates.qrs.passes).toBeGreaterThan(before.qrs);
      expect(gates.engine.passes).toBeGreaterThan(before.engine);
      expect(gates.service.passes).toBeGreaterThan(before.service);
      expect(bypassed()).toBe(0);
    },
  );

  test.each(NAMES)('an agent enrols and delivers a crawl through %s', async (name) => {
    const host = takesNames(name) ? CATALOG : hostFor(name);
    const issued = cloud.issue({ name: host, dns: [CATALOG, 'localhost'], addresses: ['127.0.0.1'] });
    const backend = new MemoryBackend({ nowMs: () => performance.now() });
    await using loopback = await Loopback.start({ backend });
    await using gate = await Gate.before(Number(new URL(loopback.url).port), issued);
    const gatewayUrl = `wss://${host}:${gate.port}`;
    const stateFolder = await mkdtemp(join(folder, 'state-'));
    const dialer = new Dialer();
    const tls = { extraAuthorities: [cloud.certificate] };
    const proxy = { type: 'fixed' as const, proxy: servers[name] };
    const token = new Secret(backend.newEnrolmentToken());
    const identity = await enrol({
      dialer,
      gatewayUrl,
      tls,
      proxy,
      token,
      name: 'test',
      version: '0.0.0',
      stateFolder,
    });
    const site = { apps: 5, assetsPerApp: 50, bulkBytes: 300 };
    const job = backend.addJob(identity.agentId);
    await using bridge = await startBridge({
      settings: { gatewayUrl, tls, proxy },
      identity,
      dialer,
      version: '0.0.0',
      spoolFolder: join(stateFolder, 'spool'),
      status: () => someStatus(),
      handlers: { crawl: siteHandler(site) },
      log: quiet,
    });
    await until(() => job.state === 'published');
    expect(new Map([...backend.published].map(([scope, { lines }]) => [scope, lines]))).toEqual(expectedScopes(site));
    expect(bridge.health()).toMatchObject({ state: 'open', error: null });
    expect([gate.bypasses, gate.passes]).toEqual([0, 2]);
  });

  /** `status`: 9 for what may pass by itself, as a name that nobody knows. */
  const crawlFails = async (connection: string, status = 1): Promise<string> => {
    const ended = await culvert('crawl', connectionFile(folder, simulator, connection), '--out', join(folder, 'none'));
    expect(ended.status).toBe(status);
    expect(ended.err).not.toContain('canary');
    return ended.err.replaceAll(/\s+/g, ' ');
  };

  test.each([
    'squid, Basic',
    'squid over TLS, Basic',
    'tinyproxy, Basic',
    'microsocks, password',
    'dante, password',
  ] as const)('a wrong password is the fault of %s', async (name) => {
    const wrong = { ...servers[name], password: new Secret('canary-wrong') };
    const said = await crawlFails(header(hostFor(name)) + proxyBlock(wrong));
    expect(said).toContain('proxy.auth_refused');
    expect(said).toContain(`localhost:${wrong.port}`);
    expect(said).not.toMatch(/qlik\.(?:un|for|pro)/);
  });

  test('no user where squid wants one says that none is set', async () => {
    const anonymous = { ...servers['squid, Basic'], username: undefined, password: undefined };
    expect(await crawlFails(header(SITE) + proxyBlock(anonymous))).toContain('none are set');
  });

  const dial = async (proxy: ProxyServer, origin: string): Promise<string> => {
    const error: unknown = await new Dialer()
      .request({ origin, proxy: { type: 'fixed', proxy }, tls: { extraAuthorities: [] } }, { path: '/' })
      .catch((reason: unknown) => reason);
    return error instanceof Fault ? error.code : String(error);
  };

  test('what they refuse and cannot reach has its own name', async () => {
    const open = servers.squid;
    expect(await dial(open, 'https://127.0.0.1:9')).toBe('proxy.refused');
    // A port where nobody listens: the gate that was closed.
    const gone = await Gate.before(1);
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    expect(await dial(open, `https://127.0.0.1:${port}`)).toBe('proxy.target_unreachable');
    expect(await dial(servers['tinyproxy, Basic'], `https://127.0.0.1:${port}`)).toBe('proxy.target_unreachable');
    expect(await dial(servers.microsocks, `https://127.0.0.1:${port}`)).toBe('proxy.target_unreachable');
    expect(await dial(servers['dante, SOCKS5'], `https://127.0.0.1:${port}`)).toBe('proxy.target_unreachable');
    expect(await dial({ ...servers['squid over TLS, Basic'], extraAuthorities: [] }, `https://${SITE}`)).toBe(
      'proxy.tls_untrusted',
    );
    expect(await dial({ ...open, scheme: 'https' }, `https://${SITE}`)).toBe('proxy.tls_failed');
    expect(await dial({ ...servers.microsocks, scheme: 'http' }, `https://${SITE}`)).toBe('proxy.protocol');
    expect(await dial({ ...open, port }, `https://${SITE}`)).toBe('proxy.unreachable');
  });

  test('a proxy of the environment is used when the file wants it, and passed by where no_proxy says so', async () => {
    const { port } = servers['squid, Basic'];
    const environment = {
      https_proxy: `http://${USER.name}:${encodeURIComponent(USER.password)}@localhost:${port}`,
      no_proxy: 'other.test',
    };
    const saved = { https_proxy: process.env['https_proxy'], no_proxy: process.env['no_proxy'] };
    Object.assign(process.env, environment);
    try {
      const wanted = `${header(SITE)}}\nproxy {\n  from_environment = true`;
      await expectTheTruth(folder, simulator, wanted);
      // Without the proxy nobody knows the name: the file did not ask, or no_proxy exempts it.
      expect(await crawlFails(header(SITE), 9)).toContain('network.dns');
      process.env['no_proxy'] = '.only-proxies-know.invalid';
      expect(await crawlFails(wanted, 9)).toContain('network.dns');
    } finally {
      for (const [name, value] of Object.entries(saved)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect(readFileSync(join(folder, 'squid', 'access.log'), 'utf8')).toContain(`CONNECT ${SITE}:${gates.proxy.port}`);
    expect(bypassed()).toBe(0);
  });
});
