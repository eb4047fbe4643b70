/**
 * Sessions with proxies over many starts of the real programs, some of which are killed: a user may have five at a time,
 * and each counts for half an hour after its last use. By the counts of the site.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { enrol } from '#agent/bridge/enrol.ts';
import type { Identity } from '#agent/bridge/identity.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { SimulatorOptions } from '#test/simulator/options.ts';
import { missingForNtlm } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { Loopback, until } from '#test/unit/bridge/loopback.ts';
import { MemoryBackend } from '#test/unit/gateway/memory-backend.ts';
import { connectionFile, culvert } from './program.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
const STARTS = 12;
const TEN_MINUTES_MS = 600_000;

let root: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'culvert-sessions-'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A folder with `agent.conf` and what it names. */
const place = (gatewayUrl = '') => {
  count += 1;
  const folder = join(root, String(count));
  const connections = join(folder, 'connections');
  mkdirSync(connections, { recursive: true });
  const config = join(folder, 'agent.conf');
  writeFileSync(config, gatewayUrl === '' ? '' : `gateway.url = "${gatewayUrl}"\n`);
  // As an agent that was enrolled has it.
  const state = join(folder, 'state');
  mkdirSync(state, { mode: 0o700 });
  return { folder, connections, config, state, out: join(folder, 'records.ndjson'), gatewayUrl };
};

const start = (options: SimulatorOptions = {}): Promise<Simulator> =>
  startSimulator({ seed: 7, apps: 3, folder: join(root, 'pki'), sessionLingerMs: TEN_MINUTES_MS, ...options });

const byHeader = ({ addresses: { header } }: Simulator, more = ''): string =>
  `url = "${header.url}"\nauth { key = ${header.headerName}, value = """${header.headerValue}"""${more} }`;

const enrolIn = (stateFolder: string, gatewayUrl: string, backend: MemoryBackend): Promise<Identity> =>
  enrol({
    dialer: new Dialer(),
    gatewayUrl,
    proxy: undefined,
    token: new Secret(backend.newEnrolmentToken()),
    name: 'test',
    version: '0.0.0',
    stateFolder,
  });

/** Resolves when the site has opened an app: the program is in the middle of its crawl then. */
const appOpened = ({ record }: Simulator): Promise<void> =>
  new Promise((resolve) => {
    const stop = record.onEvent(({ type }) => {
      if (type !== 'open') return;
      stop();
      resolve();
    });
  });

const begin = (...args: readonly string[]): { child: ChildProcess; ended: Promise<unknown>; said: () => string } => {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  running.add(child);
  const ended = once(child, 'exit').finally(() => running.delete(child));
  return { child, ended, said: () => text };
};

/** Starts it and kills it, without a chance to say goodbye, in the middle of the crawl. */
const killed = async (simulator: Simulator, ...args: readonly string[]): Promise<void> => {
  const opened = appOpened(simulator);
  const { child, ended, said } = begin(...args);
  const early = ended.then(() => Promise.reject(new Error(`ended before it opened an app: ${said()}`)));
  early.catch(() => undefined);
  await Promise.race([opened, early]);
  child.kill('SIGKILL');
  await ended;
};

const crawls = async (simulator: Simulator, args: readonly string[]): Promise<void> => {
  for (let at = 0; at < STARTS; at += 1) {
    if (at % 2 === 0) await killed(simulator, ...args);
    else {
      const ended = await culvert(...args);
      expect(ended.status, ended.err).toBe(0);
      expect(ended.err).not.toContain('waiting for one');
    }
  }
};

/** Everything in the files of a folder. */
const contents = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
    .join('\n');

describe('twelve starts in a row never wait', () => {
  test('culvert crawl, every other killed: one session', async () => {
    await using simulator = await start();
    const { config, connections, state, out } = place();
    const file = connectionFile(connections, simulator, byHeader(simulator));
    await crawls(simulator, ['crawl', file, '--config', config, '--out', out]);
    expect(simulator.record.snapshot()).toMatchObject({ sessionsExceeded: 0, proxySessions: { total: 1, max: 1 } });

    const kept = readdirSync(join(state, 'sessions'));
    expect(kept.length).toBe(1);
    if (process.platform !== 'win32') expect(statSync(join(state, 'sessions', kept[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(contents(state)).not.toMatch(/X-Qlik-Session|cookies/);

    // Two at once, beside what was kept: still that one.
    const both = await Promise.all(
      [0, 1].map((at) => culvert('crawl', file, '--config', config, '--out', `${out}${at}`)),
    );
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(simulator.record.proxySessions.total).toBe(1);
    // An edit that changes neither user nor host keeps it; what has no place to keep it takes one of its own.
    appendFileSync(file, '# edited\n');
    await culvert('crawl', file, '--config', config, '--out', out);
    expect(simulator.record.proxySessions.total).toBe(1);
    await culvert('crawl', file, '--out', out);
    expect(simulator.record.proxySessions.total).toBe(2);
  }, 60_000);

  test('culvert crawl with a user of its own, every other killed: the next one logs out what was left', async () => {
    await using simulator = await start({ sessionLingerMs: 0 });
    const { connections, out } = place();
    const file = connectionFile(connections, simulator, byHeader(simulator, ', dedicated_user = true'));
    await crawls(simulator, ['crawl', file, '--out', out]);
    const { sessionsExceeded, proxySessions, http } = simulator.record.snapshot();
    expect({ sessionsExceeded, total: proxySessions.total }).toEqual({ sessionsExceeded: 0, total: STARTS });
    // One that was killed, and the one after it.
    expect(proxySessions.max).toBe(2);
    expect(http['DELETE /qps/user']?.count).toBe(STARTS / 2);
    expect(simulator.sessions.count(simulator.addresses.user)).toBe(0);
  }, 60_000);

  test('nobody is logged out whose user may be a person', async () => {
    await using simulator = await start();
    const { connections, config, out } = place();
    const file = connectionFile(connections, simulator, byHeader(simulator));
    await culvert('crawl', file, '--out', out);
    await culvert('crawl', file, '--config', config, '--out', out);
    expect(simulator.sessions.count(simulator.addresses.user)).toBe(2);
    expect(Object.keys(simulator.record.snapshot().http).filter((name) => name.startsWith('DELETE'))).toEqual([]);
  });

  test.each([
    ['one session', 'november-2021', '', 1],
    ['log-out at each stop, of what was left by a kill as well', 'may-2025', ', dedicated_user = true', STARTS / 2],
  ] as const)(
    'culvert run, every other killed: %s',
    async (_, profile, more, sessions) => {
      await using simulator = await start({ sessionLingerMs: 0, profile });
      const backend = new MemoryBackend({ nowMs: () => performance.now() });
      await using loopback = await Loopback.start({ backend });
      const gatewayUrl = loopback.url.replace('http', 'ws');
      const { connections, config, state } = place(gatewayUrl);
      connectionFile(connections, simulator, byHeader(simulator, more));
      const identity = await enrolIn(state, gatewayUrl, backend);
      for (let at = 0; at < STARTS; at += 1) {
        backend.addJob(identity.agentId, { connection: 'site' });
        if (at % 2 === 0) await killed(simulator, 'run', '--config', config);
        else {
          const opened = appOpened(simulator);
          const { child, ended, said } = begin('run', '--config', config);
          await opened;
          child.kill('SIGTERM');
          expect(await ended, said()).toEqual([0, null]);
          expect(said()).not.toContain('waiting for one');
        }
      }
      const { sessionsExceeded, proxySessions } = simulator.record.snapshot();
      expect({ sessionsExceeded, total: proxySessions.total }).toEqual({ sessionsExceeded: 0, total: sessions });
      expect(simulator.sessions.count(simulator.addresses.user)).toBe(more === '' ? 1 : 0);
    },
    90_000,
  );
});

test('nobody logs out the sessions of an agent that runs', async () => {
  await using simulator = await start({ sessionLingerMs: 0 });
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend });
  const { connections, config, state, out, gatewayUrl } = place(loopback.url.replace('http', 'ws'));
  const file = connectionFile(connections, simulator, byHeader(simulator, ', dedicated_user = true'));
  const { agentId } = await enrolIn(state, gatewayUrl, backend);
  const { child, ended } = begin('run', '--config', config);
  await until(() => backend.agent(agentId).status !== undefined);
  const logOuts = (): number => simulator.record.snapshot().http['DELETE /qps/user']?.count ?? 0;
  for (const args of [
    ['crawl', file, '--config', config, '--out', out],
    ['doctor', 'site', '--config', config, '--json'],
  ])
    expect(await culvert(...args)).toMatchObject({ status: 0 });
  expect([logOuts(), simulator.record.proxySessions.total]).toEqual([0, 1]);
  child.kill('SIGTERM');
  await ended;
  expect(await culvert('doctor', 'site', '--config', config, '--json')).toMatchObject({ status: 0 });
  expect([logOuts(), simulator.record.proxySessions.total]).toEqual([1, 1]);
});

const missing = missingForNtlm();

describe.skipIf(missing !== null)(`a refused password${missing === null ? '' : ` (needs: ${missing})`}`, () => {
  test('is sent once in half an hour, also by a service that starts again and again, until the file changes', async () => {
    await using simulator = await start();
    const { connections, config, state, out } = place();
    const { url = '', username = '' } = simulator.addresses.windows ?? {};
    const file = connectionFile(
      connections,
      simulator,
      `url = "${url}"\nauth { username = """${username}""", password = "canary-wrong" }`,
    );
    for (let at = 0; at < 4; at += 1) {
      const ended = await culvert('crawl', file, '--config', config, '--out', out);
      expect(ended.status).toBe(1);
      expect(ended.err.replaceAll(/\s+/g, ' ')).toContain('not tried again for half an hour');
    }
    expect(simulator.windowsLogins).toMatchObject([{ user: null }]);
    expect(contents(state)).not.toContain('canary-wrong');
    appendFileSync(file, '# the account was unlocked\n');
    await culvert('crawl', file, '--config', config, '--out', out);
    expect(simulator.windowsLogins.length).toBe(2);
  });
});
