import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditLog } from '#agent/audit/audit-log.ts';
import type { AuditEntry } from '#agent/audit/entry.ts';
import { readAudit } from '#agent/audit/verify.ts';
import { JobAudit } from '#agent/bridge/job-audit.ts';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { attemptRecord } from '../spool/batches.ts';
import { scopeRecords } from './site.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-job-audit-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const spec = JSON.stringify({ connection: 'prod', kind: 'crawl' });
const openLog = (): Promise<AuditLog> => AuditLog.open(join(folder, 'audit'));
const openSpool = (): Promise<Spool> => Spool.open(join(folder, 'spool'));

const batches = async (): Promise<(AuditEntry & { event: 'batch' })[]> => {
  const all = [];
  for await (const { entry } of readAudit(join(folder, 'audit'))) if (entry?.event === 'batch') all.push(entry);
  return all;
};

/** One batch for each scope. */
const fill = async (attempt: AttemptSpool, scopes: readonly string[]): Promise<void> => {
  for (const scope of scopes) {
    const writer = new SpoolWriter(attempt, new AbortController().signal, () => undefined);
    for (const record of scopeRecords(scope, 2, 10)) await writer.write(record);
    await writer.flush();
    await writer.idle();
  }
};

test('a batch is told of when it is acknowledged, with what is in it and a hash of what was sent', async () => {
  await using log = await openLog();
  const spool = await openSpool();
  const attempt = await spool.create(attemptRecord({ spec }));
  const audit = new JobAudit(log, attempt);
  await fill(attempt, ['prod/a', 'prod/b']);
  const frame = await attempt.readFrame(1);
  audit.sent(1);
  audit.sent(2);
  expect(await batches()).toEqual([]);
  await audit.acknowledged(1);
  await audit.acknowledged(1);
  expect(await batches()).toMatchObject([
    {
      acknowledged: true,
      connection: 'prod',
      kind: 'crawl',
      job: 'job-1',
      attempt: 1,
      seq: 1,
      scopes: ['prod/a'],
      records: 4,
      kinds: { scope: 1, sheet: 2, outcome: 1 },
      bytes: frame.length,
      sha256: createHash('sha256').update(frame).digest('hex'),
    },
  ]);
  await audit.removed();
  expect((await batches()).map(({ seq, acknowledged }) => [seq, acknowledged])).toEqual([
    [1, true],
    [2, false],
  ]);
  await spool.close();
});

test('a process that ends between the acknowledgement and the deletion tells of it when it runs again, once', async () => {
  {
    await using log = await openLog();
    const spool = await openSpool();
    const attempt = await spool.create(attemptRecord({ spec }));
    await fill(attempt, ['prod/a', 'prod/b', 'prod/c']);
    await new JobAudit(log, attempt).acknowledged(2);
    await spool.close();
  }
  await using log = await openLog();
  const spool = await openSpool();
  const [attempt] = spool.attempts;
  if (!attempt) throw new Error('the attempt is gone');
  const audit = new JobAudit(log, attempt);
  await audit.acknowledged(2);
  await audit.acknowledged(3);
  expect((await batches()).map(({ seq, kinds }) => [seq, kinds])).toEqual([
    [1, { scope: 1, sheet: 2, outcome: 1 }],
    [2, { scope: 1, sheet: 2, outcome: 1 }],
    [3, { scope: 1, sheet: 2, outcome: 1 }],
  ]);
  await spool.close();
});

test('what an earlier process may have sent is told of when its job was lost, and what nobody sent is not', async () => {
  {
    const spool = await openSpool();
    await fill(await spool.create(attemptRecord({ spec })), ['prod/a']);
    await spool.close();
  }
  await using log = await openLog();
  const spool = await openSpool();
  const [attempt] = spool.attempts;
  if (!attempt) throw new Error('the attempt is gone');
  const audit = new JobAudit(log, attempt);
  await fill(attempt, ['prod/b']);
  await audit.removed();
  expect((await batches()).map(({ seq, acknowledged }) => [seq, acknowledged])).toEqual([[1, false]]);
  await spool.close();
});
