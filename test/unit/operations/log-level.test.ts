import { expect, test } from 'vitest';
import { type LevelChange, RemoteLogLevel } from '#agent/operations/log-level.ts';

const HOUR_MS = 3_600_000;

const made = (forbidden: () => string | undefined = () => undefined) => {
  const log = { level: 'info', info: () => undefined, warn: () => undefined };
  const changes: LevelChange[] = [];
  let timer: { ms: number; call: () => void } | undefined;
  const level = new RemoteLogLevel({
    log,
    base: 'info',
    forbidden,
    onChange: (change) => changes.push(change),
    now: () => 0,
    after: (ms, call) => {
      timer = { ms, call };
      return () => {
        timer = undefined;
      };
    },
  });
  return { level, log, changes, timer: () => timer };
};

test('a level that the catalog asked for holds for its time, and goes back by itself', () => {
  const { level, log, changes, timer } = made();
  level.ask('debug', HOUR_MS);
  expect(log.level).toBe('debug');
  expect(level.change).toEqual({ level: 'debug', until: '1970-01-01T01:00:00.000Z', refused: null });
  expect(timer()?.ms).toBe(HOUR_MS);
  timer()?.call();
  expect(log.level).toBe('info');
  expect(changes.at(-1)).toEqual({ level: 'info', until: null, refused: null });
});

test('a day is the most', () => {
  const { level, timer } = made();
  level.ask('debug', 1e12);
  expect(timer()?.ms).toBe(24 * HOUR_MS);
});

test('asked again it holds from then on; nothing, or a level that tells less, ends it', () => {
  const { level, log, timer } = made();
  level.ask('debug', HOUR_MS);
  level.ask('debug', 2 * HOUR_MS);
  expect(timer()?.ms).toBe(2 * HOUR_MS);
  level.ask('debug', 0);
  expect([log.level, timer()]).toEqual(['info', undefined]);
  level.ask('debug', HOUR_MS);
  level.ask('error', HOUR_MS);
  expect([log.level, timer(), level.change.until]).toEqual(['info', undefined, null]);
});

test('a catalog never makes an agent log less than its settings say', () => {
  const { level, log } = made();
  level.ask('error', HOUR_MS);
  expect(log.level).toBe('info');
});

test('settings that change meanwhile count afterwards', () => {
  const { level, log, timer } = made();
  level.ask('debug', HOUR_MS);
  level.setBase('warn');
  expect(log.level).toBe('debug');
  timer()?.call();
  expect(log.level).toBe('warn');
  level.ask('info', HOUR_MS);
  level.setBase('trace');
  expect([log.level, level.change.until]).toEqual(['trace', null]);
});

test('what the policy forbids is not done, and said', () => {
  const { level, log, changes } = made(() => 'the policy says so');
  level.ask('debug', HOUR_MS);
  expect(log.level).toBe('info');
  expect(changes).toEqual([{ level: 'info', until: null, refused: 'the policy says so' }]);
});
