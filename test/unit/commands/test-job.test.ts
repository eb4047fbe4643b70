import { expect, test } from 'vitest';
import { type Diagnosis, testJob } from '#agent/commands/test-job.ts';
import { settingsFor } from '#agent/doctor/settings.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { Authentication } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';
import { CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import { ERROR_KINDS } from '#protocol/errors.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { StreamRecord } from '#protocol/records.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { connectionState } from '../../catalog/agent.ts';
import { faultOf } from '../fault-of.ts';
import { connectionTo } from '../qlik/fake-site.ts';

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
  readonly settings?: readonly SettingsRecord[];
  readonly abort?: AbortController;
  readonly onFlush?: () => void;
}

/** Runs a test job; what happened, in order. */
const runTest = async (
  job: JobSpec,
  { states, checks = [passed('file')], settings = [], abort, onFlush }: Run = {},
) => {
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
      for (const one of settings) await diagnosis.onSettings(one);
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

const rule: SettingsRecord = {
  t: 'settings',
  title: 'QMC > Security rules > Create new',
  mends: true,
  fields: [{ name: 'Conditions', value: 'user.userDirectory="CORP" and user.userId="secret token"' }],
};

test('what Qlik needs is sent as it is, but only when the job asks for it', async () => {
  const asked = await runTest(spec('prod', { settings: true }), { settings: [rule] });
  expect(asked.log).toEqual(['write test', 'running connection/file', 'write file', 'flush', 'write settings']);
  expect(asked.records.at(-1)).toEqual(rule);
  expect((await runTest(spec('prod'), { settings: [rule] })).log).not.toContain('write settings');
});

const key = new Secret('canary-key');
const user = { userDirectory: 'SECRETS', userId: 'svc_password_token' };
const LOGINS: readonly Authentication[] = [
  { type: 'header', header: 'X-Auth-Token', value: new Secret('canary-value') },
  { type: 'jwt', token: new Secret('canary-token') },
  { type: 'signed-jwt', key, claims: { userId: 'svc', userDirectory: 'CORP' }, lifetimeMs: 60_000 },
  { type: 'windows', domain: 'CORP', user: 'svc_secret', password: new Secret('canary-password'), method: 'auto' },
  { type: 'ticket', certificate: '', key, authority: undefined, ...user, proxyServiceOrigin: 'https://qlik:4243' },
  { type: 'certificate', certificate: '', key, authority: undefined, ...user },
];

test.each(LOGINS)('what Qlik needs for a log-in by $type leaves whole', async (authentication) => {
  const blocks = settingsFor(connectionTo('https://qlik.example.com', { prefix: 'sso-token', authentication }));
  const settings = blocks.map(
    ({ title, fields }): SettingsRecord => ({
      t: 'settings',
      title,
      mends: false,
      fields: fields.map(([name, value]) => ({ name, value })),
    }),
  );
  const { records } = await runTest(spec('prod', { settings: true }), { settings });
  expect(records.slice(2)).toEqual(settings);
  expect(JSON.stringify(records)).not.toMatch(/canary|redacted/);
});

test('no secret leaves in what Qlik needs or in an advice that is made for the case, and what is too long is cut', async () => {
  const loud: SettingsRecord = {
    ...rule,
    title: `for https://ann:canary-one@host/ \0${'x'.repeat(600)}`,
    fields: Array.from({ length: 60 }, () => ({ name: 'n'.repeat(300), value: `pwd=canary-two ${'y'.repeat(3_000)}` })),
  };
  const advice = 'Write password = "canary-three" in quotes.';
  const { records } = await runTest(spec('prod', { settings: true }), {
    checks: [passed('file', { code: 'config.suspicious_value', advice })],
    settings: [loud],
  });
  expect(JSON.stringify(records)).not.toContain('canary');
  const { title, fields } = SettingsRecord.parse(records.at(-1));
  expect(title).not.toContain('\0');
  expect(fields).toHaveLength(40);
});

test('advice of our own table leaves as it is written', async () => {
  const kinds = Object.entries(ERROR_KINDS);
  const checks = kinds.map(([code, { advice }]) => passed('file', { status: 'fail', code, advice }));
  const { records } = await runTest(spec('prod'), { checks });
  expect(records.slice(1).map((record) => (record.t === 'check' ? record.advice : undefined))).toEqual(
    kinds.map(([, { advice }]) => advice),
  );
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

test('what servers wrote steers no terminal of whoever asks for the test', async () => {
  const odd = 'a\u001b[2J\u202Eb\u2028c';
  const { records } = await runTest(spec('prod', { settings: true }), {
    checks: [passed('tls', { seen: odd, code: 'tls.expires_soon', advice: odd, details: [odd] })],
    settings: [{ t: 'settings', title: odd, mends: false, fields: [{ name: odd, value: odd }] }],
  });
  expect(JSON.stringify(records)).toContain('a\uFFFD[2J\uFFFDb c');
  expect(JSON.stringify(records)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]|\\u001b/u);
});

test('no folder of the machine leaves it, whatever a check says', async () => {
  const check = passed('file', {
    seen: "open '/etc/culvert/secrets/token.txt'",
    details: ['7 | tls.truststore.path = "file:/opt/pki/root.pem"'],
    advice: 'Look at /var/lib/culvert/state/identity.json',
  });
  const { records } = await runTest(spec('prod'), { checks: [check] });
  expect(JSON.stringify(records)).not.toMatch(/etc|opt|pki|var\/|state/);
  expect(JSON.stringify(records)).toContain('root.pem');
});
