import { encodeFrame, FRAME_HEADER_BYTES } from '#protocol/frame.ts';
import type { GatewayEffect, GatewayEvent, Verdict } from '#protocol/gateway-events.ts';
import { GatewaySession } from '#protocol/gateway-session.ts';
import { someStatus } from '../bridge/loopback.ts';

export const ref = { jobId: 'job-1', attempt: 1 };
export const lease = { ...ref, leaseToken: 'canary-lease' };
export const offer = { ...lease, spec: '{}', signature: 'c2ln' };
export const auth = (jobs: readonly object[] = []) => ({
  type: 'auth',
  agentId: 'agent-1',
  keyId: 'key-1',
  bootId: 'boot-1',
  version: '0.0.0',
  capabilities: [],
  signature: 'c2ln',
  jobs,
  status: someStatus(),
});
export const BIG = 250 * 1024;

export const sent = (effects: readonly GatewayEffect[]): { type: string; [field: string]: unknown }[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [JSON.parse(effect.text)] : []));
export const types = (effects: readonly GatewayEffect[]): string[] => effects.map(({ type }) => type);
export const stores = (effects: readonly GatewayEffect[]): number[] =>
  effects.flatMap((effect) => (effect.type === 'store' ? [effect.frame.seq] : []));
export const closed = (effects: readonly GatewayEffect[]): number[] =>
  effects.flatMap((effect) => (effect.type === 'close' ? [effect.code] : []));

export class Bench {
  nowMs = 1_000;
  readonly machine = new GatewaySession({ nonce: 'nonce-1', serverTime: '2026-01-01T00:00:00.000Z', random: 0.5 });

  do(event: GatewayEvent): GatewayEffect[] {
    return this.machine.handle(event, this.nowMs);
  }

  hear(message: object): GatewayEffect[] {
    return this.do({ type: 'text', text: JSON.stringify(message) });
  }

  frame(seq: number, bytes = 100, stream = 1): GatewayEffect[] {
    const payload = new Uint8Array(bytes - FRAME_HEADER_BYTES);
    return this.do({
      type: 'binary',
      bytes: encodeFrame({ codec: 'zstd', stream, seq, records: 1, rawBytes: 10, payload }),
    });
  }

  wake(): GatewayEffect[] {
    this.nowMs = Math.max(this.nowMs, this.machine.wakeAtMs ?? this.nowMs);
    return this.do({ type: 'tick' });
  }

  open(jobs: readonly Verdict[] = [], held: readonly object[] = []): GatewayEffect[] {
    this.do({ type: 'open' });
    this.hear(auth(held));
    return this.do({ type: 'authenticated', sessionId: 'session-1', epoch: 7, jobs });
  }

  /** An accepted job on stream 1. */
  running(): this {
    this.open();
    this.wake();
    this.do({ type: 'claimed', offer });
    this.hear({ type: 'job.accept', ...lease, stream: 1 });
    this.do({ type: 'accepted', stream: 1, result: 'ok' });
    this.do({ type: 'claimed', offer: undefined });
    this.do({ type: 'claimed', offer: undefined });
    return this;
  }
}
