import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bridge, startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import type { Identity } from '#agent/bridge/identity.ts';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { type LinkClock, systemClock } from '#agent/bridge/link-clock.ts';
import { webSocketTransport } from '#agent/bridge/transport-websocket.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import { AGENT_PATH, TIMES } from '#protocol/constants.ts';
import { decodeFrame } from '#protocol/frame.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, quiet, someStatus, until } from './loopback.ts';
import { scopeRecords } from './site.ts';
import { tapped } from './tapped.ts';

const dialer = new Dialer();
let folder: string;
let holding: Promise<void> | undefined;
let backend: MemoryBackend;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-stop-'));
  holding = undefined;
  backend = new MemoryBackend({ nowMs: () => performance.now(), latency: async () => await holding });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const enrolAt = (url: string): Promise<Identity> =>
  enrol({
    dialer,
    gatewayUrl: url,
    proxy: undefined,
    token: new Secret(backend.newEnrolmentToken()),
    name: 'test',
    version: '0.0.0',
    stateFolder: folder,
  });

type Frames = { readonly part: string | undefined; readonly records: number }[];

const bridgeTo = (
  url: string,
  identity: Identity,
  crawl: JobHandler,
  options: {
    readonly clock?: LinkClock;
    readonly frames?: Frames;
    readonly toAgent?: (text: string) => string | undefined;
    readonly sent?: string[];
  } = {},
): Promise<Bridge> => {
  const { frames, toAgent, sent } = options;
  const transport = webSocketTransport(dialer, `${url.replace('http', 'ws')}${AGENT_PATH}`, undefined, undefined);
  return startBridge({
    settings: { gatewayUrl: url, proxy: undefined },
    identity,
    dialer,
    version: '0.0.0',
    spoolFolder: join(folder, 'spool'),
    status: () => someStatus(),
    handlers: { crawl },
    log: quiet,
    clock: options.clock ?? systemClock,
    transport: tapped(transport, {
      frame: (bytes) => {
        const { part, records } = decodeFrame(bytes);
        frames?.push({ part, records });
      },
      toGateway: (text) => {
        sent?.push((JSON.parse(text) as { type: string }).type);
        return text;
      },
      ...(toAgent ? { toAgent } : {}),
    }),
  });
};

/** Writes these records and then waits for its signal, as a crawl does that reads something large. */
const writesThenHangs = (records: readonly StreamRecord[], written: () => void): JobHandler => ({
  run: async (_spec, sink, { signal }) => {
    for (const record of records) await sink.write(record);
    written();
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  },
});

describe('an agent that is stopped', () => {
  test('sends what was written last before it leaves, and tells the gateway', async () => {
    await using loopback = await Loopback.start({ backend });
    const identity = await enrolAt(loopback.url);
    backend.addJob(identity.agentId);
    const written = Promise.withResolvers<void>();
    const records = scopeRecords('site/app-0', 20, 100);
    const sent: string[] = [];
    const bridge = await bridgeTo(loopback.url, identity, writesThenHangs(records, written.resolve), { sent });
    await written.promise;
    // Nothing of it was cut into a batch yet: records linger for a quarter of a second.
    expect(backend.counts.stored).toBe(0);
    await bridge.close();
    expect([...backend.published.keys()]).toEqual(['site/app-0']);
    expect(sent).toContain('drain');
    expect(backend.violations).toEqual([]);
    expect(loopback.gateway.sessions).toHaveLength(0);
  });

  test('leaves after some seconds when the catalog takes nothing, and goes on with it at the next start', async () => {
    await using loopback = await Loopback.start({ backend });
    const identity = await enrolAt(loopback.url);
    const job = backend.addJob(identity.agentId);
    const written = Promise.withResolvers<void>();
    const records = scopeRecords('site/app-0', 20, 100);
    const waits: number[] = [];
    // The grace is over at once: no test waits for it.
    const clock: LinkClock = {
      ...systemClock,
      after: (ms, call) => {
        waits.push(ms);
        return systemClock.after(ms === TIMES.agentSendMs ? 0 : ms, call);
      },
    };
    const first = await bridgeTo(loopback.url, identity, writesThenHangs(records, written.resolve), { clock });
    await written.promise;
    const gate = Promise.withResolvers<void>();
    holding = gate.promise;
    await first.close();
    expect(waits).toContain(TIMES.agentSendMs);
    expect(backend.published.size).toBe(0);
    holding = undefined;
    gate.resolve();
    const again: string[] = [];
    const crawl: JobHandler = {
      run: async (_spec, _sink, { skipScopes }) => void again.push(...skipScopes),
    };
    await using _second = await bridgeTo(loopback.url, identity, crawl);
    await until(() => job.state === 'published');
    expect(again).toEqual(['site/app-0']);
    expect([...backend.published.keys()]).toEqual(['site/app-0']);
    expect(backend.violations).toEqual([]);
  });

  test('leaves at once when there is nothing to send, and when there is no link', async () => {
    const waits: number[] = [];
    const clock: LinkClock = {
      ...systemClock,
      after: (ms, call) => {
        waits.push(ms);
        return systemClock.after(ms, call);
      },
    };
    const idle: JobHandler = { run: async () => undefined };
    const loopback = await Loopback.start({ backend });
    const { url } = loopback;
    const identity = await enrolAt(url);
    const connected = await bridgeTo(url, identity, idle, { clock });
    await until(() => connected.health().state === 'open');
    waits.length = 0;
    await connected.close();
    await loopback[Symbol.asyncDispose]();
    const closing = waits.splice(0);
    const alone = await bridgeTo(url, identity, idle, { clock });
    waits.length = 0;
    await alone.close();
    expect([...closing, ...waits]).not.toContain(TIMES.agentSendMs);
  });
});

describe('a record of some megabytes', () => {
  const bulky = scopeRecords('site/app-0', 2, 3_000_000);
  const writes: JobHandler = {
    run: async (_spec, sink) => {
      for (const record of bulky) await sink.write(record);
    },
  };

  test('goes out in parts and arrives whole', async () => {
    await using loopback = await Loopback.start({ backend });
    const identity = await enrolAt(loopback.url);
    const job = backend.addJob(identity.agentId);
    const frames: Frames = [];
    await using _bridge = await bridgeTo(loopback.url, identity, writes, { frames });
    await until(() => job.state === 'published');
    const lines = bulky.slice(1, -1).map((record) => `${JSON.stringify(record)}\n`);
    expect(backend.published.get('site/app-0')?.lines).toEqual(lines);
    expect(frames.filter(({ part }) => part === 'first')).toHaveLength(2);
    expect(frames.reduce((sum, { records }) => sum + records, 0)).toBe(bulky.length);
    expect(backend.violations).toEqual([]);
  });

  test('is shortened for a catalog that does not take parts', async () => {
    await using loopback = await Loopback.start({ backend });
    const identity = await enrolAt(loopback.url);
    const job = backend.addJob(identity.agentId);
    const frames: Frames = [];
    const toAgent = (text: string): string => text.replace(',"parts"', '');
    await using _bridge = await bridgeTo(loopback.url, identity, writes, { frames, toAgent });
    await until(() => job.state === 'published');
    expect(frames.every(({ part }) => part === undefined)).toBe(true);
    const [line] = backend.published.get('site/app-0')?.lines ?? [];
    expect(JSON.parse(line ?? '{}')).toMatchObject({ attributes: { truncated: true } });
    expect(backend.violations).toEqual([]);
  });
});
