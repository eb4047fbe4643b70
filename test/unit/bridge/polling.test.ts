import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import { gatewayAddress } from '#agent/bridge/gateway-address.ts';
import { type LinkClock, systemClock } from '#agent/bridge/link-clock.ts';
import { probeLink } from '#agent/bridge/preflight.ts';
import type { Transport } from '#agent/bridge/transport.ts';
import { pollingTransport } from '#agent/bridge/transport-polling.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { Fault } from '#protocol/errors.ts';
import { POLLING_PATHS } from '#protocol/polling.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, quiet, someStatus, until } from './loopback.ts';
import { expectedScopes, type SiteShape, siteHandler } from './site.ts';

const dialer = new Dialer();
let folder: string;
let backend: MemoryBackend;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-polling-'));
  backend = new MemoryBackend({ nowMs: () => performance.now() });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bridgeBy = async (
  url: string,
  handlers: Parameters<typeof startBridge>[0]['handlers'] = {},
  transport: Transport | 'chosen' = pollingTransport({ dialer, address: gatewayAddress(url), proxy: undefined }),
  clock: LinkClock = { ...systemClock, random: () => 0.001 },
) => {
  const way = { gatewayUrl: url, proxy: undefined };
  const identity = await enrol({
    dialer,
    ...way,
    token: new Secret(backend.newEnrolmentToken()),
    name: 'test',
    version: '0.0.0',
    stateFolder: folder,
  });
  const job = backend.addJob(identity.agentId);
  const bridge = await startBridge({
    settings: way,
    identity,
    dialer,
    version: '0.0.0',
    spoolFolder: join(folder, 'spool'),
    status: () => someStatus(),
    handlers,
    log: quiet,
    clock,
    ...(transport === 'chosen' ? {} : { transport }),
  });
  return { bridge, job, agentId: identity.agentId };
};

const expectPublished = (site: SiteShape): void => {
  expect(new Map([...backend.published].map(([scope, { lines }]) => [scope, lines]))).toEqual(expectedScopes(site));
  expect(backend.violations).toEqual([]);
};

/** Passes requests on to a gateway; `meddle` may lose them, or their answers. */
const middleBox = async (
  target: string,
  meddle: (path: string, n: number) => 'pass' | 'hold' | 'lose the request' | 'lose the answer' | number,
) => {
  const counts = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    const n = (counts.get(path) ?? 0) + 1;
    counts.set(path, n);
    const what = meddle(path, n);
    if (what === 'hold') return;
    if (what === 'lose the request') {
      request.socket.destroy();
      return;
    }
    if (typeof what === 'number') {
      response.writeHead(what, { 'content-length': 0 }).end();
      request.resume();
      return;
    }
    // It knows nothing of upgrades, as many proxies do.
    const { upgrade: _, connection: __, ...headers } = request.headers;
    const passed = httpRequest(target + path, { method: request.method, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (what === 'lose the answer') request.socket.destroy();
        else response.writeHead(answer.statusCode ?? 0, answer.headers).end(Buffer.concat(chunks));
      });
    });
    passed.on('error', () => request.socket.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

describe('a crawl by long polling', () => {
  test('publishes exactly the records that were written, in one session', async () => {
    await using loopback = await Loopback.start({ backend });
    const site = { apps: 20, assetsPerApp: 60, bulkBytes: 400 };
    const { bridge, job, agentId } = await bridgeBy(loopback.url, { crawl: siteHandler(site) });
    await using _ = bridge;
    await until(() => job.state === 'published');
    expectPublished(site);
    expect(backend.agent(agentId).epoch).toBe(1);
    expect(bridge.health()).toMatchObject({ state: 'open', healthy: true, error: null });
  });

  test('is exact, in one session, although requests and answers are lost again and again', async () => {
    await using loopback = await Loopback.start({ backend });
    await using box = await middleBox(loopback.url, (path, n) =>
      path === POLLING_PATHS.send && n % 3 === 0
        ? 'lose the answer'
        : path === POLLING_PATHS.send && n % 4 === 0
          ? 'lose the request'
          : path === POLLING_PATHS.poll && n % 5 === 0
            ? 'lose the answer'
            : path === POLLING_PATHS.poll && n % 7 === 0
              ? 502
              : 'pass',
    );
    const site = { apps: 12, assetsPerApp: 200, bulkBytes: 300 };
    const { bridge, job, agentId } = await bridgeBy(box.url, { crawl: siteHandler(site) });
    await using _ = bridge;
    await until(() => job.state === 'published');
    expectPublished(site);
    expect(backend.agent(agentId).epoch).toBe(1);
    expect(box.counts.get(POLLING_PATHS.send)).toBeGreaterThan(6);
  });

  test('goes on in a new session when the gateway does not know the old one any more', async () => {
    await using box = await (async () => {
      const loopbacks = { now: await Loopback.start({ backend }) };
      const inner = await middleBox(loopbacks.now.url, () => 'pass');
      return Object.assign(inner, { loopbacks });
    })();
    const site = { apps: 4, assetsPerApp: 20, bulkBytes: 100 };
    const gate = Promise.withResolvers<void>();
    const { bridge, job, agentId } = await bridgeBy(box.url, {
      crawl: siteHandler(site, { pace: (scope) => (scope === 'site/app-2' ? gate.promise : Promise.resolve()) }),
    });
    await using _ = bridge;
    await until(() => backend.published.size === 2);
    // It drains: the agent leaves, and comes back by itself.
    const { loopbacks } = box;
    expect(loopbacks.now.gateway.sessions).toHaveLength(1);
    loopbacks.now.forget();
    await until(() => backend.agent(agentId).epoch === 2);
    gate.resolve();
    await until(() => job.state === 'published');
    expectPublished(site);
    await bridge.close();
    await loopbacks.now[Symbol.asyncDispose]();
  });
});

describe('the agent', () => {
  const dial = (url: string): Promise<{ fault: Fault; retryAfterMs: number | undefined }> =>
    new Promise((resolve) => {
      const nothing = (): void => undefined;
      const listener = { opened: nothing, text: nothing, binary: nothing, activity: nothing, closed: nothing };
      const failed = (fault: Fault, retryAfterMs: number | undefined): void => resolve({ fault, retryAfterMs });
      pollingTransport({ dialer, address: gatewayAddress(url), proxy: undefined }).connect({ ...listener, failed });
    });

  test('says what answered when it was no gateway', async () => {
    for (const [status, code] of [
      [200, 'bridge.upgrade_refused'],
      [404, 'bridge.upgrade_refused'],
      [407, 'proxy.auth_required'],
      [502, 'bridge.unreachable'],
    ] as const) {
      await using box = await middleBox('http://127.0.0.1:9', () => status);
      expect((await dial(box.url)).fault.code).toBe(code);
    }
  });

  test('waits as long as a gateway without room says', async () => {
    await using loopback = await Loopback.start({ backend, maxConnections: 0 });
    const { fault, retryAfterMs } = await dial(loopback.url);
    expect(fault.code).toBe('bridge.unreachable');
    expect(retryAfterMs).toBeGreaterThanOrEqual(15_000);
  });
});

describe('a link that is half open', () => {
  /** Twenty times as fast as it is. */
  const fast = {
    nowMs: () => performance.now() * 20,
    after: (ms: number, call: () => void) => systemClock.after(ms / 20, call),
    random: () => 0.001,
  };

  test('is found by both ends within 45 s, though nothing was closed', async () => {
    const clock = { ...fast, timestamp: () => new Date().toISOString() };
    await using loopback = await Loopback.start({ backend, clock, pollHoldMs: 25_000 });
    let dead = false;
    await using box = await middleBox(loopback.url, (path) => (dead && path !== POLLING_PATHS.open ? 'hold' : 'pass'));
    const { bridge, agentId } = await bridgeBy(box.url, {}, undefined, fast);
    await using _ = bridge;
    await until(() => bridge.health().state === 'open');
    const beginsMs = fast.nowMs();
    dead = true;
    await until(() => bridge.health().state !== 'open');
    await until(() => loopback.gateway.sessions.length === 0);
    // What was heard last lies before the cut; the rest is the load of the machine that runs this.
    expect(fast.nowMs() - beginsMs).toBeLessThan(240_000);
    expect(bridge.health().error?.message).toContain('nothing heard');
    dead = false;
    await until(() => backend.agent(agentId).epoch === 2 && bridge.health().state === 'open');
  });
});

describe('behind something that takes no upgrades', () => {
  test('the agent goes over to long polling by itself, and says so', async () => {
    await using loopback = await Loopback.start({ backend });
    await using box = await middleBox(loopback.url, () => 'pass');
    const site = { apps: 3, assetsPerApp: 20, bulkBytes: 100 };
    const { bridge, job, agentId } = await bridgeBy(box.url, { crawl: siteHandler(site) }, 'chosen');
    await using _ = bridge;
    await until(() => job.state === 'published');
    expectPublished(site);
    const link = { transport: 'polling', why: 'WebSockets do not pass: the upgrade was answered with HTTP 404' };
    expect(bridge.health()).toMatchObject({ state: 'open', link });
    expect(backend.agent(agentId).status).toMatchObject({ link });
  });

  test('the doctor names what was seen, and that it works all the same', async () => {
    await using loopback = await Loopback.start({ backend });
    await using box = await middleBox(loopback.url, () => 'pass');
    const upgrade = async (url: string, transport: 'auto' | 'websocket' | 'polling') =>
      (await probeLink({ dialer, gatewayUrl: url, proxy: undefined, stateFolder: folder, transport })).steps.find(
        ({ name }) => name === 'upgrade',
      );
    const found = await upgrade(box.url, 'auto');
    expect(found).toMatchObject({ status: 'pass', fault: { code: 'bridge.upgrade_refused' } });
    expect(found?.seen).toContain('long polling does');
    expect(await upgrade(box.url, 'websocket')).toMatchObject({ status: 'fail' });
    expect(await upgrade(loopback.url, 'polling')).toMatchObject({ status: 'pass' });
    expect((await upgrade(loopback.url, 'auto'))?.seen).toContain('took the WebSocket');
    // It leaves nothing open.
    await until(() => loopback.gateway.connections === 0);
  });

  test('an agent whose gateway is away does not take long polling for better', async () => {
    await using box = await middleBox('http://127.0.0.1:9', () => 502);
    const steps = (await probeLink({ dialer, gatewayUrl: box.url, proxy: undefined, stateFolder: folder })).steps;
    expect(steps.find(({ name }) => name === 'upgrade')).toMatchObject({
      status: 'fail',
      fault: { code: 'bridge.unreachable' },
    });
  });
});
