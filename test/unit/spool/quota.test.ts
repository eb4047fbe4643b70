import { afterEach, describe, expect, test, vi } from 'vitest';
import { Quota } from '#agent/spool/quota.ts';

const never = new AbortController().signal;
afterEach(() => {
  vi.useRealTimers();
});

/** Whether a reservation is granted without anything being released. */
const granted = async (quota: Quota, bytes: number): Promise<boolean> => {
  const stop = new AbortController();
  const asked = quota
    .reserve(bytes, stop.signal, () => Promise.resolve())
    .then(
      () => true,
      () => false,
    );
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  return await asked;
};

describe('the room of the spool', () => {
  test('a batch that is larger than all that is allowed goes alone, or the crawl would wait for ever', async () => {
    const quota = new Quota(
      () => Promise.resolve(57_438),
      () => {},
    );
    await quota.reserve(945, never, () => Promise.resolve());
    expect(await granted(quota, 60_000)).toBe(true);
    expect(quota.fault).toBeUndefined();
    // And no other beside it.
    expect(await granted(quota, 60_000)).toBe(false);
    expect(await granted(quota, 1)).toBe(false);
    quota.release(60_000);
    expect(await granted(quota, 60_000)).toBe(true);
  });

  test('a large batch that would fit by itself waits for what is held', async () => {
    const quota = new Quota(
      () => Promise.resolve(100_000),
      () => {},
    );
    await quota.reserve(50_000, never, () => Promise.resolve());
    expect(await granted(quota, 99_000)).toBe(false);
    expect(quota.fault).toMatchObject({ code: 'spool.full' });
    quota.release(50_000);
    expect(await granted(quota, 99_000)).toBe(true);
  });

  test('a wait that was called off before it began is none', async () => {
    // Time stands still, so only the signal can end it.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const quota = new Quota(
      () => Promise.resolve(10),
      () => {},
    );
    const reason = new Error('called off');
    await expect(quota.wait(AbortSignal.abort(reason))).rejects.toBe(reason);
    // Also when that happens while the limit is asked for.
    const stop = new AbortController();
    await quota.reserve(5, never, () => Promise.resolve());
    const asked = quota.reserve(6, stop.signal, () => Promise.resolve());
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});
