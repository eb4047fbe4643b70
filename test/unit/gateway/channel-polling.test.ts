import { expect, test } from 'vitest';
import { PollingChannel } from '#catalog/gateway/channel-polling.ts';
import type { GatewayClock } from '#catalog/gateway/clock.ts';
import { decodeEntries, POLLING } from '#protocol/polling.ts';

/** Time that passes when it is told to. */
class HeldClock implements GatewayClock {
  readonly due = new Map<number, { readonly atMs: number; readonly call: () => void }>();
  #nowMs = 0;
  #next = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): () => void {
    const id = this.#next++;
    this.due.set(id, { atMs: this.#nowMs + ms, call });
    return () => this.due.delete(id);
  }

  timestamp(): string {
    return new Date(this.#nowMs).toISOString();
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const [id, { atMs, call }] of [...this.due])
      if (atMs <= this.#nowMs) {
        this.due.delete(id);
        call();
      }
  }
}

const ended = (): { readonly clock: HeldClock; readonly channel: PollingChannel; readonly gone: () => number } => {
  const clock = new HeldClock();
  let gone = 0;
  const channel = new PollingChannel(clock, POLLING.holdMs, () => {
    gone += 1;
  });
  channel.close(4001, 'come back later');
  channel.terminate();
  return { clock, channel, gone: () => gone };
};

test('the end is kept for an agent that is between two polls, and for no longer', () => {
  const { clock, channel, gone } = ended();
  clock.pass(POLLING.lingerMs - 1);
  expect(gone()).toBe(0);
  let told: readonly Uint8Array[] = [];
  channel.poll(0, (_first, entries) => {
    told = entries;
  });
  clock.pass(POLLING.holdMs);
  expect(told.flatMap((bytes) => decodeEntries(bytes))).toEqual([
    { kind: 'close', code: 4001, reason: 'come back later' },
  ]);
  clock.pass(POLLING.lingerMs);
  expect(gone()).toBe(1);
});

test('a channel that is abandoned waits for nobody', () => {
  const { clock, channel, gone } = ended();
  channel.abandon();
  expect(gone()).toBe(1);
  expect(clock.due.size).toBe(0);
});
