/**
 * Long polling where no WebSocket comes through: behind an Apache that passes requests on and no upgrades, through a squid
 * that breaks TLS open and strips them, and behind something that lets the upgrade pass and then nothing more. A crawl by
 * each is the same as by WebSocket.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import { type LinkClock, systemClock } from '#agent/bridge/link-clock.ts';
import { probeLink } from '#agent/bridge/preflight.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import type { AgentStatus } from '#protocol/status.ts';
import { Loopback, quiet, someStatus, until } from '#test/unit/bridge/loopback.ts';
import { expectedScopes, siteHandler } from '#test/unit/bridge/site.ts';
import { MemoryBackend } from '#test/unit/gateway/memory-backend.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { Gate } from '../proxies/gate.ts';
import { Inspector, noInspector } from '../proxies/inspector.ts';
import { apache, noApache, stalling } from './boxes.ts';

const cloud = new Authority('Authority of the catalog');
const issued = cloud.issue({ name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'] });
const site = { apps: 8, assetsPerApp: 120, bulkBytes: 400 };
/** Five times as fast as it is: what takes an agent ten seconds to find silent is found in two. */
const fast: LinkClock = {
  nowMs: () => performance.now() * 5,
  after: (ms, call) => systemClock.after(ms / 5, call),
  random: () => 0.5,
};

interface Way {
  readonly gatewayUrl: string;
  readonly authorities: readonly string[];
  readonly proxy?: ProxyChoice;
  readonly transport?: 'auto' | 'websocket';
}

let folder: string;
let reference: Map<string, readonly string[]>;

/** A whole crawl on its own gateway; `stand` puts something before its port. */
const crawl = async (stand: (port: number) => Promise<Way>) => {
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend, pollHoldMs: 500 });
  const { gatewayUrl, authorities, proxy, transport } = await stand(Number(new URL(loopback.url).port));
  const stateFolder = mkdtempSync(join(folder, 'state-'));
  const dialer = new Dialer();
  const way = { gatewayUrl, tls: { extraAuthorities: authorities }, proxy };
  const token = new Secret(backend.newEnrolmentToken());
  const identity = await enrol({ dialer, ...way, token, name: 'test', version: '0.0.0', stateFolder });
  const job = backend.addJob(identity.agentId);
  const said: string[] = [];
  await using bridge = await startBridge({
    settings: { ...way, transport },
    identity,
    dialer,
    version: '0.0.0',
    spoolFolder: join(stateFolder, 'spool'),
    status: () => someStatus(),
    handlers: { crawl: siteHandler(site) },
    log: { ...quiet, warn: (_, message) => void said.push(message) },
    clock: fast,
  });
  await until(() => job.state === 'published');
  const probe = await probeLink({ dialer, ...way, transport, stateFolder, timeoutMs: 3_000 });
  return {
    published: new Map([...backend.published].map(([scope, { lines }]) => [scope, lines])),
    violations: backend.violations,
    attempt: job.attempt,
    health: bridge.health(),
    told: (backend.agent(identity.agentId).status as AgentStatus | undefined)?.link,
    said,
    doctor: probe.steps.find(({ name }) => name === 'upgrade'),
  };
};
type Crawled = Awaited<ReturnType<typeof crawl>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-transports-'));
  const direct = await crawl(async (port) => ({ gatewayUrl: `ws://127.0.0.1:${port}`, authorities: [] }));
  expect(direct.health.link).toEqual({ transport: 'websocket', why: 'WebSockets pass' });
  expect(direct.published).toEqual(expectedScopes(site));
  reference = direct.published;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expectPolled = (crawled: Crawled, why: RegExp): void => {
  expect(crawled.published).toEqual(reference);
  expect(crawled.violations).toEqual([]);
  expect(crawled.attempt).toBe(1);
  expect(crawled.health).toMatchObject({ state: 'open', link: { transport: 'polling' } });
  expect(crawled.health.link?.why).toMatch(why);
  expect(crawled.told).toEqual(crawled.health.link);
  expect(crawled.said).toContain('the link to the catalog uses HTTPS long polling');
  expect(crawled.doctor).toMatchObject({ status: 'pass', fault: { code: expect.stringMatching(/upgrade/) } });
  expect(crawled.doctor?.seen).toContain('HTTPS long polling does');
};

describe.skipIf(noApache())('behind an Apache that passes no upgrades on', () => {
  test('a crawl by long polling is the same as by WebSocket', async () => {
    const own = join(folder, 'apache');
    mkdirSync(own);
    let box: AsyncDisposable | undefined;
    try {
      const crawled = await crawl(async (port) => {
        const before = await apache(own, port, issued);
        box = before;
        return { gatewayUrl: `wss://localhost:${before.port}`, authorities: [cloud.certificate] };
      });
      expectPolled(crawled, /HTTP 404/);
    } finally {
      await box?.[Symbol.asyncDispose]();
    }
  });
});

describe.skipIf(noInspector())('through a squid that inspects TLS', () => {
  test('a crawl by long polling is the same as by WebSocket', async () => {
    const own = join(folder, 'squid');
    mkdirSync(own);
    const boxes: AsyncDisposable[] = [];
    try {
      const crawled = await crawl(async (port) => {
        const inspector = await Inspector.start(own, 'Authority of the inspection', cloud.certificate);
        const gate = await Gate.before(port, issued, { anybody: true });
        boxes.push(gate, inspector);
        return {
          gatewayUrl: `wss://localhost:${gate.port}`,
          authorities: [inspector.authority],
          proxy: {
            type: 'fixed' as const,
            proxy: {
              scheme: 'http' as const,
              hostname: 'localhost',
              port: inspector.port,
              username: undefined,
              password: undefined,
              extraAuthorities: [],
              from: 'proxy.hostname',
            },
          },
        };
      });
      expectPolled(crawled, /WebSockets do not pass/);
    } finally {
      for (const box of boxes) await box[Symbol.asyncDispose]();
    }
  });
});

describe('behind something that passes the upgrade and then nothing more', () => {
  test('a crawl by long polling is the same as by WebSocket', async () => {
    let stalls = (): number => 0;
    let box: AsyncDisposable | undefined;
    try {
      const crawled = await crawl(async (port) => {
        const before = await stalling(port);
        box = before;
        stalls = before.stalls;
        return { gatewayUrl: `ws://127.0.0.1:${before.port}`, authorities: [] };
      });
      expectPolled(crawled, /the upgrade passed, and then nothing came/);
      expect(stalls()).toBeGreaterThanOrEqual(2);
    } finally {
      await box?.[Symbol.asyncDispose]();
    }
  });
});
