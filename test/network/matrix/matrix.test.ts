/**
 * Every way in by every way there: pairs of authentication, release, route, login at the proxy, program and trust, with
 * real proxies, real key stores and real connection files. The sites stand behind gates that open to proxies alone.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dialer, type HttpRoute, type Route, type WebSocket, type WebSocketOptions } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { jwtAuthenticator } from '#test/simulator/proxy/authenticator.ts';
import { missingForNtlm } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { culvert } from '../program.ts';
import { Gate } from '../proxies/gate.ts';
import { type Door, noProxies, RealProxies, type User } from '../proxies/programs.ts';
import { missingPrograms } from '../spawned.ts';
import { FACTORS, IMPOSSIBLE, type Way } from './factors.ts';
import { allPairs } from './pairs.ts';
import { connectionBlock, makePfx, makeTrustStores, type Ports, portsOf, trustBlock } from './parts.ts';

const USER: User = { name: 'proxyuser', password: 'p@ss:w%rd/#? ' };
/** tinyproxy takes no blank and no # in its file. */
const PLAIN_USER: User = { name: 'tuser', password: 'tpass' };
/** Known to the proxies alone. */
const SITE = 'qlik.only-proxies-know.invalid';

const table = allPairs(FACTORS, IMPOSSIBLE);
const nameOf = (way: Way): string => Object.values(way).join(' · ');

/** What to type when something is missing beside the proxies; null when nothing is. Said loudly. */
const missingHere = (): string | null => {
  const stores = missingPrograms({ openssl: ['version'], keytool: ['-help'] });
  const lines = [missingForNtlm(), stores.length > 0 ? 'apt-get install openssl default-jre-headless' : null];
  const line = lines.filter((one) => one !== null).join('; ');
  if (line !== '') process.stderr.write(`\n*** the matrix is skipped: as root, type  ${line}\n\n`);
  return line === '' ? null : line;
};
const missing = missingHere();

test.skipIf(missing !== null && process.env['CI'] === undefined)('what the matrix needs is here', () => {
  expect(missing).toBeNull();
});

test('every possible pair is covered, and of every other the reason is known', () => {
  process.stderr.write(
    `matrix: ${table.covered} pairs covered, ${table.impossible} pairs impossible, ${table.cases.length} cases\n`,
  );
  expect(table.unexplained).toEqual([]);
  const sizes = Object.values(FACTORS).map((values) => values.length);
  const pairs = sizes.flatMap((size, at) => sizes.slice(at + 1).map((other) => size * other));
  expect(table.covered + table.impossible).toBe(pairs.reduce((sum, count) => sum + count, 0));
});

/** A Dialer on a machine whose default roots have the authority of the test. */
class TrustingDialer extends Dialer {
  readonly #authority: string;

  constructor(authority: string) {
    super();
    this.#authority = authority;
  }

  override http(route: Route): HttpRoute {
    return super.http({ ...route, tls: this.#trusting(route.tls) });
  }

  override webSocket(address: string, options: WebSocketOptions): WebSocket {
    return super.webSocket(address, { ...options, tls: this.#trusting(options.tls) });
  }

  #trusting(tls: Route['tls']): NonNullable<Route['tls']> {
    return { ...tls, extraAuthorities: [...(tls?.extraAuthorities ?? []), this.#authority] };
  }
}

/** A site, its gates, and an app of it that the user may open. */
interface Stage {
  readonly simulator: Simulator;
  readonly gates: Readonly<Record<keyof Ports, Gate>>;
  readonly appId: string;
}

const hasProxies = !noProxies();

describe.skipIf(!hasProxies || missing !== null)('the matrix', () => {
  const front = new Authority('Authority of the proxy');
  let folder: string;
  let proxies: RealProxies;
  let doors: ReadonlyMap<string, Door>;
  const stages = new Map<Way['release'], Stage>();

  const start = async (release: Way['release'], certificatePem: string): Promise<Stage> => {
    const simulator = await startSimulator({
      seed: 7,
      apps: 4,
      profile: release,
      folder: join(folder, 'pki'),
      hostNames: [SITE],
      windows: { demandsBinding: true },
      // Each case is an agent of its own; a real site would make the sixth wait.
      sessionsPerUser: 1_000,
      virtualProxies: [
        {
          prefix: 'culvert',
          authenticator: jwtAuthenticator({
            certificatePem,
            userClaim: 'userId',
            directoryClaim: 'userDirectory',
          }),
        },
      ],
    });
    const ports = portsOf(simulator);
    const gates = {
      proxy: await Gate.before(ports.proxy),
      qrs: await Gate.before(ports.qrs),
      engine: await Gate.before(ports.engine),
      service: await Gate.before(ports.service),
    };
    const direct = {
      authentication: 'header',
      release,
      route: 'direct',
      login: 'no login',
      program: 'no proxy',
      trust: 'PEM',
    } as const;
    const stage = { simulator, gates, appId: '' };
    await using site = openSite(await connectionOf(direct, stage, 0), { dialer: new Dialer() });
    for (const { id } of (await site.apps()).rows) {
      if (!(await site.dataModel(id)).available) continue;
      const opened = await site.openApp(id).catch(() => undefined);
      await opened?.close();
      if (opened !== undefined) return { ...stage, appId: id };
    }
    throw new Error('no app of the site can be opened');
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-matrix-'));
    proxies = new RealProxies(folder, [SITE]);
    const own = front.issue({ name: 'localhost', dns: ['localhost'] });
    const squid = await proxies.squid(USER, own);
    const stunnel = await proxies.stunnel(own);
    doors = new Map([
      ['http no login squid', squid.open],
      ['http password squid', squid.plain],
      ['https no login squid', squid.openTls],
      ['https password squid', squid.secure],
      ['http no login tinyproxy', await proxies.tinyproxy()],
      ['http password tinyproxy', await proxies.tinyproxy(PLAIN_USER)],
      ['socks4a no login stunnel', stunnel],
      ['socks5 no login stunnel', stunnel],
      ['socks5 no login dante', await proxies.dante()],
      ['socks5 password dante', await proxies.dante(USER)],
      ['socks5 no login microsocks', await proxies.microsocks()],
      ['socks5 password microsocks', await proxies.microsocks(USER)],
    ]);
    const made = await culvert('jwt', 'init', '--out', join(folder, 'jwt'));
    expect(made).toMatchObject({ status: 0, err: '' });
    const certificate = readFileSync(join(folder, 'jwt', 'jwt_certificate.pem'), 'utf8');
    mkdirSync(join(folder, 'connections'));
    // Both sites have the same authority, as they have the same folder.
    for (const release of FACTORS.release) {
      if (stages.size === 0) {
        await using first = await startSimulator({ seed: 7, apps: 1, folder: join(folder, 'pki'), hostNames: [SITE] });
        writeFileSync(join(folder, 'connections', 'site.pem'), readFileSync(first.addresses.certificates.rootPath));
        makePfx(folder, first);
      }
      stages.set(release, await start(release, certificate));
    }
    writeFileSync(join(folder, 'connections', 'front.pem'), front.certificate);
    for (const name of ['site', 'front']) makeTrustStores(join(folder, 'connections'), name);
  }, 120_000);

  afterAll(async () => {
    await proxies?.[Symbol.asyncDispose]();
    for (const { gates, simulator } of stages.values()) {
      for (const gate of Object.values(gates)) await gate[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const doorOf = ({ route, login, program }: Way): Door | undefined => doors.get(`${route} ${login} ${program}`);

  const proxyBlock = (way: Way, { port }: Door, odd: boolean): string => {
    const user = way.program === 'tinyproxy' ? PLAIN_USER : USER;
    const account =
      way.login === 'password' ? `username = ${user.name}\npassword = ${JSON.stringify(user.password)}\n` : '';
    const own = way.trust === 'default roots' ? 'PEM' : way.trust;
    const trust = way.route === 'https' ? trustBlock('tls.truststore', own, 'front', odd) : '';
    return `proxy {\nscheme = ${way.route}\nhostname = localhost\nport = ${port}\n${account}${trust}}\n`;
  };

  /** What a file for this case says, read as the agent reads it. */
  const connectionOf = async (way: Way, stage: Stage, index: number): Promise<Connection> => {
    const odd = index % 2 === 1;
    const door = doorOf(way);
    const at =
      door === undefined
        ? { host: '127.0.0.1', ports: portsOf(stage.simulator) }
        : {
            host: SITE,
            ports: {
              proxy: stage.gates.proxy.port,
              qrs: stage.gates.qrs.port,
              engine: stage.gates.engine.port,
              service: stage.gates.service.port,
            },
          };
    const name = `case-${index}.conf`;
    writeFileSync(
      join(folder, 'connections', name),
      `name = "Case ${index}"\ncode = case-${index}\nconnector_id = "qlik-sense"\n` +
        connectionBlock(folder, way, stage.simulator, at, odd) +
        trustBlock('tls.truststore', way.trust, 'site', odd) +
        (door === undefined ? '' : proxyBlock(way, door, odd)),
    );
    const parsed = await loadConnectionFile(name, { folder: join(folder, 'connections'), env: {} });
    expect(parsed?.problems).toEqual([]);
    if (parsed?.connection === undefined) throw new Error('the connection file was refused');
    return parsed.connection;
  };

  /** Connections that came to the gates, by the door of the proxy. */
  const arrivals = (stage: Stage, door: Door | undefined) =>
    Object.fromEntries(
      Object.entries(stage.gates).map(([name, gate]) => [
        name,
        {
          ofOurs: door === undefined ? 0 : (gate.passesFrom.get(door.from) ?? 0),
          all: gate.passes,
          past: gate.bypasses,
        },
      ]),
    ) as Record<keyof Ports, { ofOurs: number; all: number; past: number }>;

  test.each(table.cases.map((way, index) => [nameOf(way), way, index] as const))('%s', async (_, way, index) => {
    const stage = stages.get(way.release);
    if (stage === undefined) throw new Error(`no site of ${way.release}`);
    const { simulator, appId } = stage;
    const door = doorOf(way);
    expect(door === undefined).toBe(way.route === 'direct');
    const before = {
      arrivals: arrivals(stage, door),
      sessions: simulator.record.proxySessions.total,
      logins: simulator.windowsLogins.length,
      opens: simulator.record.snapshot().opens,
    };
    const connection = await connectionOf(way, stage, index);
    const authority = readFileSync(simulator.addresses.certificates.rootPath, 'utf8');
    const dialer = way.trust === 'default roots' ? new TrustingDialer(authority) : new Dialer();
    await using site = openSite(connection, { dialer });
    const { buildVersion } = await site.about();
    expect(buildVersion).toMatch(way.release === 'may-2025' ? /^31\.62\./ : /^30\.6\./);
    const apps = await site.apps();
    expect(apps.incomplete).toBeUndefined();
    expect(apps.rows.length).toBe(simulator.truth().assets['app']);
    await (await site.openApp(appId)).close();
    // Tables and fields come through the proxy; the engine's own port gives them out since November 2024 only.
    const certificates = connection.authentication.type === 'certificate';
    expect(await site.dataModel(appId)).toMatchObject(
      certificates && way.release === 'november-2021'
        ? { available: false, reason: { code: 'qlik.data_model_unavailable' } }
        : { available: true },
    );

    const record = simulator.record.snapshot();
    expect([record.opens - before.opens, record.opensWithData]).toEqual([1, 0]);
    expect(record.proxySessions.total - before.sessions).toBe(certificates ? 0 : 1);
    // One login, bound to the TLS connection to the site and not to one with a proxy.
    const logins = simulator.windowsLogins.slice(before.logins);
    if (way.authentication === 'NTLM') expect(logins).toMatchObject([{ way: 'NTLM', bound: true, reason: null }]);
    else expect(logins.length).toBe(way.authentication === 'forms' ? 1 : 0);

    const now = arrivals(stage, door);
    const used: readonly (keyof Ports)[] = certificates
      ? ['qrs', 'engine']
      : way.authentication === 'ticket'
        ? ['proxy', 'service']
        : ['proxy'];
    for (const gate of ['proxy', 'qrs', 'engine', 'service'] as const) {
      const came = now[gate].all - before.arrivals[gate].all;
      expect(now[gate].past, `${gate}: past the proxy`).toBe(0);
      expect(now[gate].ofOurs - before.arrivals[gate].ofOurs, `${gate}: through this proxy`).toBe(came);
      if (door === undefined) expect(came, `${gate}: through any proxy`).toBe(0);
      else if (used.includes(gate)) expect(came, `${gate}: through this proxy`).toBeGreaterThan(0);
      else expect(came, `${gate}: not asked`).toBe(0);
    }
  });
});
