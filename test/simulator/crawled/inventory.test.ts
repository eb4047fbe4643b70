/** What a filter keeps, as the agent lists it before a crawl, against the simulator's own model. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ItemRecord } from '#protocol/inventory.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import type { App } from '#test/simulator/model/types.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';

const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'culvert-inventory-'));
let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ seed: 23, apps: 60, folder: join(folder, 'site') });
});
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const culvert = async (...args: readonly string[]): Promise<{ code: number | null; out: string; said: string }> => {
  const agent = spawn(process.execPath, [AGENT, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let out = '';
  let said = '';
  agent.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  agent.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(agent, 'close')) as [number | null];
  return { code, out, said };
};

const fileWith = (name: string, filter: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `${connectionFile(simulator.addresses)}\n${filter}\n`, { mode: 0o600 });
  return file;
};

const streamOf = ({ streamId }: App) => simulator.site.streams.find(({ id }) => id === streamId);
const sheetsOf = ({ id }: App) => simulator.site.objects(id).filter(({ objectType }) => objectType === 'sheet');

test('the inventory of a site has all streams, apps and sheets with their verdicts, and counts them by rule', async () => {
  const { apps, streams } = simulator.site;
  const [first, second] = streams;
  if (first === undefined || second === undefined) throw new Error('the site has too few streams');
  const file = fileWith(
    'lists.conf',
    `crawl { exclude { streams = [${JSON.stringify(first.id)}] }, unpublished_sheets = false }\nfilters = [{ id = no_second, action = REJECT, rules { stream_id = "${second.id}" } }]`,
  );
  const out = join(folder, 'items.ndjson');
  const run = await culvert('inventory', file, '--out', out, '--json');
  expect(run.said).toBe('');
  expect(run.code).toBe(0);
  const [head, ...lines] = readFileSync(out, 'utf8').trim().split('\n');
  const { rules } = JSON.parse(head ?? '') as { rules: string[] };
  expect(rules).toEqual([
    expect.stringMatching(/^exclude stream ".{36}" \(lists\.conf, line \d+\)$/),
    expect.stringMatching(/^unpublished sheets = false \(lists\.conf, line \d+\)$/),
    expect.stringMatching(/^reject no_second \(lists\.conf, line \d+\)$/),
  ]);
  const items = lines.map((line) => ItemRecord.parse(JSON.parse(line)));
  const verdicts = new Map(items.map(({ key, kept, rule }) => [key.split('/').slice(1).join('/'), { kept, rule }]));
  const ofStream = (id: string | undefined) => (id === first.id ? rules[0] : id === second.id ? rules[2] : undefined);
  const expected = new Map<string, { kept: boolean; rule: string | undefined }>();
  const expect_ = (key: string, rule: string | undefined): void => {
    expected.set(key, { kept: rule === undefined, rule });
  };
  for (const { id } of streams) expect_(`stream/${id}`, ofStream(id));
  for (const app of apps) {
    const rule = ofStream(streamOf(app)?.id);
    expect_(app.id, rule);
    for (const { engineObjectId, published } of sheetsOf(app))
      expect_(
        `${app.id}/${engineObjectId}`,
        rule === rules[2] && !published ? rules[1] : (rule ?? (published ? undefined : rules[1])),
      );
  }
  expect(new Map([...verdicts].sort())).toEqual(new Map([...expected].sort()));
  expect(items.filter(({ kept }) => !kept).length).toBeGreaterThan(3);
  const summary = JSON.parse(run.out) as Record<'kept' | 'rejected', Record<string, { count: number }>>;
  for (const kind of ['stream', 'app', 'sheet'])
    expect([summary.kept[kind]?.count, summary.rejected[kind]?.count]).toEqual(
      [true, false].map((kept) => items.filter((item) => item.kind === kind && item.kept === kept).length),
    );
});

test('for people it is a table by rule in 80 columns, also of rules that decide nothing', async () => {
  const file = fileWith(
    'text.conf',
    'filter = """\n  # a filter of several lines\n  published = \'true\' or stream is null\n"""\ncrawl.exclude.apps = ["no app is called so"]',
  );
  const { code, out } = await culvert('inventory', file, '--no-sheets');
  expect(code).toBe(0);
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(out).toMatch(/^\S+: \d+ of \d+ streams, 60 of 60 apps, 0 of 0 sheets kept\.\n/);
  expect(out).toMatch(/exclude app "no app is called so" \(text\.conf, line \d+\)\n {2}decides nothing\n/);
  expect(out).toMatch(/filter \(text\.conf, line \d+\)\n {2}keeps 60 apps: /);
  // Streams have nothing that this filter asks for.
  expect(out).toMatch(/without a rule\n {2}keeps \d+ streams?: /);
});

test('a filter that cannot be run is refused with its place and what to write instead', async () => {
  const file = fileWith('bad.conf', 'crawl.include.apps = ["regex:(?=x)"]\nfilter = "strem = \'x\'"');
  const { code, out, said } = await culvert('inventory', file);
  expect(code).not.toBe(0);
  expect(out).toBe('');
  expect(said).toMatch(/bad\.conf:\d+:\d+: error: crawl\.include\.apps: The regular expression looks ahead/);
  expect(said).toMatch(/bad\.conf:\d+:11: error: filter: strem is not a key of filters/);
});
