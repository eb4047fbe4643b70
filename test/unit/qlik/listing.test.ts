import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Dialer } from '#agent/network/dialer.ts';
import type { RepositoryClient } from '#agent/qlik/repository/client.ts';
import { list } from '#agent/qlik/repository/listing.ts';
import { openSite } from '#agent/qlik/site.ts';
import { type Answer, type FakeReply, type FakeRequest, fakeSite, impatience } from './fake-site.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const row = (n: number) => ({ id: id(n), name: `Stream ${n}`, createdDate: '1753-01-01T00:00:00.000Z' });

interface Repository {
  readonly rows: unknown[];
  /** What `/full` cuts off at. */
  readonly cap?: number;
  readonly count?: (calls: number) => unknown;
}

const repository = ({ rows, cap = Number.MAX_SAFE_INTEGER, count }: Repository): Answer => {
  let counts = 0;
  const full = ({ query }: FakeRequest): FakeReply => {
    const wanted = query.get('filter')?.match(/[0-9a-f-]{36}/g);
    const found = wanted ? rows.filter((r) => wanted.includes((r as { id: string }).id)) : rows;
    return { json: found.slice(0, cap) };
  };
  return (request) => {
    switch (request.path) {
      case '/vp/qps/csrftoken':
        return { status: 204, headers: { 'set-cookie': 's=1' } };
      case '/vp/qrs/stream/count':
        counts += 1;
        return { json: count === undefined ? { value: rows.length } : count(counts) };
      case '/vp/qrs/stream/full':
        return full(request);
      case '/vp/qrs/stream/table': {
        const skip = Number(request.query.get('skip'));
        const take = Math.min(Number(request.query.get('take')), cap);
        const ids = rows.map((r) => (r as { id: string }).id).sort();
        return { status: 201, json: { columnNames: ['id'], rows: ids.slice(skip, skip + take).map((one) => [one]) } };
      }
      default:
        return { status: 404 };
    }
  };
};

const streams = async (answer: Answer) => {
  const fake = await fakeSite(answer);
  const site = openSite(fake.connection(), { dialer: new Dialer(), patience: impatience() });
  open.push(fake, site);
  return { fake, listing: await site.streams() };
};

const rows = (n: number) => Array.from({ length: n }, (_, i) => row(i));

test('a listing that agrees with the count takes two calls, and "never" is null', async () => {
  const { fake, listing } = await streams(repository({ rows: rows(3) }));
  expect(listing.incomplete).toBeUndefined();
  expect(listing.rows.map((stream) => stream.name)).toEqual(['Stream 0', 'Stream 1', 'Stream 2']);
  expect(listing.rows[0]?.createdDate).toBeNull();
  expect(fake.seen.length).toBe(3);
});

test('the count may be a plain number', async () => {
  const { listing } = await streams(repository({ rows: rows(2), count: () => 2 }));
  expect(listing.incomplete).toBeUndefined();
});

test('where /full is cut off at 100 rows, the rest comes by id, in slices below the cap', async () => {
  const { fake, listing } = await streams(repository({ rows: rows(260), cap: 100 }));
  expect(listing.rows.length).toBe(260);
  expect(new Set(listing.rows.map((stream) => stream.id)).size).toBe(260);
  expect(listing.incomplete).toBeUndefined();
  expect(fake.seen.some(({ path, method }) => path.endsWith('/table') && method === 'POST')).toBe(true);
});

test('more than 2,000 rows are never asked for at once', async () => {
  const { fake, listing } = await streams(repository({ rows: rows(2100) }));
  expect(listing.rows.length).toBe(2100);
  expect(fake.seen.filter(({ path, query }) => path.endsWith('/full') && !query.has('filter'))).toEqual([]);
});

test('rows that appear while they are listed are counted again', async () => {
  const { listing } = await streams(repository({ rows: rows(5), count: (calls) => ({ value: calls === 1 ? 4 : 5 }) }));
  expect(listing.rows.length).toBe(5);
  expect(listing.incomplete).toBeUndefined();
});

test('a listing that still disagrees says so', async () => {
  const { listing } = await streams(repository({ rows: rows(5), count: () => ({ value: 7 }) }));
  expect(listing.rows.length).toBe(5);
  expect(listing.incomplete?.code).toBe('qlik.count_mismatch');
  expect(listing.incomplete?.message).toContain('7 were counted, but only 5 came');
});

test('a row that QRS does not send makes the listing incomplete, not impossible', async () => {
  const { listing } = await streams(repository({ rows: [row(1), { id: id(2), name: 5 }] }));
  expect(listing.rows.length).toBe(1);
  expect(listing.incomplete?.code).toBe('qlik.protocol');
  expect(listing.incomplete?.message).toContain('name');
});

test('a server that makes ids up without end is left alone after a while', async () => {
  let asked = 0;
  const endless = {
    get: async (path: string) => (path.endsWith('/count') ? { value: 1e9 } : []),
    post: async () => {
      asked += 1;
      return { rows: Array.from({ length: 1_000 }, (_, n) => [`${asked}-${n}`]) };
    },
  };
  const listed = list(endless as unknown as RepositoryClient, 'stream', z.object({ id: z.string() }), {
    mostIds: 10_000,
  });
  await expect(listed).rejects.toMatchObject({ code: 'qlik.protocol', message: expect.stringContaining('no end') });
  expect(asked).toBeLessThan(20);
});
