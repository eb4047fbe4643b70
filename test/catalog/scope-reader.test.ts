import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { asRow } from '#catalog/jobs/record.ts';
import { ScopeReader } from '#catalog/jobs/scope-reader.ts';
import { LIMITS } from '#protocol/constants.ts';
import { NAME_CHARS, type StreamRecord } from '#protocol/records.ts';
import { appRecords } from './agent.ts';

const ref = { organisationId: 'o', jobId: 'j', attempt: 1, leaseToken: 't', connection: 'prod', kind: 'crawl' };
const SMALL = appRecords('prod', 'small', ['1', '2', '3']);
const LARGE = appRecords(
  'prod',
  'large',
  Array.from({ length: 40 }, (_, n) => `sheet-${n}`),
);

const read = (reader: ScopeReader, seq: number, ...records: readonly StreamRecord[]): void => {
  for (const record of records) reader.read(Buffer.from(`${JSON.stringify(record)}\n`), seq);
};
const NOTHING = createHash('sha256').digest('hex');
const keys = (rows: readonly { readonly key: string }[]): string[] => rows.map(({ key }) => key);

test('rows of a small open scope wait for its end, those of a large one are handed over to be staged', () => {
  const reader = new ScopeReader(ref, []);
  read(reader, 1, ...SMALL.slice(0, 3), ...LARGE.slice(0, 30));
  const first = reader.take(1_000);
  expect([first.rows, first.left.every(({ scope }) => scope === 'prod/large'), first.left.length]).toEqual([
    [],
    true,
    29,
  ]);
  expect(reader.heldBytes).toBeGreaterThan(0);
  expect(reader.heldBytes).toBeLessThan(1_000);
  read(reader, 2, ...SMALL.slice(3), ...LARGE.slice(30));
  const second = reader.take(1_000);
  expect(second.ended.map(({ key, isStaged }) => [key, isStaged])).toEqual([
    ['prod/small', false],
    ['prod/large', true],
  ]);
  const own = (scope: string) => second.rows.filter((row) => row.scope === scope);
  expect(keys(own('prod/small'))).toEqual(['prod/small', 'prod/small/1', 'prod/small/2', 'prod/small/3']);
  expect(own('prod/large')).toHaveLength(41 - 29);
  expect([second.left, reader.heldBytes]).toEqual([[], 0]);
});

test('nothing is kept when nothing may be, and what began to be staged goes on so', () => {
  const reader = new ScopeReader(ref, []);
  read(reader, 1, ...SMALL.slice(0, 2));
  expect(reader.take(0).left).toHaveLength(1);
  read(reader, 2, ...SMALL.slice(2, 3));
  expect([reader.take(1_000_000).left.length, reader.heldBytes]).toEqual([1, 0]);
  read(reader, 3, ...SMALL.slice(3));
  const { ended, rows } = reader.take(1_000_000);
  expect([ended[0]?.isStaged, keys(rows)]).toEqual([true, ['prod/small/2', 'prod/small/3']]);
});

test('a scope that begins again forgets the rows that waited, and so does one that is spoilt', () => {
  const reader = new ScopeReader(ref, []);
  read(reader, 1, ...SMALL.slice(0, 3));
  reader.take(1_000_000);
  read(reader, 2, ...SMALL);
  const { ended, rows, dropped } = reader.take(1_000_000);
  expect([ended[0]?.refused, rows.length, dropped]).toEqual([undefined, 4, []]);
  read(reader, 3, ...LARGE.slice(0, 10));
  reader.take(1_000_000);
  read(reader, 4, { t: 'asset', scope: 'prod/large', key: 'prod/elsewhere', kind: 'sheet', name: 'x' });
  expect([reader.take(1_000_000).left, reader.heldBytes]).toEqual([[], 0]);
});

test('nobody opens more scopes than the protocol has, and one that began or ended before counts for none', () => {
  const reader = new ScopeReader(ref, []);
  const scope = (n: number): StreamRecord => ({ t: 'scope', scope: `prod/${n}`, kind: 'app', name: `App ${n}` });
  for (let n = 0; n < LIMITS.openScopes; n += 1) read(reader, n, scope(n));
  read(reader, 100, scope(0));
  expect(() => read(reader, 101, scope(1_000))).toThrow(
    expect.objectContaining({ code: 'bridge.protocol', message: expect.stringContaining('prod/1000') }),
  );
  read(reader, 102, { t: 'outcome', scope: 'prod/0', outcome: 'complete', records: 0, sha256: NOTHING }, scope(1_001));
  expect(reader.openScopes).toHaveLength(LIMITS.openScopes);
});

test('names and what is missing are kept as long as agents send them, and no longer', () => {
  const reader = new ScopeReader(ref, []);
  const longest = 'x'.repeat(NAME_CHARS);
  const missing = (texts: number) =>
    Array.from({ length: texts }, () => ({ what: 'a', code: 'b', message: longest, advice: longest }));
  const ended = (name: string, count: number) => {
    const key = `prod/${count}`;
    const [begin, app] = appRecords('prod', String(count), []);
    const outcome = { ...appRecords('prod', String(count), []).at(-1), missing: missing(count) } as StreamRecord;
    read(reader, count, { ...begin, name } as StreamRecord, app as StreamRecord, outcome);
    const { ended: scopes } = reader.take(0);
    return scopes.find((one) => one.key === key);
  };
  expect(ended(longest, 3)).toMatchObject({ name: longest, missing: missing(3), refused: undefined });
  expect(ended(`${longest}y`, 1_000)).toMatchObject({ name: `${'x'.repeat(NAME_CHARS - 1)}…`, missing: missing(8) });
  const listed = { t: 'listed', scope: 'prod', key: 'prod/a', name: `${longest}y` } as const;
  expect(asRow(listed, 'prod', 1).name).toHaveLength(NAME_CHARS);
  const sheet = { t: 'asset', scope: 'prod/a', key: 'prod/a/s', kind: 'sheet', name: `${longest}y` } as const;
  expect(asRow(sheet, 'prod', 1).name).toHaveLength(NAME_CHARS);
});
