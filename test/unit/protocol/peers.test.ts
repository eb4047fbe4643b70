import { describe, expect, test } from 'vitest';
import { CLOSE, LIMITS, TIMES } from '#protocol/constants.ts';
import { Bench as AgentBench, hello, sent, welcome } from './agent-bench.ts';
import { closed, Bench as GatewayBench, sent as gatewaySent, lease } from './gateway-bench.ts';
import { Linked } from './linked.ts';

type Json = Record<string, unknown>;
type Peer = (message: Json) => readonly Json[];

/** What may lack: the fields that the document marks so, and every capability. */
const OPTIONAL = [
  'retryAfterMs',
  'cancel',
  'omittedConnections',
  'faults',
  'bypassCertificateValidation',
  'machine',
  'link',
];

/** Says nothing that a release before this one did not say, and nothing that it may leave out. */
const older: Peer = (message) => {
  const stripped = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(stripped);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => (OPTIONAL.includes(name) ? [] : [[name, stripped(inner)]])),
    );
  };
  return [{ ...(stripped(message) as Json), ...('capabilities' in message ? { capabilities: [] } : {}) }];
};

/** Says more than this release knows, wherever it may. */
const newer: Peer = (message) => {
  const extended = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(extended);
    if (typeof value !== 'object' || value === null) return value;
    return {
      ...Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, extended(inner)])),
      news: { of: ['a', 'later', { release: 9 }] },
      lease: null,
    };
  };
  const { capabilities } = message as { capabilities?: string[] };
  return [
    {
      ...(extended(message) as Json),
      ...(capabilities ? { capabilities: [...capabilities, 'telepathy', 'parts2'] } : {}),
    },
    // Not before its first: a peer of any release greets and authenticates first.
    ...(capabilities || message['type'] === 'hello' ? [] : [{ type: 'telepathy', opt: true, thought: [1, 2, 3] }]),
  ];
};
const same: Peer = (message) => [message];

const run = async (linked: Linked, done: () => boolean): Promise<void> => {
  const from = linked.steps;
  while (!done()) if (linked.steps > from + 5_000 || !(await linked.step())) throw new Error('no progress');
};

const pairs: [string, Peer, Peer][] = [
  ['an older agent', older, same],
  ['an older gateway', same, older],
  ['a newer agent', newer, same],
  ['a newer gateway', same, newer],
  ['an older agent and a newer gateway', older, newer],
  ['a newer agent and an older gateway', newer, older],
];

describe.each(pairs)('whole sessions with %s', (_, agent, gateway) => {
  const begin = (): Linked => {
    const linked = new Linked();
    linked.via = (to, text) =>
      (to === 'gateway' ? agent : gateway)(JSON.parse(text) as Json).map((message) => JSON.stringify(message));
    linked.start();
    return linked;
  };

  test('connect, take a job, send its data, and finish it exactly', async () => {
    const linked = begin();
    const job = linked.backend.addJob(linked.agentId);
    await run(linked, () => job.state === 'published' && linked.held === 0);
    const published = new Map([...linked.backend.published].map(([scope, { lines }]) => [scope, lines]));
    expect(published).toEqual(linked.expected);
    expect(linked.backend.violations).toEqual([]);
    expect(linked.closes).toEqual([]);
  });

  test('are cut, and go on', async () => {
    const linked = begin();
    const job = linked.backend.addJob(linked.agentId);
    await run(linked, () => job.durableSeq >= 2);
    await linked.cut();
    await run(linked, () => job.state === 'published' && linked.held === 0);
    expect(job.attempt).toBe(1);
    expect(linked.backend.violations).toEqual([]);
    expect(linked.closes).toEqual([]);
  });

  test('cancel, renew, and are drained by the gateway and then by the agent', async () => {
    const linked = begin();
    const cancelled = linked.backend.addJob(linked.agentId);
    await run(linked, () => cancelled.durableSeq >= 1);
    linked.backend.cancelJob(cancelled);
    await run(linked, () => (cancelled.state === 'cancelled' || cancelled.state === 'published') && linked.held === 0);
    // Some heartbeats later.
    const untilMs = linked.nowMs + 3 * TIMES.heartbeatMs;
    await run(linked, () => linked.nowMs >= untilMs && linked.agent.state.name === 'open');
    expect(linked.closes).toEqual([]);
    linked.toGateway({ type: 'ask', message: { type: 'log.level', level: 'debug', forMs: 1_000 } });
    linked.toGateway({ type: 'drain', deadlineMs: 5_000, reconnectAfterMs: 1_000 });
    await run(linked, () => linked.closes.length > 0);
    expect(linked.closes).toEqual([CLOSE.draining]);
    await run(linked, () => linked.agent.state.name === 'open');
    linked.event({ type: 'drain', deadlineMs: TIMES.agentDrainMs });
    const refused = linked.backend.addJob(linked.agentId);
    await run(linked, () => linked.nowMs >= untilMs + TIMES.heartbeatMs);
    expect(refused.state).toBe('queued');
    expect(linked.closes).toEqual([CLOSE.draining]);
  });
});

describe('what an older peer is not told', () => {
  test('is everything behind a capability that it did not name', () => {
    const bench = new GatewayBench();
    bench.open();
    for (const message of [
      { type: 'key.renew' },
      { type: 'catalog.key', publicKey: '', signature: '' },
      { type: 'log.level', level: 'debug', forMs: 1 },
    ] as const)
      expect(bench.do({ type: 'ask', message })).toEqual([]);
  });
});

describe('a message of an unknown type', () => {
  test('ends the session with 4501 on both sides unless it may be ignored', () => {
    const agent = new AgentBench().running();
    expect(agent.hear({ type: 'telepathy', opt: true })).toEqual([]);
    expect(agent.hear({ type: 'telepathy' })).toMatchObject([{ type: 'close', code: CLOSE.unknownMessage }]);
    const gateway = new GatewayBench().running();
    expect(gateway.hear({ type: 'telepathy', opt: true })).toEqual([]);
    expect(closed(gateway.hear({ type: 'telepathy', opt: 'yes' }))).toEqual([CLOSE.unknownMessage]);
  });
});

describe('a gateway of another major version', () => {
  test.each([
    [2, 3],
    [0, 0],
  ])('that speaks %i to %i is left with 4506, one that speaks 1 as well is not', (min, max) => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    expect(bench.hear({ ...hello, protocol: { min, max } })).toMatchObject([
      { type: 'close', code: CLOSE.versionTooOld },
    ]);
    const both = new AgentBench();
    both.do({ type: 'start' });
    both.do({ type: 'opened' });
    expect(both.hear({ ...hello, protocol: { min: 1, max: 9 } }).map(({ type }) => type)).toContain('sign');
  });
});

describe('a message beyond its bounds', () => {
  const long = 'x'.repeat(LIMITS.textChars + 1);
  const id = 'x'.repeat(LIMITS.idChars + 1);
  const many = (count: number) => Array.from({ length: count + 1 }, () => 'n');
  const open = (): AgentBench => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    return bench;
  };

  test.each<[string, Json]>([
    ['bye', { type: 'bye', code: 4000, message: long, advice: '' }],
    ['bye', { type: 'bye', code: 70_000, message: '', advice: '' }],
    ['job.offer', { type: 'job.offer', ...lease, jobId: id, leaseTtlMs: 1, credit: 1, spec: '', signature: '' }],
    ['job.offer', { type: 'job.offer', ...lease, attempt: 2 ** 31, leaseTtlMs: 1, credit: 1, spec: '', signature: '' }],
    ['job.offer', { type: 'job.offer', ...lease, leaseTtlMs: TIMES.maxMs + 1, credit: 1, spec: '', signature: '' }],
    ['job.offer', { type: 'job.offer', ...lease, leaseTtlMs: 1, credit: 2 ** 30 + 1, spec: '', signature: '' }],
    [
      'job.offer',
      { type: 'job.offer', ...lease, leaseTtlMs: 1, credit: 1, spec: 'x'.repeat(LIMITS.specChars + 1), signature: '' },
    ],
    ['job.offer', { type: 'job.offer', ...lease, leaseTtlMs: 1, credit: 1, spec: '', signature: id }],
    ['job.cancel', { type: 'job.cancel', jobId: 'j', attempt: 1, reason: long }],
    [
      'heartbeat.ok',
      {
        type: 'heartbeat.ok',
        leaseTtlMs: 1,
        lost: many(LIMITS.listedJobs).map(() => ({ jobId: 'j', attempt: 1 })),
        cancelled: [],
      },
    ],
    ['ack', { type: 'ack', stream: 2 ** 32, upto: 1, credit: 1 }],
    ['ack', { type: 'ack', stream: 1, upto: 2 ** 53, credit: 1 }],
    ['ack', { type: 'ack', stream: 1, upto: 1, credit: -1 }],
    ['drain', { type: 'drain', deadlineMs: 0.5, reconnectAfterMs: 1 }],
    ['log.level', { type: 'log.level', level: 'debug', forMs: TIMES.maxMs + 1 }],
  ])('ends the session at the agent: %s', (type, message) => {
    const effects = open().hear(message);
    expect(effects).toMatchObject([{ type: 'close', code: CLOSE.badMessage }]);
    expect(JSON.stringify(effects)).toContain(type);
  });

  test('ends it before the session opens, too', () => {
    const greeting = new AgentBench();
    greeting.do({ type: 'start' });
    greeting.do({ type: 'opened' });
    expect(greeting.hear({ ...hello, nonce: 'a|b' })).toMatchObject([{ type: 'close', code: CLOSE.badMessage }]);
    const waiting = new AgentBench();
    waiting.do({ type: 'start' });
    waiting.do({ type: 'opened' });
    waiting.hear(hello);
    waiting.do({ type: 'signed', nonce: 'nonce-1', signature: '' });
    const effects = waiting.hear({ ...welcome, capabilities: many(LIMITS.capabilities) });
    expect(effects).toMatchObject([{ type: 'close', code: CLOSE.badMessage }]);
    expect(sent(effects)).toEqual([]);
  });

  test.each<[string, Json]>([
    ['job.accept', { type: 'job.accept', ...lease, stream: 2 ** 32 }],
    ['job.reject', { type: 'job.reject', ...lease, error: { code: 'c', message: long, retryable: true, advice: '' } }],
    [
      'job.progress',
      { type: 'job.progress', ...lease, scopesDone: 0, scopesTotal: 0, records: 0, current: many(LIMITS.currentNames) },
    ],
    ['job.progress', { type: 'job.progress', ...lease, scopesDone: 0, scopesTotal: 0, records: 0, current: [id] }],
    ['job.finish', { type: 'job.finish', ...lease, lastSeq: 2 ** 53, records: 0, sha256: '', result: 'ok' }],
    ['job.finish', { type: 'job.finish', ...lease, lastSeq: 0, records: 0, sha256: 'x'.repeat(65), result: 'ok' }],
    ['heartbeat', { type: 'heartbeat', leases: many(LIMITS.listedJobs).map(() => lease) }],
    ['key.rotate', { type: 'key.rotate', publicKey: id, proof: '' }],
    ['drain', { type: 'drain', deadlineMs: TIMES.maxMs + 1, reconnectAfterMs: 0 }],
  ])('ends the session at the gateway: %s', (type, message) => {
    const effects = new GatewayBench().running().hear(message);
    expect(closed(effects)).toEqual([CLOSE.badMessage]);
    expect(JSON.stringify(gatewaySent(effects))).toContain(type);
  });
});
