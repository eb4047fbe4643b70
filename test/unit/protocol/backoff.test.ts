import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff } from '#protocol/backoff.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';

const lost = { code: 1006, retryAfterMs: undefined, openMs: 0 };

describe('reconnecting', () => {
  test('draws from a window that doubles up to 64 s', () => {
    const backoff = new Backoff();
    const windows = Array.from({ length: 9 }, () => Math.round(backoff.nextMs(lost, 0.999_999) / 1000));
    expect(windows).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  test('uses the whole window, so that a fleet spreads', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        expect(new Backoff().nextMs(lost, random)).toBe(random * 1000);
      }),
    );
  });

  test('begins anew after a session of a minute, and not after a shorter one', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 5; n += 1) backoff.nextMs(lost, 0.5);
    expect(backoff.nextMs({ ...lost, openMs: TIMES.backoffResetMs - 1 }, 1)).toBe(32_000);
    expect(backoff.nextMs({ ...lost, openMs: TIMES.backoffResetMs }, 1)).toBe(1_000);
  });

  test.each([CLOSE.badMessage, CLOSE.unknownAgent, CLOSE.badSignature, 4999])(
    'takes the slow lane after %d',
    (code) => {
      const backoff = new Backoff();
      expect(backoff.nextMs({ ...lost, code }, 0)).toBe(150_000);
      expect(backoff.nextMs({ ...lost, code }, 0.999_999)).toBeCloseTo(450_000, -2);
    },
  );

  test('is never earlier than the gateway asked, and spreads behind it', () => {
    const backoff = new Backoff();
    expect(backoff.nextMs({ ...lost, retryAfterMs: 20_000 }, 0)).toBe(20_000);
    expect(backoff.nextMs({ ...lost, retryAfterMs: 20_000 }, 0.5)).toBe(21_000);
    expect(backoff.nextMs({ ...lost, retryAfterMs: 10 ** 9 }, 0)).toBe(3_600_000);
  });

  test('waits a minute at least when a newer session took over', () => {
    expect(new Backoff().nextMs({ ...lost, code: CLOSE.superseded }, 0)).toBe(60_000);
  });
});
