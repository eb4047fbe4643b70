import { expect, test } from 'vitest';
import { type Check, fail, pass, skip } from '#agent/doctor/check.ts';
import { runChecks, verdictOf } from '#agent/doctor/run.ts';
import { CheckRecord } from '#protocol/checks.ts';
import { errorInfo, Fault } from '#protocol/errors.ts';

const check = (id: string, needs: readonly string[], run: Check<unknown, string>['run']): Check<unknown, string> => ({
  id,
  noun: `the ${id}`,
  needs,
  deadlineMs: 10_000,
  run,
});
const good = (id: string, needs: readonly string[] = []) => check(id, needs, () => Promise.resolve(pass(`${id} seen`)));

const run = (checks: readonly Check<unknown, string>[], more: { signal?: AbortSignal; mostMs?: number } = {}) => {
  const told: CheckRecord[] = [];
  const started: string[] = [];
  const done = runChecks(checks, undefined, {
    target: 'connection',
    signal: new AbortController().signal,
    onCheck: (record) => void told.push(record),
    onStart: ({ check: id }: { check: string }) => started.push(id),
    ...more,
  });
  return { told, started, done };
};

test('a check whose ground failed is skipped with the cause that lies deepest, and never begins', async () => {
  const { told, started, done } = run([
    good('first'),
    check('second', ['first'], () => Promise.reject(new Fault('qlik.forbidden', 'no'))),
    good('third', ['second']),
    good('fourth', ['third']),
    good('fifth', ['first']),
  ]);
  expect(await done).toEqual(told);
  expect(told.map(({ check: id, status }) => `${id} ${status}`)).toEqual([
    'first pass',
    'second fail',
    'third skip',
    'fourth skip',
    'fifth pass',
  ]);
  expect(told[3]?.seen).toBe('Not looked at, because the second failed.');
  expect(started).toEqual(['first', 'second', 'fifth']);
  expect(verdictOf(told)).toMatchObject({ check: 'second', code: 'qlik.forbidden' });
  for (const record of told) expect(CheckRecord.parse(record)).toEqual(record);
});

test('a check that has nothing to look at holds nobody up, and neither does a harmless failure', async () => {
  const { told, done } = run([
    check('none', [], () => Promise.resolve(skip('there is no proxy'))),
    check('old', [], () =>
      Promise.resolve({ status: 'fail', fault: errorInfo('config.invalid', 'broken'), harmless: true }),
    ),
    good('after', ['none', 'old']),
  ]);
  await done;
  expect(told.map(({ status }) => status)).toEqual(['skip', 'fail', 'pass']);
});

test('a check that does not heed its signal is given up at its deadline, with its own code', async () => {
  const { told, done } = run(
    [
      { ...check('deaf', [], () => new Promise(() => undefined)), late: 'qlik.app_timeout' },
      good('after', ['deaf']),
      good('other'),
    ],
    { mostMs: 20 },
  );
  await done;
  expect(told.map(({ status, code }) => [status, code])).toEqual([
    ['fail', 'qlik.app_timeout'],
    ['skip', undefined],
    ['pass', undefined],
  ]);
  expect(told[0]?.seen).toBe('The deaf took longer than 0.02 s.');
});

test('the signal ends the run with its reason; nothing is told afterwards', async () => {
  const stop = new AbortController();
  const reason = new Fault('job.cancelled', 'stopped');
  const { told, done } = run(
    [
      good('first'),
      check('second', [], (_, signal) => {
        stop.abort(reason);
        return Promise.reject(signal.reason);
      }),
      good('third'),
    ],
    { signal: stop.signal },
  );
  await expect(done).rejects.toBe(reason);
  expect(told.map(({ check: id }) => id)).toEqual(['first']);
});

test('what a check throws that is no Fault is a defect of ours, and the other checks go on', async () => {
  const { told, done } = run([check('odd', [], () => Promise.reject(new TypeError('x is not y'))), good('other')]);
  await done;
  expect(told.map(({ status, code }) => [status, code])).toEqual([
    ['fail', 'internal'],
    ['pass', undefined],
  ]);
});

test('long texts and many details are cut to what a record may hold, on one line each', async () => {
  const details = Array.from({ length: 100 }, (_, i) => `line ${i}\nand ${'x'.repeat(600)}`);
  const { told, done } = run([
    check('long', [], () => Promise.resolve(fail(errorInfo('internal', 'y'.repeat(5_000)), details))),
  ]);
  await done;
  expect(CheckRecord.safeParse(told[0]).success).toBe(true);
  expect(told[0]?.details).toHaveLength(60);
  expect(told[0]?.details.at(-1)).toBe('and 141 more');
  expect(told[0]?.details.every((line) => !line.includes('\n'))).toBe(true);
});

test('what servers wrote is read soon, and steers no terminal from a record', async () => {
  const spaces = `${' '.repeat(200_000)}x`;
  const { told, done } = run([
    check('spaces', [], () => Promise.resolve(pass('seen', [spaces, 'a\u001b[2J\u202Eb\r\nc']))),
    check('failed', [], () => Promise.resolve(fail(errorInfo('internal', 'no\u001b]0;x\u0007\u2066', 'do\u009b1m')))),
  ]);
  await done;
  expect(told[0]?.details.slice(-2)).toEqual(['a\uFFFD[2J\uFFFDb', 'c']);
  expect(told[1]).toMatchObject({ seen: 'no\uFFFD]0;x\uFFFD\uFFFD.', advice: 'do\uFFFD1m' });
});
