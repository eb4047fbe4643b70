import { type AgentEffect, type AgentEvent, attemptKey } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import type { GatewayEffect, GatewayEvent } from '#protocol/gateway-events.ts';
import { GatewaySession } from '#protocol/gateway-session.ts';
import { someStatus } from '#test/unit/bridge/loopback.ts';
import type { Random } from '../simulation/random.ts';
import { someMessage } from './messages.ts';
import { lyingFrame, mutateJson } from './mutate.ts';

/** More effects of one event would be an amplifier. */
const MOST_EFFECTS = 500;
const AUTH = {
  type: 'auth',
  agentId: 'agent-1',
  keyId: 'key-1',
  bootId: 'boot-1',
  version: '0.0.0',
  capabilities: ['zstd', 'parts', 'keys', 'logLevel', 'catalogKey'],
  signature: 'c2ln',
  jobs: [],
  status: someStatus(),
};
const HELLO = {
  type: 'hello',
  nonce: 'bm9uY2U=',
  serverTime: '2026-01-01T00:00:00.000Z',
  protocol: { min: 1, max: 1 },
  limits: { controlBytes: 65_536, dataBytes: 1_048_576, batchRecords: 500 },
};
const WELCOME = {
  type: 'welcome',
  sessionId: 's',
  epoch: 1,
  heartbeatMs: 20_000,
  livenessMs: 45_000,
  connectionCredit: 4 * 1024 * 1024,
  capabilities: ['parts', 'keys', 'logLevel', 'catalogKey'],
  jobs: [],
};

/** What a peer may say: valid, in or out of its order, or mutated. */
const said = (to: 'agent' | 'gateway', random: Random, seen: Set<string>): string => {
  const message = someMessage(to, random);
  seen.add(`${to} ${String(message['type'])}`);
  return random.chance(0.6) ? JSON.stringify(message) : mutateJson(message, random);
};

const bounded = <T>(effects: readonly T[]): readonly T[] => {
  if (effects.length > MOST_EFFECTS) throw new Error(`one event caused ${effects.length} effects`);
  return effects;
};

/** An honest store behind the machine of the gateway, in front of a hostile agent. */
export const gatewaySequence = (random: Random, seen: Set<string>): void => {
  const machine = new GatewaySession({ nonce: 'bm9uY2U=', serverTime: HELLO.serverTime, random: random.next() });
  const durable = new Map<number, number>();
  let nowMs = 0;
  const queue: GatewayEvent[] = [{ type: 'open' }];
  const answer = (effect: GatewayEffect): void => {
    switch (effect.type) {
      case 'authenticate':
        queue.push(
          random.chance(0.9)
            ? {
                type: 'authenticated',
                sessionId: 's',
                epoch: 1,
                jobs: effect.auth.jobs.map(({ jobId, attempt }) => ({
                  jobId,
                  attempt,
                  verdict: random.pick(['continue', 'finished', 'lost'] as const) ?? 'lost',
                  durableSeq: 0,
                  publishedScopes: [],
                  cancel: random.chance(0.1),
                })),
              }
            : { type: 'refused', closeCode: 4504, message: 'no', advice: 'no' },
        );
        break;
      case 'claim': {
        const lease = { jobId: `job-${random.int(1, 3)}`, attempt: random.int(1, 2), leaseToken: 'lease-1' };
        queue.push({
          type: 'claimed',
          offer: random.chance(0.7) ? { ...lease, spec: '{}', signature: 'c2ln' } : undefined,
        });
        break;
      }
      case 'accept':
        queue.push({ type: 'accepted', stream: effect.stream, result: random.chance(0.8) ? 'ok' : 'lost' });
        break;
      case 'store': {
        const { stream, bytes, frame } = effect;
        const before = durable.get(stream) ?? 0;
        const result = frame.seq === before + 1 ? 'stored' : frame.seq <= before ? 'duplicate' : 'gap';
        const durableSeq = result === 'stored' ? frame.seq : before;
        durable.set(stream, durableSeq);
        queue.push({ type: 'stored', stream, bytes, result, durableSeq });
        if (result === 'stored') queue.push({ type: 'consumed', stream, bytes });
        break;
      }
      case 'renew':
        queue.push({ type: 'renewed', lost: [], cancelled: [], current: true });
        break;
      case 'finish':
        {
          const { jobId, attempt, lastSeq } = effect.finish;
          queue.push({ type: 'finished', jobId, attempt, result: 'closed', durableSeq: lastSeq });
        }
        break;
      default:
    }
  };
  for (let step = 0; step < 30; step += 1) {
    const own = queue.shift();
    const event: GatewayEvent =
      own ??
      (step < 4 && random.chance(0.7)
        ? { type: 'text', text: JSON.stringify(AUTH) }
        : random.chance(0.2)
          ? { type: 'binary', bytes: lyingFrame(random) }
          : random.chance(0.1)
            ? { type: 'wake' }
            : random.chance(0.1)
              ? { type: 'tick' }
              : { type: 'text', text: said('gateway', random, seen) });
    nowMs += random.int(0, 500);
    for (const effect of bounded(machine.handle(event, nowMs))) {
      if (effect.type === 'close') return;
      answer(effect);
    }
  }
};

/** An honest spool and crawl behind the machine of the agent, in front of a hostile catalog. */
export const agentSequence = (random: Random, seen: Set<string>): void => {
  const identity = { agentId: 'agent-1', keyId: 'key-1', bootId: 'boot-1', version: '0.0.0' };
  const machine = new AgentSession(identity, someStatus(), []);
  const spooled = new Map<string, number>();
  let nowMs = 0;
  const queue: AgentEvent[] = [{ type: 'start' }];
  const answer = (effect: AgentEffect): void => {
    switch (effect.type) {
      case 'connect':
        queue.push({ type: 'opened' });
        break;
      case 'sign':
        queue.push({ type: 'signed', nonce: effect.nonce, signature: 'c2ln' });
        break;
      case 'verify': {
        const { jobId, attempt } = effect.offer;
        const error = { code: 'x', message: 'x', retryable: false, advice: 'x' };
        queue.push(
          random.chance(0.9) ? { type: 'verified', jobId, attempt } : { type: 'refused', jobId, attempt, error },
        );
        break;
      }
      case 'record':
        queue.push({ type: 'recorded', jobId: effect.offer.jobId, attempt: effect.offer.attempt });
        break;
      case 'startJob': {
        const { jobId, attempt } = effect;
        const last = spooled.get(attemptKey(effect)) ?? 0;
        queue.push({ type: 'spooled', jobId, attempt, seq: last + 1, bytes: 100 });
        spooled.set(attemptKey(effect), last + 1);
        const seal = { lastSeq: last + 1, records: 1, sha256: 'f'.repeat(64), result: 'ok' as const };
        queue.push({ type: 'sealed', jobId, attempt, seal });
        break;
      }
      case 'remove': {
        // Its folder is gone, and what it had to tell.
        const key = attemptKey(effect);
        spooled.delete(key);
        const others = queue.filter((event) => !('jobId' in event) || attemptKey(event) !== key);
        queue.splice(0, queue.length, ...others);
        break;
      }
      case 'close':
        queue.push({ type: 'closed', code: effect.code });
        break;
      case 'rotateKey':
        queue.push({ type: 'newKey', nonce: effect.nonce, publicKey: 'a2V5', proof: 'cHJvb2Y=' });
        break;
      default:
    }
  };
  for (let step = 0; step < 40; step += 1) {
    const own = queue.shift();
    const greeting =
      machine.state.name === 'greeting' ? HELLO : machine.state.name === 'authenticating' ? WELCOME : undefined;
    const event: AgentEvent =
      own ??
      (greeting && random.chance(0.8)
        ? { type: 'text', text: JSON.stringify(greeting) }
        : random.chance(0.05)
          ? { type: 'binary' }
          : random.chance(0.1)
            ? { type: 'tick' }
            : { type: 'text', text: said('agent', random, seen) });
    nowMs += random.int(0, 500);
    for (const effect of bounded(machine.handle(event, nowMs, random.next()))) answer(effect);
  }
};
