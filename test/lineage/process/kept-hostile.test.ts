/** Jobs of kind lineage from a catalog that means harm, and kept files that somebody laid hands on. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { optionsOf } from '#agent/commands/job-options.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { fileStem } from '#agent/crawl/delta/checkpoint.ts';
import { KEPT_FOLDER } from '#agent/crawl/lineage/kept-apps.ts';
import { type Remade, remakeLineage } from '#agent/crawl/lineage/remake-all.ts';
import type { LineageMeans } from '#agent/crawl/lineage/site-lineage.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import { serverPath } from '#config/connection/server-path.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { CrawlOptions, LineageOptions } from '#protocol/job-options.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, simulate } from '#test/unit/crawl/simulated.ts';

let simulator: Simulator;
let state: string;
let interpreter: LineageProcess;
let kept: string;
/** What comes of all that is kept. */
let whole: Remade;
beforeAll(async () => {
  simulator = await simulate({ seed: 1, apps: 12 });
  state = mkdtempSync(join(tmpdir(), 'culvert-kept-'));
  interpreter = new LineageProcess();
  kept = join(state, KEPT_FOLDER);
  await crawled();
  whole = (await remade()).made;
  cpSync(own(), join(state, 'as-kept'), { recursive: true });
});
afterAll(async () => {
  await interpreter[Symbol.asyncDispose]();
  await simulator?.[Symbol.asyncDispose]();
  rmSync(state, { recursive: true, force: true });
});

const dialer = new Dialer();
const means = (): LineageMeans => ({
  process: interpreter,
  withTexts: true,
  kept: { folder: join(state, KEPT_FOLDER), keys: new KeyFile(state), owner: 'catalog agent', log: SILENT },
});
const open = (code = 'sim') => {
  const from = serverPath('lib://QVD (corp_svc_qlik)');
  if (from === undefined) throw new Error('no path');
  const paths = { qvds: [], qvs: [{ from, folder: join(state, 'qvs') }], logs: [] };
  return openSite(connectionFor(simulator, 'jwt', { code, paths }), { dialer });
};
const sinkOf = (records: StreamRecord[]) =>
  new RecordGate({ write: (record) => Promise.resolve(void records.push(record)) });
const crawled = async (): Promise<void> => {
  await using site = open();
  await crawl(site, site.connection, sinkOf([]), {
    asked: CrawlOptions.parse({ checkpoint: null }),
    checkpoints: { folder: join(state, 'checkpoints'), job: 'first', owner: 'catalog agent', crawler: '1' },
    lineage: means(),
  });
};
const remade = async (asked: object = {}, code = 'sim') => {
  const records: StreamRecord[] = [];
  await using site = open(code);
  const run = remakeLineage(site, site.connection, sinkOf(records), {
    asked: LineageOptions.parse(asked),
    means: means(),
  });
  return { made: await run, records };
};
/** The folder of the connection. */
const NAMED = fileStem('sim');
const own = (): string => join(kept, NAMED);
const files = (): readonly string[] => readdirSync(own()).map((name) => join(own(), name));

describe('options that no job of the kind can have', () => {
  const spec = (options: unknown) => ({
    ...{ jobId: 'j', connection: 'sim', kind: 'lineage', createdAt: '2026-01-01T00:00:00Z' },
    options: options as Record<string, unknown>,
  });
  test.each([
    ['a list for only', { only: [] }],
    ['a text for apps', { only: { apps: 'all' } }],
    ['numbers for ids', { only: { apps: [1] } }],
    ['an empty id', { only: { apps: [''] } }],
    ['a huge list', { only: { apps: Array.from({ length: 201 }, (_, n) => `a${n}`) } }],
    ['a huge id', { only: { streams: ['x'.repeat(201)] } }],
    ['a huge name of a change', { changed: 'x'.repeat(101) }],
    ['another type for a change', { changed: true }],
    ['an object for a checkpoint', { checkpoint: {} }],
    ['a huge name of a job', { lineageJob: 'x'.repeat(101) }],
    ['settings that are none', { settings: { includeApps: 'x' } }],
  ])('%s is refused, and not tried again', (_, options) => {
    expect(() => optionsOf(LineageOptions, spec(options) as never)).toThrow(
      expect.objectContaining({
        code: 'bridge.protocol',
        retryable: false,
        message: expect.stringMatching(/^The options of the lineage \(.+\) are not understood/),
      }) as Error,
    );
  });

  test('what it does not know is not there', () => {
    expect(optionsOf(LineageOptions, spec({ path: '/etc', scripts: true, kept: '..' }) as never)).toEqual({});
  });
});

test('apps that the site does not have, and paths in their place, are nothing that is looked for', async () => {
  const { made, records } = await remade({
    only: { apps: ['../../x', '/etc/passwd', 'sim/../y', '*'], streams: ['..'] },
  });
  expect([made.apps, made.unknown, records]).toEqual([0, 0, []]);
});

test('names of states from the catalog are compared and never a part of a path', async () => {
  const { made } = await remade({ checkpoint: '../../../etc', lineageJob: '../x', changed: '../y' });
  expect(made.apps).toBeGreaterThan(5);
});

test('another connection has none of it, though the site and the files are the same', async () => {
  const [before] = [files().length];
  const other = join(kept, fileStem('other'));
  mkdirSync(other, { recursive: true });
  for (const file of files()) copyFileSync(file, join(other, file.split('/').at(-1) ?? ''));
  await expect(remade({}, 'other')).rejects.toMatchObject({ code: 'lineage.nothing_kept' });
  expect(files()).toHaveLength(before);
});

test.each<[string, (path: string, another: string) => void]>([
  ['cut', (path) => truncateSync(path, 40)],
  ['empty', (path) => truncateSync(path, 0)],
  [
    'with one byte changed',
    (path) => {
      const bytes = readFileSync(path);
      bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
  ],
  ['that is another app’s', (path, another) => copyFileSync(another, path)],
  [
    'that is a link to a file of no app',
    (path) => {
      rmSync(path);
      writeFileSync(join(state, 'outside'), 'canary-outside');
      symlinkSync(join(state, 'outside'), path);
    },
  ],
  [
    'that is a pipe',
    (path) => {
      rmSync(path);
      execFileSync('mkfifo', [path]);
    },
  ],
  [
    'that is a link to nothing',
    (path) => {
      rmSync(path);
      symlinkSync(join(state, 'nowhere'), path);
    },
  ],
  [
    'that is a folder',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
  ['with another name', (path) => renameSync(path, `${path.slice(0, -4)}ffff`)],
])('a kept file %s counts as none: its app is told as not kept, the others are remade', async (_, spoil) => {
  const [first = '', second = ''] = files();
  spoil(first, second);
  const { made, records } = await remade();
  expect([made.apps, made.unknown]).toEqual([whole.apps - 1, whole.unknown + 1]);
  const told = records.filter((one) => one.t === 'outcome' && one.reason?.code === 'lineage_not_kept');
  expect(told).toHaveLength(made.unknown);
  expect(JSON.stringify(records)).not.toContain('canary-outside');
  rmSync(own(), { recursive: true });
  cpSync(join(state, 'as-kept'), join(kept, NAMED), { recursive: true });
});

test('a pipe in the place of a kept file holds up no crawl, which keeps the app in its place', async () => {
  const [first = ''] = files();
  rmSync(first);
  execFileSync('mkfifo', [first]);
  await crawled();
  expect(lstatSync(first).isFile()).toBe(true);
  expect((await remade()).made.apps).toBe(whole.apps);
});

test('links below a mapped folder lead nowhere else', async () => {
  const scripts = join(state, 'qvs', 'scripts');
  mkdirSync(scripts, { recursive: true });
  writeFileSync(join(state, 'secret.qvs'), "LET vPlain = 'canary-linked';\n");
  symlinkSync(join(state, 'secret.qvs'), join(scripts, 'common.qvs'));
  await crawled();
  const { records } = await remade();
  const sections = records.filter((one) => one.t === 'asset' && one.kind === 'scriptSection');
  expect(sections.length).toBeGreaterThan(3);
  expect(JSON.stringify(sections)).toContain('a link leads out of the folder');
  expect(JSON.stringify(records)).not.toContain('canary-linked');
});

test('no secret of the site is in what is kept between crawls', async () => {
  await crawled();
  await using site = open();
  const asked = LineageOptions.parse({});
  const checkpoints = { folder: join(state, 'checkpoints'), job: 'second', owner: 'catalog agent' };
  await remakeLineage(site, site.connection, sinkOf([]), { asked, means: means(), checkpoints });
  const names = readdirSync(join(state, 'checkpoints'));
  expect(names.map((name) => name.split('.').at(-1)).sort()).toEqual(['json', 'remade']);
  const scripts = simulator.site.apps.map(({ id }) => simulator.site.content(id).script).join('\n');
  expect(scripts).toContain('canary-');
  expect(JSON.stringify(simulator.site.dataConnections)).toContain('canary-');
  for (const name of names) {
    const text = readFileSync(join(state, 'checkpoints', name), 'utf8');
    expect(text).toContain('"connection ');
    expect(text.toLowerCase()).not.toContain('canary');
  }
});
