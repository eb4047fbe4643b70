import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { present } from '#agent/crawl/attributes.ts';
import { definitionsIn } from '#agent/crawl/definitions.ts';
import { keysOf, numbered } from '#agent/crawl/keys.ts';
import { ScopeWriter } from '#agent/crawl/scope-writer.ts';
import { scriptSections } from '#agent/lineage/script/sections.ts';
import { leavingAttributes } from '#config/redaction/leaving.ts';
import type { StreamRecord } from '#protocol/records.ts';

const collector = (): { records: StreamRecord[]; write: (record: StreamRecord) => Promise<void> } => {
  const records: StreamRecord[] = [];
  return {
    records,
    write: (record) => {
      records.push(record);
      return Promise.resolve();
    },
  };
};

test('an outcome counts and hashes the lines of its scope since it was opened last', async () => {
  const sink = collector();
  const out = new ScopeWriter(new RecordGate(sink), 'c/app');
  await out.open('app', 'App');
  await out.asset({ kind: 'app', key: 'c/app', name: 'broken off' });
  await out.open('app', 'App');
  await out.asset({ kind: 'app', key: 'c/app', name: 'App', parent: 'c', attributes: { a: 1 } });
  await out.edge('uses', 'c/app/x', 'c/app/y');
  await out.listed('c/other', 'Other');
  await out.outcome('partial', { missing: [{ what: 'script', code: 'x', message: 'm', advice: 'a' }] });
  const hash = createHash('sha256');
  for (const record of sink.records.slice(3, 6)) hash.update(`${JSON.stringify(record)}\n`);
  expect(sink.records.at(-1)).toEqual({
    t: 'outcome',
    scope: 'c/app',
    outcome: 'partial',
    records: 3,
    sha256: hash.digest('hex'),
    missing: [{ what: 'script', code: 'x', message: 'm', advice: 'a' }],
  });
});

test('texts that PostgreSQL cannot hold are mended at any depth, and the record says so', async () => {
  const sink = collector();
  const out = new ScopeWriter(new RecordGate(sink), 'c');
  await out.asset({ kind: 'tag', key: 'c/tag/1', name: 'a\u0000b' });
  await out.asset({ kind: 'tag', key: 'c/tag/2', name: 'x', attributes: { deep: [{ 'k\ud800': ['\udc00'] }] } });
  await out.asset({ kind: 'tag', key: 'c/tag/3', name: 'fine 📈', attributes: { deep: ['fine'] } });
  expect(sink.records).toMatchObject([
    { name: 'a\uFFFDb', sanitized: true },
    { attributes: { deep: [{ 'k\uFFFD': ['\uFFFD'] }] }, sanitized: true },
    { name: 'fine 📈' },
  ]);
  expect(sink.records[2]).not.toHaveProperty('sanitized');
});

test('attributes are redacted at any depth, cut off below 40 levels, and never become a prototype', () => {
  let deep: { [key: string]: never } | string = 'Password=canary;';
  for (let level = 0; level < 60; level++) deep = { inner: deep } as never;
  expect(JSON.stringify(leavingAttributes({ deep, list: ['pwd=canary;'] }))).not.toContain('canary');
  const hostile = JSON.parse('{"__proto__": {"polluted": true}}') as never;
  const { value } = leavingAttributes(hostile);
  expect(Object.hasOwn(value, '__proto__')).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('attributes that say nothing are left out', () => {
  expect(present({ a: undefined, b: null, c: '', d: [], e: 0, f: false, g: {} })).toEqual({ e: 0, f: false, g: {} });
});

test('definitions are found anywhere but in copies, with the id or the position within their list', () => {
  const dim = (cId?: string) => ({ qDef: { ...(cId === undefined ? {} : { cId }), qFieldDefs: ['x'] } });
  const properties = {
    qHyperCubeDef: {
      qDimensions: [dim('a'), dim()],
      qMeasures: [{ qDef: { qDef: 'Sum(x)', cId: 'm' } }],
      qLayoutExclude: { qHyperCubeDef: { qDimensions: [dim('a')], qMeasures: [] } },
    },
    gaLayers: [{ qHyperCubeDef: { qDimensions: [dim('layer')] } }],
    box: { qListObjectDef: { qLibraryId: 'lib', qDef: {} } },
    qUndoExclude: { qHyperCubeDef: { qDimensions: [dim('no')] } },
    snapshot: { content: { qHyperCubeDef: { qDimensions: [dim('no')] } } },
    qEmbeddedSnapshotDef: { qHyperCubeDef: { qMeasures: [{}] } },
    odd: { qHyperCubeDef: 'text', qListObjectDef: null },
  };
  expect([...definitionsIn(properties)].map(({ side, id }) => side + id)).toEqual([
    'da',
    'd1',
    'mm',
    'da',
    'dlayer',
    'd0',
  ]);
});

test('repeated ids get ~n, also when one of that name is there already', () => {
  const name = numbered();
  expect(['a', 'a', 'b', 'a', 'a~2', 'a~2'].map(name)).toEqual(['a', 'a~2', 'b', 'a~3', 'a~2~2', 'a~2~3']);
});

test('keys begin with the code and are encoded part by part', () => {
  const keys = keysOf('prod');
  expect(keys.site).toBe('prod');
  expect(keys.of('app', 'field', 'a/b%')).toBe('prod/app/field/a%2Fb%25');
});

test.each<[string, string, [string, string][]]>([
  ['no tabs', 'LOAD 1;\r\nLOAD 2;', [['Main', 'LOAD 1;\nLOAD 2;']]],
  ['blank', ' \r\n\t', []],
  [
    'tabs',
    '///$tab A\r\na\r\n///$tab B b\r\n',
    [
      ['A', 'a'],
      ['B b', ''],
    ],
  ],
  [
    'text before the first tab',
    'x\n///$tab A\na',
    [
      ['Main', 'x'],
      ['A', 'a'],
    ],
  ],
  ['blank before the first tab', ' \n\n///$tab A\na', [['A', 'a']]],
  [
    'repeated and empty names',
    '///$tab A\n///$tab\n///$tab A\nx',
    [
      ['A', ''],
      ['', ''],
      ['A', 'x'],
    ],
  ],
  ['not at the start of a line', ' ///$tab A\nx', [['Main', ' ///$tab A\nx']]],
])('script sections: %s', (_what, script, expected) => {
  expect(scriptSections(script).map(({ name, text }) => [name, text])).toEqual(expected);
});

test('a section knows the line on which its text begins', () => {
  expect(scriptSections('a\n///$tab A\nb\n///$tab B\nc').map(({ line }) => line)).toEqual([1, 3, 5]);
});
