import { expect, test } from 'vitest';
import { type Diagnosis, testJob } from '#agent/commands/test-job.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { CheckRecord } from '#protocol/checks.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { StreamRecord } from '#protocol/records.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { connectionState } from '../../catalog/agent.ts';
import { faultOf } from '../fault-of.ts';

const passed = (check: string, more: Partial<CheckRecord> = {}): CheckRecord => ({
  t: 'check',
  target: 'connection',
  check,
  status: 'pass',
  seen: `${check} is well`,
  details: [],
  durationMs: 3,
  ...more,
});

const spec = (connection: string, options: JobSpec['options'] = {}): JobSpec => ({
  jobId: 'job-1',
  connection,
  kind: 'test',
  options,
  createdAt: '2026-01-01T00:00:00Z',
});

interface Run {
  readonly states?: readonly ConnectionState[];
  readonly checks?: readonly CheckRecord[];
  readonly abort?: AbortController;
  readonly onFlush?: () => void;
}

/** Runs a test job; what happened, in order. */
const runTest = async (job: JobSpec, { states, checks = [passed('file')], abort, onFlush }: Run = {}) => {
  const log: string[] = [];
  const records: StreamRecord[] = [];
  const asked: Diagnosis[] = [];
  const folder = { states: () => [...(states ?? [connectionState('prod')])] };
  const handler = testJob(
    folder,
    async (diagnosis) => {
      asked.push(diagnosis);
      for (const check of checks) {
        diagnosis.onStart(check);
        await diagnosis.onCheck(check);
      }
    },
    SILENT,
  );
  const sink = {
    write: async (record: StreamRecord) => {
      records.push(StreamRecord.parse(record));
      log.push(record.t === 'check' ? `write ${record.check}` : `write ${record.t}`);
    },
    flush: async () => {
      log.push('flush');
      onFlush?.();
    },
  };
  const context = {
    signal: (abort ?? new AbortController()).signal,
    skipScopes: new Set<string>(),
    onProgress: ({ current }: { current: readonly string[] }) => {
      if (current.length > 0) log.push(`running ${current.join()}`);
    },
  };
  await handler.run(job, sink, context);
  return { log, records, asked };
};

test('each check is on its way before the next one begins', async () => {
  const { log } = await runTest(spec('prod'), { checks: [passed('file'), passed('dns')] });
  expect(log).toEqual([
    'write test',
    ...['running connection/file', 'write file', 'flush'],
    ...['running connection/dns', 'write dns', 'flush'],
  ]);
});

test.each([
  ['broken', connectionState('prod', { state: 'error', inForce: null })],
  ['disabled', connectionState('prod', { state: 'disabled' })],
])('a connection whose file is %s is tested', async (_, state) => {
  const { asked, records } = await runTest(spec('prod'), { states: [state] });
  expect(asked[0]?.state).toEqual(state);
  expect(records).toHaveLength(2);
});

test('of two files with one code the one in force is tested', async () => {
  const broken = connectionState('prod', { file: 'a.conf', state: 'error', inForce: null });
  const { asked } = await runTest(spec('prod'), { states: [broken, connectionState('prod', { file: 'b.conf' })] });
  expect(asked[0]?.state.file).toBe('b.conf');
});

test.each([
  ['that no file has', []],
  ['whose file was removed', [connectionState('prod', { state: 'absent', inForce: null })]],
])('a connection %s is named', async (_, states) => {
  const fault = await faultOf(runTest(spec('prod'), { states }));
  expect(fault).toMatchObject({ code: 'job.unknown_connection', retryable: false });
  expect(fault.message).toContain('prod');
});

test('the way to the catalog is checked when it is asked for', async () => {
  expect((await runTest(spec('prod'))).asked[0]?.link).toBe(false);
  expect((await runTest(spec('prod', { link: true }))).asked[0]?.link).toBe(true);
});

test('options that are not understood end the job for good', async () => {
  const fault = await faultOf(runTest(spec('prod', { link: 'yes' })));
  expect(fault).toMatchObject({ code: 'bridge.protocol', retryable: false });
});

test('no secret leaves in what was seen, and what is too long is cut', async () => {
  const loud = passed('proxy', {
    seen: 'The proxy https://ann:canary-one@proxy:3128 answered \0 Authorization: Bearer canary-two-0123456789',
    advice: 'a'.repeat(3_000),
    details: ['password=canary-three', 'x'.repeat(900), ...Array.from({ length: 80 }, (_, n) => `line ${n}`)],
    durationMs: 1.7,
  });
  const { records } = await runTest(spec('prod'), { checks: [loud] });
  expect(JSON.stringify(records)).not.toContain('canary');
  const check = CheckRecord.parse(records[1]);
  expect(check.seen).toContain('proxy:3128');
  expect(check.seen).not.toContain('\0');
  expect(check.details).toHaveLength(60);
  expect(check.details.at(-1)).toBe('… and 23 lines more');
  expect(check.durationMs).toBe(2);
});

test('a cancelled test writes no more', async () => {
  const abort = new AbortController();
  const reason = new Error('cancelled');
  const run = runTest(spec('prod'), {
    abort,
    onFlush: () => abort.abort(reason),
    checks: [passed('file'), passed('dns')],
  });
  await expect(run).rejects.toBe(reason);
});
