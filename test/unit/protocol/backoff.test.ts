import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff } from '#protocol/backoff.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';

const lost = { code: 1006, retryAfterMs: undefined, openMs: 0 };
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Attempts that all fail at once, at the moments that `randoms` choose. */
const attempts = (randoms: readonly number[]): number[] => {
  const backoff = new Backoff();
  let nowMs = 5_000;
  return randoms.map((random) => {
    nowMs += backoff.nextMs(lost, random, nowMs);
    return nowMs - 5_000;
  });
};

describe('reconnecting', () => {
  test('tries once in each of windows that double up to the cap, whatever is drawn', () => {
    fc.assert(
      fc.property(fc.array(fraction, { minLength: 1, maxLength: 12 }), (randoms) => {
        let beginsMs = 0;
        attempts(randoms).forEach((atMs, n) => {
          const windowMs = Math.min(TIMES.backoffCapMs, 1_000 * 2 ** n);
          expect(atMs).toBeGreaterThanOrEqual(beginsMs - 1e-6);
          expect(atMs).toBeLessThanOrEqual(beginsMs + windowMs + 1e-6);
          beginsMs += windowMs;
        });
      }),
    );
  });

  test('uses the whole window, so that a fleet spreads', () => {
    fc.assert(
      fc.property(fraction, (random) => {
        expect(new Backoff().nextMs(lost, random, 0)).toBe(random * 1000);
      }),
    );
  });

  test('counts a window from the end of the one before, or from a later failure', () => {
    const backoff = new Backoff();
    expect(backoff.nextMs(lost, 0.25, 0)).toBe(250);
    // It failed at once: what is left of the first second is waited, then half of the second window.
    expect(backoff.nextMs(lost, 0.5, 250)).toBe(750 + 1_000);
    // This one took long to fail: its window is over.
    expect(backoff.nextMs(lost, 0.5, 20_000)).toBe(2_000);
  });

  test('begins anew after a session of a minute, and not after a shorter one', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 4; n += 1) backoff.nextMs(lost, 0.5, n * 100_000);
    expect(backoff.nextMs({ ...lost, openMs: TIMES.backoffResetMs - 1 }, 1, 500_000)).toBe(16_000);
    expect(backoff.nextMs({ ...lost, openMs: TIMES.backoffResetMs }, 1, 600_000)).toBe(1_000);
  });

  test('begins anew when it is told to', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 5; n += 1) backoff.nextMs(lost, 0.5, 0);
    backoff.reset();
    expect(backoff.nextMs(lost, 0.5, 0)).toBe(500);
  });

  test.each([CLOSE.badMessage, CLOSE.unknownAgent, CLOSE.badSignature, 4999])(
    'takes the slow lane after %d',
    (code) => {
      const backoff = new Backoff();
      expect(backoff.nextMs({ ...lost, code }, 0, 0)).toBe(150_000);
      expect(backoff.nextMs({ ...lost, code }, 0.999_999, 0)).toBeCloseTo(450_000, -2);
    },
  );

  test('waits what a refused attempt was told, spread over the second that the header cannot say', () => {
    const refused = { code: undefined, retryAfterMs: 20_000, openMs: 0 };
    expect(new Backoff().nextMs(refused, 0, 0)).toBe(20_000);
    expect(new Backoff().nextMs(refused, 0.5, 0)).toBe(20_500);
    expect(new Backoff().nextMs({ ...refused, retryAfterMs: 10 ** 9 }, 0, 0)).toBe(3_600_000);
    // The hint overrides windows that had grown.
    const backoff = new Backoff();
    for (let n = 0; n < 9; n += 1) backoff.nextMs(lost, 0.5, 0);
    expect(backoff.nextMs({ ...refused, retryAfterMs: 0 }, 0.5, 0)).toBe(500);
    expect(backoff.nextMs(lost, 0.5, 0)).toBe(500);
  });

  test('spreads behind a time that everybody was told', () => {
    const bye = { code: CLOSE.draining, retryAfterMs: 20_000, openMs: 0 };
    expect(new Backoff().nextMs(bye, 0, 0)).toBe(20_000);
    expect(new Backoff().nextMs(bye, 0.5, 0)).toBe(30_000);
  });

  test('waits a minute at least when a newer session took over', () => {
    expect(new Backoff().nextMs({ ...lost, code: CLOSE.superseded }, 0, 0)).toBe(60_000);
  });
});
