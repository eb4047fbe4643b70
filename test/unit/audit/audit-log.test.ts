import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditLog, leaveNote } from '#agent/audit/audit-log.ts';
import type { AuditEntry, AuditEvent } from '#agent/audit/entry.ts';
import { auditFile, auditFiles, HEAD_FILE } from '#agent/audit/files.ts';
import { readAudit, verifyAudit } from '#agent/audit/verify.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-audit-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const batch = (seq: number, job = 'job'): AuditEvent => ({
  event: 'batch',
  acknowledged: true,
  connection: 'prod',
  kind: 'crawl',
  job,
  attempt: 1,
  seq,
  scopes: ['prod/a'],
  records: 3,
  kinds: { chart: 2, outcome: 1 },
  bytes: 100,
  sha256: 'f'.repeat(64),
});

const write = async (events: readonly AuditEvent[], options = {}): Promise<void> => {
  await using log = await AuditLog.open(folder, options);
  for (const event of events) await log.append([event]);
};

const entries = async (): Promise<AuditEntry[]> => {
  const all: AuditEntry[] = [];
  for await (const { entry } of readAudit(folder)) if (entry) all.push(entry);
  return all;
};

const path = (number = 1): string => join(folder, auditFile(number));
const lines = async (): Promise<string[]> => (await readFile(path(), 'utf8')).split('\n').slice(0, -1);
const several = Array.from({ length: 5 }, (_, n) => batch(n + 1));

test('what is told is on the disk, in one chain over restarts, and it is known what was told', async () => {
  await write([batch(1), batch(2)]);
  await write([batch(3), { event: 'logLevel', level: 'debug', forMs: 60_000 }]);
  expect(await verifyAudit(folder)).toEqual({ entries: 4, files: 1, first: 1, last: 4, flaws: [] });
  expect((await entries()).map(({ event }) => event)).toEqual(['batch', 'batch', 'batch', 'logLevel']);
  await using log = await AuditLog.open(folder);
  expect([log.lastBatch('job', 1), log.lastBatch('job', 2), log.lastBatch('other', 1)]).toEqual([3, 0, 0]);
  expect((await stat(path())).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
});

test.each<[string, (all: string[]) => string[], number]>([
  [
    'a figure of it was changed',
    (all) => all.map((line, at) => (at === 2 ? line.replace('"records":3', '"records":2') : line)),
    3,
  ],
  ['one was taken out', (all) => all.filter((_, at) => at !== 1), 2],
  ['two changed places', ([a = '', b = '', ...rest]) => [b, a, ...rest], 1],
  ['one was doubled', ([a = '', ...rest]) => [a, a, ...rest], 2],
  ['one was cut short', (all) => all.map((line, at) => (at === 0 ? line.slice(0, 40) : line)), 1],
  ['the last was taken out', (all) => all.slice(0, -1), 5],
])('that %s is noticed', async (_what, change, flawed) => {
  await write(several);
  const before = await lines();
  await writeFile(
    path(),
    change([...before])
      .map((line) => `${line}\n`)
      .join(''),
  );
  const { flaws } = await verifyAudit(folder);
  expect(flaws[0]).toMatchObject({ file: auditFile(1), line: flawed });
});

test('a bit that flips anywhere in the log is noticed', async () => {
  await write(several.slice(0, 2));
  const sound = await readFile(path());
  for (let at = 0; at < sound.length; at += 1) {
    const damaged = Buffer.from(sound);
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (at % 8)), at);
    await writeFile(path(), damaged);
    expect((await verifyAudit(folder)).flaws.length, `byte ${at}`).toBeGreaterThan(0);
  }
});

test('an agent that starts where lines are missing says so in the log itself', async () => {
  await write(several);
  await writeFile(
    path(),
    (await lines())
      .slice(0, 3)
      .map((line) => `${line}\n`)
      .join(''),
  );
  await write([batch(6)]);
  expect((await entries()).slice(3)).toMatchObject([
    { n: 6, event: 'missing', from: 4, to: 5 },
    { n: 7, event: 'batch', seq: 6 },
  ]);
  expect((await verifyAudit(folder)).flaws).toMatchObject([{ line: 4 }]);
});

test('a half written line is cut at the next start, and the chain is whole', async () => {
  await write(several);
  await appendFile(path(), '{"n":6,"at":"2026-');
  expect((await verifyAudit(folder)).flaws).toEqual([]);
  await write([batch(6)]);
  expect(await verifyAudit(folder)).toMatchObject({ entries: 6, flaws: [] });
});

test('the log takes only so much room, and the chain goes on over its files', async () => {
  const many = Array.from({ length: 60 }, (_, n) => batch(n + 1));
  await write(many.slice(0, 30), { fileBytes: 1_500, files: 3 });
  await write(many.slice(30), { fileBytes: 1_500, files: 3 });
  const numbers = await auditFiles(folder);
  expect(numbers.length).toBe(3);
  for (const number of numbers) expect((await stat(path(number))).size).toBeLessThanOrEqual(1_500);
  const verdict = await verifyAudit(folder);
  expect(verdict).toMatchObject({ last: 60, flaws: [] });
  expect(verdict.first).toBeGreaterThan(1);
  await rm(path(numbers[1] ?? 0));
  expect((await verifyAudit(folder)).flaws.map(({ what }) => what)).toEqual(['the file before it is missing']);
});

test('notes of other processes are taken in once', async () => {
  const note: AuditEvent = { event: 'supportBundle', file: 'bundle.zip', bytes: 10 };
  await leaveNote(folder, note);
  await using log = await AuditLog.open(folder);
  await leaveNote(folder, { event: 'enrolled', agent: 'a', organisation: 'o', gateway: 'wss://g.example' });
  await log.append([batch(1)]);
  expect((await entries()).map(({ event }) => event)).toEqual(['supportBundle', 'enrolled', 'batch']);
  expect(await readdir(join(folder, 'notes'))).toEqual([]);
  // The process ended between writing the entry and deleting the note.
  const [taken] = await entries();
  await writeFile(join(folder, 'notes', taken?.note ?? ''), JSON.stringify(note));
  await write([batch(2)]);
  expect((await entries()).map(({ event }) => event)).toEqual(['supportBundle', 'enrolled', 'batch', 'batch']);
  expect((await verifyAudit(folder)).flaws).toEqual([]);
});

test('a log that nobody writes to takes notes in, too', async () => {
  await using _log = await AuditLog.open(folder, { lookMs: 5 });
  await leaveNote(folder, { event: 'supportBundle', file: 'bundle.zip', bytes: 10 });
  await expect.poll(async () => (await entries()).map(({ event }) => event)).toEqual(['supportBundle']);
});

test('a note that makes no sense is dropped, and keeps nothing else from being told', async () => {
  await leaveNote(folder, batch(1));
  const [name = ''] = await readdir(join(folder, 'notes'));
  await truncate(join(folder, 'notes', name), 3);
  await write([batch(1)]);
  expect(await entries()).toHaveLength(1);
});

test('a head that is damaged or gone does no harm', async () => {
  await write(several);
  await writeFile(join(folder, HEAD_FILE), 'x');
  await write([batch(6)]);
  await rm(join(folder, HEAD_FILE));
  await write([batch(7)]);
  expect(await verifyAudit(folder)).toMatchObject({ entries: 7, flaws: [] });
});

const nextNumber = async (child: ChildProcess): Promise<string> => {
  const [data] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return data.toString();
};

test('kill -9 at any time: no batch that was told is lost, none is told twice, and the chain is whole', async () => {
  let told = 0;
  for (let round = 0; round < 6; round += 1) {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./appender.ts')), folder, '4000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    let text = '';
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString();
    });
    await nextNumber(child);
    for (let more = 0; more < round; more += 1) await nextNumber(child);
    child.kill('SIGKILL');
    await ended;
    told = Math.max(
      told,
      ...text
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    );
  }
  await using log = await AuditLog.open(folder, { fileBytes: 4000, files: 1_000 });
  expect(log.lastBatch('job', 1)).toBeGreaterThanOrEqual(told);
  const batches = (await entries()).flatMap((entry) => (entry.event === 'batch' ? [entry.seq] : []));
  expect(batches).toEqual(batches.map((_, at) => at + 1));
  expect((await verifyAudit(folder)).flaws).toEqual([]);
}, 30_000);

test('a catalog that causes entries without end does not push out what left before', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  {
    await using log = await AuditLog.open(folder, { fileBytes: 4_000, files: 100, now: () => now });
    await log.append([batch(1)]);
    const refused = {
      event: 'jobRefused',
      job: 'x'.repeat(300),
      attempt: 1,
      connection: null,
      code: 'c',
      reason: 'r',
    } as const;
    for (let n = 0; n < 5_000; n += 1) await log.appendAsked(refused);
    now += 3_600_000;
    await log.appendAsked({ event: 'logLevel', level: 'debug', forMs: 1 });
    await log.append([batch(2)]);
  }
  const all = await entries();
  expect(all.length).toBe(203);
  expect(all[0]).toMatchObject({ event: 'batch', seq: 1 });
  expect(all[201]).toMatchObject({ event: 'logLevel', unlisted: 4_800 });
  expect((await verifyAudit(folder)).flaws).toEqual([]);
});
