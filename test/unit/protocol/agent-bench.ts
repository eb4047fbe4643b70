import type { AgentEffect, HeldAttempt, Seal } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { TIMES } from '#protocol/constants.ts';
import { someStatus } from '../bridge/loopback.ts';

export const lease = { jobId: 'job-1', attempt: 1, leaseToken: 'canary-lease' };
export const ref = { jobId: 'job-1', attempt: 1 };
export const offer = { type: 'job.offer', ...lease, leaseTtlMs: 60_000, credit: 1_000, spec: '{}', signature: 'c2ln' };
export const seal: Seal = { lastSeq: 2, records: 3, sha256: '0'.repeat(64), result: 'ok' };
export const held = (changes: Partial<HeldAttempt> = {}): HeldAttempt => ({
  ...lease,
  stream: 5,
  trimmedSeq: 0,
  frameBytes: [400, 400],
  seal: undefined,
  ...changes,
});

/** The machine with a clock of its own; every call returns the effects in short form. */
export class Bench {
  nowMs = 1_000;
  random = 0.5;
  readonly machine: AgentSession;
  last: AgentEffect[] = [];

  constructor(attempts: readonly HeldAttempt[] = []) {
    const identity = { agentId: 'agent-1', keyId: 'key-1', bootId: 'boot-1', version: '0.0.0' };
    this.machine = new AgentSession(identity, someStatus(), attempts);
  }

  do(event: Parameters<AgentSession['handle']>[0]): AgentEffect[] {
    this.last = this.machine.handle(event, this.nowMs, this.random);
    return this.last;
  }

  hear(message: object): AgentEffect[] {
    return this.do({ type: 'text', text: JSON.stringify(message) });
  }

  /** Lets time pass to the machine's next wake-up and ticks. */
  wake(): AgentEffect[] {
    this.nowMs = this.machine.wakeAtMs ?? this.nowMs;
    return this.do({ type: 'tick' });
  }

  /** Up to `welcome`. */
  open(jobs: readonly object[] = [], connectionCredit = 4_000): AgentEffect[] {
    this.do({ type: 'opened' });
    this.hear(hello);
    this.do({ type: 'signed', nonce: 'nonce-1', signature: 'c2ln' });
    return this.hear({ ...welcome, connectionCredit, jobs });
  }

  /** Up to an accepted job that runs. */
  running(credit = 1_000, connectionCredit = 4_000): this {
    this.do({ type: 'start' });
    this.open([], connectionCredit);
    this.hear({ ...offer, credit });
    this.do({ type: 'verified', ...ref });
    this.do({ type: 'recorded', ...ref });
    return this;
  }
}

export const hello = {
  type: 'hello',
  nonce: 'nonce-1',
  serverTime: '2026-01-01T00:00:00.000Z',
  protocol: { min: 1, max: 1 },
  limits: { controlBytes: 1, dataBytes: 1, batchRecords: 1 },
};
export const welcome = {
  type: 'welcome',
  sessionId: 'session-1',
  epoch: 3,
  heartbeatMs: TIMES.heartbeatMs,
  livenessMs: TIMES.livenessMs,
  connectionCredit: 4_000,
  capabilities: [],
  jobs: [],
};
export const verdict = {
  ...ref,
  verdict: 'continue',
  durableSeq: 0,
  credit: 1_000,
  leaseTtlMs: 60_000,
  publishedScopes: ['site/a'],
};

export const sent = (effects: readonly AgentEffect[]): { type: string }[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [JSON.parse(effect.text) as { type: string }] : []));
export const batches = (effects: readonly AgentEffect[]): number[] =>
  effects.flatMap((effect) => (effect.type === 'sendBatch' ? [effect.seq] : []));
export const types = (effects: readonly AgentEffect[]): string[] => effects.map(({ type }) => type);
