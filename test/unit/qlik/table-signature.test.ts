import { expect, test } from 'vitest';
import type { RepositoryClient } from '#agent/qlik/repository/client.ts';
import { tableSignature } from '#agent/qlik/repository/table-signature.ts';

type Row = [id: string, modifiedDate: string];

/** A table of QRS that pages and sorts as QRS does; those with the same date in an order that is chance. */
const table = (rows: Row[]) => {
  const calls: string[] = [];
  const repository = {
    get: async (path: string) => {
      calls.push(path);
      return { value: rows.length };
    },
    post: async (path: string, query: Record<string, string>) => {
      calls.push(path);
      const column = query['sortColumn'] === 'id' ? 0 : 1;
      const chance = calls.length % 2 === 0 ? 1 : -1;
      const sorted = rows.toSorted((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : chance));
      if (query['orderAscending'] === 'false') sorted.reverse();
      const skip = Number(query['skip']);
      return { rows: sorted.slice(skip, skip + Number(query['take'])) };
    },
  } as unknown as RepositoryClient;
  const sign = async (before?: string): Promise<{ text: string; calls: number }> => {
    calls.length = 0;
    return { text: await tableSignature(repository, 'schemaevent', before), calls: calls.length };
  };
  return { rows, sign };
};

const row = (n: number): Row => [
  `id-${String(n).padStart(6, '0')}`,
  new Date(1_700_000_000_000 + n * 1_000).toISOString(),
];
const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, n) => row(n));
const LATER = '2030-01-01T00:00:00.000Z';

test.each([0, 99, 1_000, 1_001, 25_000])(
  'of %i rows that stay as they are stays, and takes two calls at most',
  async (count) => {
    const { sign } = table(rowsOf(count));
    const first = await sign();
    const again = await sign(first.text);
    expect(again.text).toBe(first.text);
    expect(again.calls).toBeLessThanOrEqual(2);
    expect(first.text).not.toMatch(/\s/);
  },
);

test.each([10, 1_001, 25_000])('of %i rows is another when a row comes, goes or is modified', async (count) => {
  const { rows, sign } = table(rowsOf(count));
  let { text } = await sign();
  const changed = async (change: () => unknown): Promise<void> => {
    change();
    const next = await sign(text);
    expect(next.text).not.toBe(text);
    text = next.text;
    expect((await sign(text)).text).toBe(text);
  };
  await changed(() => rows.push(['id-new', LATER]));
  await changed(() => rows.splice(3, 1));
  await changed(() => rows.splice(5, 1, [rows[5]?.[0] ?? '', LATER]));
  // From a node whose clock is behind: not the newest of all.
  await changed(() =>
    rows.splice(6, 1, [rows[6]?.[0] ?? '', new Date(1_700_000_000_500 + (count - 5) * 1_000).toISOString()]),
  );
});

test('of a long table in which very many rows have one date does not hang on which of them came', async () => {
  const { sign } = table(rowsOf(3_000).map(([id], n) => [id, n < 2_500 ? LATER : '2020-01-01T00:00:00.000Z']));
  const { text } = await sign();
  for (let n = 0; n < 4; n++) expect((await sign(text)).text).toBe(text);
});

test('goes over from a short table to a long one and back', async () => {
  const { rows, sign } = table(rowsOf(1_000));
  const short = (await sign()).text;
  rows.push(row(1_000));
  const long = (await sign(short)).text;
  expect(long).not.toBe(short);
  rows.pop();
  expect((await sign(long)).text).toBe(short);
});
