import { Admission } from '#catalog/gateway/admission.ts';
import type { AgentEffect } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { TIMES } from '#protocol/constants.ts';
import { someStatus } from '#test/unit/bridge/loopback.ts';

export interface Storm {
  readonly agents: number;
  /** Handshakes a second that the gateway takes. */
  readonly perSecond: number;
  readonly outageMs: number;
  readonly seed: number;
}

export interface Aftermath {
  /** After the gateway was back, until 99 % of the agents had a session again. */
  readonly backMs: number;
  /** Until the last had one. */
  readonly allBackMs: number;
  /** The most attempts in one second after the gateway was back. */
  readonly peakPerSecond: number;
  /** Attempts for each agent after the gateway was back. */
  readonly attemptsEach: number;
}

/** How long an upgrade and a handshake take. */
const UPGRADE_MS = 40;
const HANDSHAKE_MS = 120;
/** Sessions are old enough for their agents to begin with the smallest window. */
const AGE_MS = 2 * TIMES.backoffResetMs;
/** Whoever is not back after this much time counts as never. */
const PATIENCE_MS = 1_800_000;

const HELLO = JSON.stringify({
  type: 'hello',
  nonce: 'bm9uY2U=',
  serverTime: '2026-01-01T00:00:00.000Z',
  protocol: { min: 1, max: 1 },
  limits: { controlBytes: 65_536, dataBytes: 1_048_576, batchRecords: 500 },
});
const WELCOME = JSON.stringify({
  type: 'welcome',
  sessionId: 'session',
  epoch: 1,
  heartbeatMs: TIMES.heartbeatMs,
  livenessMs: TIMES.livenessMs,
  connectionCredit: 1,
  capabilities: [],
  jobs: [],
});

/** A small generator with a seed (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** What is due, the soonest first. */
class Agenda {
  readonly #heap: { readonly atMs: number; readonly call: () => void }[] = [];
  nowMs = 0;

  at(atMs: number, call: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ atMs, call }) - 1;
    for (let up = (at - 1) >> 1; at > 0 && atMs < (heap[up]?.atMs ?? 0); up = (at - 1) >> 1) {
      this.#swap(at, up);
      at = up;
    }
  }

  /** Does what is due next; false when nothing is. */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) return false;
    if (heap.length > 0) {
      heap[0] = last;
      for (let at = 0; ; ) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        const of = (i: number): number => heap[i]?.atMs ?? Number.POSITIVE_INFINITY;
        const least = of(right) < of(left) ? right : left;
        if (of(least) >= of(at)) break;
        this.#swap(at, least);
        at = least;
      }
    }
    this.nowMs = first.atMs;
    first.call();
    return true;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one && other) [this.#heap[a], this.#heap[b]] = [other, one];
  }
}

/**
 * A gateway that loses all its agents at one moment and is back after the outage. The agents are the machine of the
 * program, with its policy; who is let in, and what others are told, is decided by the gateway's own bucket.
 */
export const storm = ({ agents, perSecond, outageMs, seed }: Storm): Aftermath => {
  const agenda = new Agenda();
  const random = randomOf(seed);
  const status = someStatus();
  const cutMs = AGE_MS;
  const returnMs = cutMs + outageMs;
  const admission = new Admission({
    perSecond,
    maxConnections: agents,
    maxUnauthenticated: 1_000,
    maxUnauthenticatedPerAddress: 1_000,
    nowMs: () => agenda.nowMs,
    random,
  });
  let connections = 0;
  let unauthenticated = 0;
  const backAtMs: number[] = [];
  const attempts: number[] = [];

  const dial = (session: AgentSession, handle: (event: Parameters<AgentSession['handle']>[0]) => void): void => {
    const atMs = agenda.nowMs;
    if (atMs < returnMs) {
      handle({ type: 'unreachable' });
      return;
    }
    const second = Math.floor((atMs - returnMs) / 1000);
    attempts[second] = (attempts[second] ?? 0) + 1;
    const seconds = admission.retryAfterSeconds({ connections, unauthenticated, unauthenticatedHere: unauthenticated });
    if (seconds !== undefined) {
      agenda.at(atMs + UPGRADE_MS, () => handle({ type: 'unreachable', retryAfterMs: seconds * 1000 }));
      return;
    }
    connections += 1;
    unauthenticated += 1;
    agenda.at(atMs + UPGRADE_MS, () => {
      handle({ type: 'opened' });
      handle({ type: 'text', text: HELLO });
    });
    agenda.at(atMs + UPGRADE_MS + HANDSHAKE_MS, () => {
      unauthenticated -= 1;
      handle({ type: 'text', text: WELCOME });
      if (session.state.name !== 'open') throw new Error(`an agent is ${session.state.name} after welcome`);
      backAtMs.push(agenda.nowMs - returnMs);
    });
  };

  for (let agent = 0; agent < agents; agent += 1) {
    const identity = { agentId: `agent-${agent}`, keyId: 'key', bootId: 'boot', version: '0.0.0' };
    const session = new AgentSession(identity, status, []);
    const perform = (effect: AgentEffect): void => {
      if (effect.type === 'sign') handle({ type: 'signed', nonce: effect.nonce, signature: 'c2ln' });
      if (effect.type === 'connect' && agenda.nowMs >= cutMs)
        agenda.at(agenda.nowMs + effect.afterMs, () => dial(session, handle));
    };
    const handle = (event: Parameters<AgentSession['handle']>[0]): void => {
      for (const effect of session.handle(event, agenda.nowMs, random())) perform(effect);
    };
    handle({ type: 'start' });
    handle({ type: 'opened' });
    handle({ type: 'text', text: HELLO });
    handle({ type: 'text', text: WELCOME });
    agenda.at(cutMs, () => handle({ type: 'closed', code: 1006 }));
  }
  while (backAtMs.length < agents && agenda.nowMs < returnMs + PATIENCE_MS && agenda.step());
  const never = Number.POSITIVE_INFINITY;
  const total = attempts.reduce((sum, count) => sum + (count ?? 0), 0);
  return {
    backMs: backAtMs[Math.ceil(agents * 0.99) - 1] ?? never,
    allBackMs: backAtMs[agents - 1] ?? never,
    peakPerSecond: Math.max(...attempts.map((count) => count ?? 0)),
    attemptsEach: total / agents,
  };
};
