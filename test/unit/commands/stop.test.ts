import { afterEach, expect, test, vi } from 'vitest';
import { EXIT_CODES, HURRIED } from '#agent/commands/exit-codes.ts';
import { endWithin, untilStopped } from '#agent/commands/stop.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const before = SIGNALS.map((signal) => process.listeners(signal));

afterEach(() => {
  vi.restoreAllMocks();
  for (const [i, signal] of SIGNALS.entries())
    for (const listener of process.listeners(signal)) if (!before[i]?.includes(listener)) process.off(signal, listener);
});

test.each(SIGNALS)(
  '%s that comes twice at once, as Ctrl-C does below npm, is one wish; a later one is another',
  async (signal) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as typeof process.exit);
    const now = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    const stopped = untilStopped();
    process.emit(signal, signal);
    process.emit(signal, signal);
    await stopped;
    expect(EXIT_CODES.map(({ code }) => code)).toContain(HURRIED);
    expect(exit).not.toHaveBeenCalled();
    now.mockReturnValue(12_000);
    process.emit(signal, signal);
    expect(exit).toHaveBeenCalledExactlyOnceWith(HURRIED);
  },
);

test('a program that does not end in time is ended, one that does is left alone', () => {
  vi.useFakeTimers();
  try {
    const ended: string[] = [];
    using _held = endWithin(30_000, () => ended.push('held'));
    const done = endWithin(30_000, () => ended.push('done'));
    vi.advanceTimersByTime(29_999);
    expect(ended).toEqual([]);
    done[Symbol.dispose]();
    vi.advanceTimersByTime(1);
    expect(ended).toEqual(['held']);
  } finally {
    vi.useRealTimers();
  }
});
