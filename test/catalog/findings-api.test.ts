import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding, FindingCounts } from '#catalog/api/contract.ts';
import { moveFindings } from '#catalog/store/findings.ts';
import { transact } from '#catalog/store/sql.ts';
import { Served } from './served.ts';

let served: Served;
let ours: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
  // Apps that nobody owns and nobody reloaded.
  await served.crawled(ours.organisationId, 'prod', { a: ['s1'], b: [] });
});
afterAll(() => served?.[Symbol.asyncDispose]());

test('a list in pages, narrowed; counts; and a table', async () => {
  const seen: Finding[] = [];
  for (let after = ''; ; ) {
    const { body } = await ours.client.get<{ items: Finding[]; next: string | null }>(
      `/api/v1/findings?limit=2${after}`,
    );
    seen.push(...body.items);
    if (body.next === null) break;
    after = `&after=${body.next}`;
  }
  expect(seen.map(({ code, key }) => `${code} ${key}`)).toEqual([
    'reload.never prod/a',
    'reload.never prod/b',
    'owner.none prod/a',
    'owner.none prod/a/s1',
    'owner.none prod/b',
  ]);
  const app = await ours.client.get<{ items: Finding[] }>('/api/v1/findings?app=prod/b&severity=warning');
  expect(app.body.items.map(({ code }) => code)).toEqual(['reload.never', 'owner.none']);
  const { body } = await ours.client.get<FindingCounts>('/api/v1/findings/counts?connection=prod');
  expect(body.items.map(({ code, count }) => [code, count])).toEqual([
    ['reload.never', 2],
    ['owner.none', 3],
  ]);
  const csv = await ours.client.get<string>('/api/v1/findings.csv?connection=prod&code=owner.none');
  expect(csv.headers.get('content-disposition')).toContain('findings-prod.csv');
  expect(csv.body.split('\r\n').length).toBe(5);
  expect(csv.body).toContain(
    'warning,owner.none,,prod,scope prod/a,sheet,Sheet s1,The sheet “Sheet s1” has no owner.,',
  );
});

test('what is no finding is refused', async () => {
  for (const query of ['code=other', 'severity=fatal', 'new=maybe', 'after=x'])
    expect((await ours.client.get(`/api/v1/findings?${query}`)).status).toBe(400);
});

test('a connection that gets another code keeps them, with the keys in what they were judged by', async () => {
  const { organisationId } = ours;
  const facts = { tasks: [{ key: 'prod/reloadTask/t', name: '"key": "prod/x' }], user: 'prod/user/u' };
  await served.sql`update finding set facts = ${JSON.stringify(facts)}::text::jsonb
    where organisation_id = ${organisationId} and code = 'reload.never'`;
  await transact(served.sql, (tx) => moveFindings(tx, organisationId, 'prod', 'neu', tx`'neu' || substr(key, 5)`));
  const rows = await served.sql`select connection, key, facts from finding
    where organisation_id = ${organisationId} and code = 'reload.never' order by key`;
  expect(rows[0]).toEqual({
    connection: 'neu',
    key: 'neu/a',
    facts: { tasks: [{ key: 'neu/reloadTask/t', name: '"key": "prod/x' }], user: 'neu/user/u' },
  });
});
