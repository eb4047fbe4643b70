import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import { mayCome, type PatternEnd } from '#catalog/store/dataset-patterns.ts';
import type { FolderMapping } from '#config/connection/readable-paths.ts';
import { serverPath } from '#config/connection/server-path.ts';
import { CrawlOptions } from '#protocol/job-options.ts';
import { keyPart } from '#protocol/keys.ts';
import {
  type DatasetName,
  includedScripts,
  lineageTruth,
  type OriginTruth,
  pastTruth,
} from '#test/simulator/model/lineage-truth.ts';
import type { Site } from '#test/simulator/model/types.ts';
import { connectionFor, simulate } from '#test/unit/crawl/simulated.ts';

/** Half a minute for 200 on a quiet machine; LINEAGE_APPS=500 for as many as a customer has. */
const APPS = Number(process.env['LINEAGE_APPS'] ?? 200);
const CODE = 'sim';
/** What belongs to tables rather than to fields is not told by the truth, and not compared. */
const TOLD = new Set(['value', 'condition', 'map-key']);

const folder = mkdtempSync(join(tmpdir(), 'culvert-lineage-site-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keyOf = ({ root, parts }: DatasetName): string =>
  `${root === '' ? `${CODE}/` : root}${parts.map(keyPart).join('/')}`;
const columnOf = ({ dataset, column, app }: OriginTruth): string =>
  app === undefined ? `${keyOf(dataset)}#${keyPart(column)}` : `${CODE}/${keyPart(app)}/field/${keyPart(column)}`;

/** Whether the name of one fits the pattern of the other. */
const fits = (pattern: string | null, text: string): boolean =>
  pattern !== null &&
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  ).test(text);
const areAlike = (one: PatternEnd, other: PatternEnd): boolean =>
  fits(one.pattern, other.pattern ?? other.key) || fits(other.pattern, one.pattern ?? one.key);

const APP = new RegExp(`^${CODE}/[^/]+$`);
const isField = (key: string, scope: string): boolean => key.startsWith(`${scope}/field/`);

/** The included scripts of the site, as files of a folder that the agent can read. */
const served = (site: Site): readonly FolderMapping[] => {
  const mappings = new Map<string, FolderMapping>();
  for (const [path, text] of includedScripts(site)) {
    const { root, names } = serverPath(path) ?? { root: '', names: [] };
    const from = serverPath(`${root}/`);
    if (from === undefined) throw new Error(`${path} is no path of a server`);
    const own = join(folder, keyPart(root));
    mappings.set(root, { from, folder: own });
    mkdirSync(dirname(join(own, ...names)), { recursive: true });
    writeFileSync(join(own, ...names), text);
  }
  return [...mappings.values()];
};

test(`the lineage of ${APPS} apps that feed each other is what the site was made from, edge by edge`, async () => {
  await using simulator = await simulate({ apps: APPS });
  await using interpreter = new LineageProcess();
  const { hostname } = new URL(simulator.addresses.proxyUrl);
  const connection = connectionFor(simulator, 'jwt', { paths: { qvds: [], qvs: served(simulator.site), logs: [] } });
  const found = new Map<string, string>();
  const stored = new Set<string>();
  const [taken, expectedTaken] = [new Set<string>(), new Set<string>()];
  const ends = new Map<string, { pattern: string | null; isRead: boolean; producers: string[] }>();
  const end = (key: string) => {
    const known = ends.get(key) ?? { pattern: null, isRead: false, producers: [] };
    ends.set(key, known);
    return known;
  };
  const outcomes = new Map<string, string>();
  const gate = new RecordGate({
    write: (record) => {
      if (record.t === 'outcome') outcomes.set(record.scope, record.outcome);
      if (record.t === 'edge' && record.kind === 'derives') {
        const edge = `${record.from} <- ${record.to}`;
        const isTold = TOLD.has(String(record.attributes?.['role']));
        if (isTold && isField(record.from, record.scope) && !isField(record.to, record.scope))
          found.set(edge, record.scope);
        if (isTold && /^file:\/\/|\/source\//.test(record.from)) stored.add(edge);
      }
      if (record.t === 'asset' && record.kind === 'dataset')
        end(record.key).pattern = (record.attributes?.['pattern'] as string | undefined) ?? null;
      if (record.t === 'edge' && record.kind === 'loads') end(record.to).isRead = true;
      if (record.t === 'edge' && record.kind === 'produces') end(record.to).producers.push(record.from);
      if (record.t === 'edge' && record.kind === 'loads' && APP.test(record.to))
        taken.add(`${record.from} <- ${record.to}`);
      return Promise.resolve();
    },
  });
  await using site = openSite(connection, { dialer: new Dialer() });
  await crawl(site, connection, gate, {
    asked: CrawlOptions.parse({ mode: 'full' }),
    lineage: { process: interpreter, withTexts: true },
  });

  const [expected, expectedStored] = [new Set<string>(), new Set<string>()];
  const told = new Set<string>();
  for (const { appId, fields, stores, takes } of lineageTruth(simulator.site, hostname)) {
    const scope = `${CODE}/${keyPart(appId)}`;
    if (outcomes.get(scope) !== 'complete') continue;
    told.add(scope);
    for (const other of takes) expectedTaken.add(`${scope} <- ${CODE}/${keyPart(other)}`);
    for (const { name, origins } of fields)
      for (const origin of origins) expected.add(`${scope}/field/${keyPart(name)} <- ${columnOf(origin)}`);
    for (const { dataset, columns } of stores)
      for (const { name, origins } of columns)
        for (const origin of origins) {
          const [from, to] = [`${keyOf(dataset)}#${keyPart(name)}`, columnOf(origin)];
          if (from !== to) expectedStored.add(`${from} <- ${to}`);
        }
  }
  expect(told.size).toBeGreaterThan(APPS / 2);
  const extra = [...found].flatMap(([edge, scope]) => (told.has(scope) && !expected.has(edge) ? [edge] : []));
  const lacking = [...expected].filter((edge) => !found.has(edge));
  expect.soft(lacking.slice(0, 20), `${lacking.length} of ${expected.size} edges are missing`).toEqual([]);
  expect.soft(extra.slice(0, 20), `${extra.length} edges lead where nothing comes from`).toEqual([]);
  expect.soft([...taken].sort()).toEqual([...expectedTaken].sort());
  expect(expectedTaken.size).toBeGreaterThan(0);
  const all = [...ends].map(([key, known]) => ({ key, ...known, isListed: false }));
  const past = all
    .filter(({ pattern }) => pattern !== null)
    .flatMap((one) =>
      all.flatMap((to) => (areAlike(one, to) && mayCome(one, to) === 'candidate' ? [`${one.key} <- ${to.key}`] : [])),
    );
  const expectedPast = pastTruth(simulator.site, hostname).map(({ from, to }) => `${keyOf(from)} <- ${keyOf(to)}`);
  expect.soft(past.filter((edge) => edge.includes('/past/')).sort()).toEqual(expectedPast.sort());
  expect(expectedPast.some((edge) => edge.includes('/source/'))).toBe(true);
  expect(expectedPast.some((edge) => edge.endsWith('_2024.qvd'))).toBe(true);
  // Of a file that is read whole, and that nobody can look into, it is known from which file all of it comes.
  const lackingStored = [...expectedStored].filter(
    (edge) => !stored.has(edge) && !stored.has(edge.replaceAll(/#[^#]*?(?= <- |$)/g, '')),
  );
  expect.soft(lackingStored.slice(0, 20), `${lackingStored.length} of ${expectedStored.size} columns`).toEqual([]);
  expect(expectedStored.size).toBeGreaterThan(0);
}, 600_000);
