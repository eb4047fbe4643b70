import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeenJobs } from '#agent/bridge/seen-jobs.ts';
import { nodeDisk } from '#agent/spool/disk.ts';
import type { JobSpec } from '#protocol/messages.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-seen-'));
  file = join(folder, 'seen-jobs.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const START = Date.parse('2026-01-01T00:00:00.000Z');
const job = (jobId: string, attempt: number | undefined, minute: number | undefined): JobSpec => ({
  jobId,
  connection: 'site',
  kind: 'crawl',
  options: {},
  createdAt: '2026-01-01T00:00:00.000Z',
  ...(attempt === undefined ? {} : { attempt }),
  ...(minute === undefined ? {} : { issuedAt: new Date(START + minute * 60_000).toISOString() }),
});

/** Takes the job if it is judged to be new; says whether it was. */
const take = async (seen: SeenJobs, spec: JobSpec, attempt = spec.attempt ?? 1): Promise<boolean> => {
  const ref = { jobId: spec.jobId, attempt };
  const refusal = seen.judge(spec, ref);
  if (refusal !== undefined) {
    expect(refusal).toMatchObject({ code: 'bridge.job_replayed', retryable: false });
    return false;
  }
  await seen.remember(spec, ref);
  return true;
};
const open = (agentId = 'agent') => SeenJobs.open(file, agentId);

test('an attempt is taken once, also after a restart; the next attempt of the job is taken', async () => {
  expect(await take(await open(), job('a', 1, 0))).toBe(true);
  const seen = await open();
  expect(await take(seen, job('a', 1, 0))).toBe(false);
  expect(await take(seen, job('a', 3, 1))).toBe(true);
  expect(await take(seen, job('a', 2, 1))).toBe(false);
});

test('a genuine text is not taken under another attempt', async () => {
  expect(await take(await open(), job('a', 1, 0), 2)).toBe(false);
});

test('what was issued long before the newest is refused, even if it never came: the clock of this machine plays no part', async () => {
  const seen = await open();
  expect(await take(seen, job('new', 1, 60))).toBe(true);
  expect(await take(seen, job('held back', 1, 49))).toBe(false);
  // Another server of the catalog may be a little late.
  expect(await take(seen, job('beside', 1, 51))).toBe(true);
  expect(await take(await open(), job('years ahead', 1, 60_000_000))).toBe(true);
});

test('what is too old to be taken is not kept: the record stays small', async () => {
  const seen = await open();
  for (let n = 0; n < 200; n++) expect(await take(seen, job(`job-${n}`, 1, n))).toBe(true);
  const stored = JSON.parse(await readFile(file, 'utf8'));
  expect(stored.jobs.length).toBe(11);
  expect(await take(await open(), job('job-0', 2, 0))).toBe(false);
});

test('more attempts than are kept in mind, in little time: the oldest are refused as a whole', async () => {
  const seen = await SeenJobs.open(undefined, 'agent');
  const at = (n: number): number => n / 1000;
  for (let n = 0; n < 400; n++) expect(await take(seen, job(`job-${n}`, 1, at(n)))).toBe(true);
  expect(await take(seen, job('never came', 1, at(50)))).toBe(false);
  expect(await take(seen, job('job-390', 1, at(390)))).toBe(false);
  expect(await take(seen, job('fresh', 1, at(410)))).toBe(true);
});

test('an older catalog names no time; once one did, a text without is refused', async () => {
  const seen = await open();
  expect(await take(seen, job('a', undefined, undefined), 1)).toBe(true);
  expect(await take(seen, job('a', undefined, undefined), 1)).toBe(false);
  expect(await take(seen, job('a', undefined, undefined), 2)).toBe(true);
  expect(await take(seen, job('b', 1, 0))).toBe(true);
  expect(await take(seen, job('c', undefined, undefined), 1)).toBe(false);
});

describe('a text that repeats the challenge of the session', () => {
  const signedFor = (challenge: string, spec: JobSpec): JobSpec => ({ ...spec, challenge });

  test('a text that was signed for another session is refused, whatever the times say', async () => {
    const seen = await open();
    expect(await take(seen, signedFor('guessed', job('early', 1, 0)))).toBe(false);
    const before = seen.challenge();
    expect(await take(seen, signedFor(before, job('a', 1, 0)))).toBe(true);
    const now = seen.challenge();
    expect(now).not.toBe(before);
    // One that ran, one that was held back, one from the future.
    for (const [name, minute] of [
      ['a', 0],
      ['held back', 1],
      ['ahead', 60_000_000],
    ] as const)
      expect(await take(seen, signedFor(before, job(name, 1, minute)))).toBe(false);
    expect(await take(seen, signedFor(now, job('b', 1, 2)))).toBe(true);
    expect(await take(await open(), signedFor(now, job('c', 1, 3)))).toBe(false);
  });

  test('in its session each attempt is taken once', async () => {
    const seen = await open();
    const now = seen.challenge();
    expect(await take(seen, signedFor(now, job('a', 1, 0)))).toBe(true);
    expect(await take(seen, signedFor(now, job('a', 1, 0)))).toBe(false);
    expect(await take(seen, signedFor(now, job('a', 3, 0)))).toBe(true);
    expect(await take(seen, signedFor(now, job('a', 2, 0)))).toBe(false);
    expect(await take(seen, signedFor(now, job('b', 1, 0)), 2)).toBe(false);
  });

  test('a catalog whose clock was years ahead once has its jobs taken when it is mended', async () => {
    const seen = await open();
    expect(await take(seen, signedFor(seen.challenge(), job('ahead', 1, 60_000_000)))).toBe(true);
    expect(await take(seen, signedFor(seen.challenge(), job('mended', 1, 5)))).toBe(true);
    // An old text of before challenges is old still.
    expect(await take(seen, job('of before', 1, 4))).toBe(false);
  });

  test('a catalog that lost commits may name an attempt again, in another session', async () => {
    const seen = await open();
    expect(await take(seen, signedFor(seen.challenge(), job('a', 2, 0)))).toBe(true);
    expect(await take(seen, signedFor(seen.challenge(), job('a', 1, 0)))).toBe(true);
  });

  test('what was offered in one session may be recorded in the next', async () => {
    const seen = await open();
    const spec = signedFor(seen.challenge(), job('a', 1, 0));
    seen.challenge();
    expect(seen.judge(spec, { jobId: 'a', attempt: 1 }, 'taken')).toBeUndefined();
    await seen.remember(spec, { jobId: 'a', attempt: 1 });
    expect(seen.judge(spec, { jobId: 'a', attempt: 1 }, 'taken')).toMatchObject({ code: 'bridge.job_replayed' });
  });
});

test('odd names and times do no harm', async () => {
  const seen = await open();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    expect(await take(seen, job(name, 1, 0))).toBe(true);
    expect(await take(await open(), job(name, 1, 0))).toBe(false);
  }
  expect(seen.judge({ ...job('x', 1, 0), issuedAt: 'soon' }, { jobId: 'x', attempt: 1 })).toBeDefined();
});

test('the record of another agent counts for nothing; a damaged one is told of', async () => {
  expect(await take(await open(), job('a', 1, 0))).toBe(true);
  expect(await take(await open('another'), job('a', 1, 0))).toBe(true);
  await writeFile(file, '{"version":1');
  let told = 0;
  expect(await take(await SeenJobs.open(file, 'agent', () => (told += 1)), job('a', 1, 0))).toBe(true);
  expect(told).toBe(1);
});

test('a bit that rots in the record is noticed, wherever it is: no time in it may keep later jobs away', async () => {
  expect(await take(await open(), job('a', 1, 0))).toBe(true);
  const sound = await readFile(file);
  let unnoticed = 0;
  for (let at = 0; at < sound.length; at += 1) {
    const rotten = Buffer.from(sound);
    rotten[at] = (rotten[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(file, rotten);
    let told = 0;
    const seen = await SeenJobs.open(file, 'agent', () => (told += 1));
    expect(seen.judge(job('b', 1, 1), { jobId: 'b', attempt: 1 })).toBeUndefined();
    if (told === 0) unnoticed += 1;
  }
  // The name of the checksum's field, and the line feed at the end: then the record still says what it said.
  expect(unnoticed).toBeLessThan(8);
});

test('a record of an older agent, without a checksum, counts', async () => {
  expect(await take(await open(), job('a', 1, 0))).toBe(true);
  const { crc32: _, ...older } = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify(older));
  expect(await take(await open(), job('a', 1, 0))).toBe(false);
});

test('nothing is taken that cannot be kept in mind', async () => {
  const seen = await SeenJobs.open(join(folder, 'missing', 'seen.json'), 'agent');
  await expect(seen.remember(job('a', 1, 0), { jobId: 'a', attempt: 1 })).rejects.toMatchObject({
    code: 'spool.failed',
  });
});

test('of two that are taken at once, both are kept in mind: no older record comes to lie over a newer one', async () => {
  let [under, most] = [0, 0];
  const watched = {
    ...nodeDisk,
    replaceFile: async (path: string, bytes: Uint8Array): Promise<void> => {
      under += 1;
      most = Math.max(most, under);
      await nodeDisk.replaceFile(path, bytes);
      under -= 1;
    },
  };
  const seen = await SeenJobs.open(file, 'agent', undefined, watched);
  await Promise.all(['a', 'b'].map((id) => seen.remember(job(id, 1, 0), { jobId: id, attempt: 1 })));
  expect(most).toBe(1);
  const again = await open();
  for (const id of ['a', 'b']) expect(again.judge(job(id, 1, 0), { jobId: id, attempt: 1 })).toBeDefined();
});
