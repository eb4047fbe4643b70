import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { interpret } from '../../agent/lineage/interpreter/interpret.ts';
import { LIMITS } from '../../agent/lineage/process/interpret-once.ts';
import { loadSql } from '../../agent/lineage/sql/load.ts';
import { type Label, labelsIn } from './measure/labels.ts';
import { agreement, precision, recall } from './measure/score.ts';
import { scriptsIn } from './measure/scripts.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-corpus-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPT = `///$tab Main
Orders: LOAD id, amount * rate AS value, x AS y FROM [lib://Data/orders.qvd] (qvd);
Spare: LOAD a FROM spare.csv (txt, embedded labels);
STORE Orders INTO out.qvd (qvd);
DROP TABLE Spare;
`;
const label = (changes: Partial<Label> = {}): Label => ({
  repository: 'somebody/something',
  commit: '0'.repeat(40),
  path: 'a.qvs',
  sha256: '0'.repeat(64),
  character: 'for this test',
  tables: [
    {
      name: 'Orders',
      final: true,
      fields: {
        id: [['lib://Data/orders.qvd', 'id']],
        value: [
          ['lib://Data/orders.qvd', 'amount'],
          ['lib://Data/orders.qvd', 'rate'],
        ],
        y: [['lib://Data/orders.qvd', 'x']],
      },
    },
    { name: null, final: false, fields: { a: [['spare.csv', 'a']] } },
  ],
  stores: [{ target: 'out.qvd', table: 'Orders' }],
  ...changes,
});
const lineage = async () => interpret(SCRIPT, {}, LIMITS, await loadSql());

test('labels of the corpus are labels, of at least 20 scripts', () => {
  const labels = labelsIn(join(import.meta.dirname, 'corpus'));
  expect(labels.size).toBeGreaterThanOrEqual(20);
  expect(new Set([...labels.values()].map(({ sha256 }) => sha256)).size).toBe(labels.size);
});

test('scripts are found in files of any encoding and in apps, each once', () => {
  mkdirSync(join(folder, 'a+b', 'c-prj'), { recursive: true });
  const wide = Buffer.from(`\ufeff${SCRIPT}// wide`, 'utf16le');
  const put = (name: string, bytes: Buffer | string) => writeFileSync(join(folder, 'a+b', name), bytes);
  put('one.qvs', SCRIPT);
  put('same.qvs', SCRIPT);
  put('c-prj/LoadScript.txt', wide);
  put('old.qvw', Buffer.concat([Buffer.from('head x\x9c no block '), deflateSync(`\0\0${SCRIPT}// old\0tail`)]));
  put(
    'new.qvf',
    Buffer.concat([Buffer.from('SQLite'), deflateSync(`${JSON.stringify({ qScript: 'LOAD 1 AS é;' })}\0`)]),
  );
  put('none.qvf', 'nothing');
  const texts = scriptsIn(folder).map(({ path, text }) => [path, text]);
  expect(texts).toEqual([
    ['a+b/c-prj/LoadScript.txt', `${SCRIPT}// wide`],
    ['a+b/new.qvf', 'LOAD 1 AS é;'],
    ['a+b/old.qvw', `${SCRIPT}// old`],
    ['a+b/one.qvs', SCRIPT],
  ]);
});

test('a script that is as its label says agrees in all', async () => {
  const { sources, stores, finals } = agreement(label(), await lineage());
  expect({ missing: sources.missing, extra: sources.extra, right: sources.right }).toEqual({
    missing: [],
    extra: [],
    right: 5,
  });
  expect([stores.right, stores.missing.length, stores.extra.length]).toEqual([1, 0, 0]);
  expect(finals).toEqual([]);
});

test('each difference is counted and named', async () => {
  const [orders] = label().tables;
  const fields = { ...orders?.fields, gone: [['f.csv', 'g'] as [string, string]], y: [] };
  const other = label({
    tables: [{ name: 'Orders', final: false, fields }],
    stores: [{ target: 'in.qvd', table: 'Orders' }],
  });
  const { sources, stores, finals } = agreement(other, await lineage());
  expect(sources.missing).toEqual(['Orders.gone <- f.csv#g']);
  expect(sources.extra).toEqual(['Orders.y <- lib://Data/orders.qvd#x', 'Spare.a <- spare.csv#a']);
  expect(precision(sources)).toBe(3 / 5);
  expect(recall(sources)).toBe(3 / 4);
  expect([precision(stores), recall(stores)]).toEqual([0, 0]);
  expect(finals).toEqual(['Orders']);
});

test('what a label is unsure of is left out, and nothing more', async () => {
  const tables = [{ name: 'Orders', final: true, fields: { id: [] }, unsure: ['*'] }];
  const { sources } = agreement(label({ tables, otherTables: true }), await lineage());
  expect(sources).toEqual({ right: 0, missing: [], extra: ['Orders.id <- lib://Data/orders.qvd#id'] });
});
