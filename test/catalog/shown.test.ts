import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Asset, AssetSummary, Connection, Job, ScopeOutcome } from '#catalog/api/contract.ts';
import { Served } from './served.ts';

let served: Served;
beforeAll(async () => {
  served = await Served.open();
});
afterAll(() => served?.[Symbol.asyncDispose]());

interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

describe('what is shown', () => {
  test('jobs, scopes and assets, page by page, whole and without repeats', async () => {
    const own = await served.organisation('Pages', 'pages@example.com');
    const apps = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`app${i}`, ['s1', 's2']]));
    const { job } = await served.crawled(own.organisationId, 'prod', apps);
    const walk = async <T>(path: string): Promise<T[]> => {
      const all: T[] = [];
      for (let next: string | null = ''; next !== null; ) {
        const reply: { body: Listed<T> } = await own.client.get<Listed<T>>(
          `${path}${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`,
        );
        expect(reply.body.items.length).toBeLessThanOrEqual(3);
        all.push(...reply.body.items);
        next = reply.body.next;
      }
      return all;
    };
    const scopes = await walk<ScopeOutcome>(`/api/v1/jobs/${job.id}/scopes?limit=3`);
    expect(scopes.map((s) => s.scope)).toEqual(['prod', ...Object.keys(apps).map((app) => `prod/${app}`)]);
    const found = await walk<AssetSummary>('/api/v1/assets?parent=prod%2Fstream%2Fs&limit=3');
    expect(found.map((a) => a.name)).toEqual(Object.keys(apps).map((app) => `App ${app}`));
    expect(found[0]).toMatchObject({ children: 2, description: 'About app0', connection: 'prod' });
    expect((await walk<AssetSummary>('/api/v1/assets?q=sheet&limit=3')).length).toBe(14);
    for (let i = 0; i < 4; i++) {
      const { body } = await own.client.ask<Job>('POST', '/api/v1/connections/prod/jobs', { kind: 'crawl' });
      await own.client.ask('POST', `/api/v1/jobs/${body.id}/cancel`);
    }
    const jobs = await walk<Job>('/api/v1/jobs?limit=3');
    expect(jobs.map((j) => j.state)).toEqual([...Array(4).fill('cancelled'), 'published']);
    expect((await walk<ScopeOutcome>(`/api/v1/jobs/${job.id}/scopes?limit=3&outcome=failed`)).length).toBe(0);
  });

  test('one asset with its path, its edges and what lies below', async () => {
    const own = await served.organisation('Details', 'details@example.com');
    await served.crawled(own.organisationId, 'prod', { a: ['s1'] });
    await served.sql`insert into edge (organisation_id, scope_id, connection, kind, from_key, to_key, hash)
      select organisation_id, scope_id, 'prod', 'uses', 'prod/a/s1', 'prod/a', '' from asset
      where organisation_id = ${own.organisationId} and key = 'prod/a'`;
    const { body } = await own.client.get<Asset>('/api/v1/asset?key=prod%2Fa');
    expect(body).toMatchObject({
      key: 'prod/a',
      name: 'App a',
      attributes: { description: 'About a' },
      childrenByKind: { sheet: 1 },
      path: [{ key: 'prod' }, { key: 'prod/stream/s', kind: 'stream' }],
      edges: [{ kind: 'uses', direction: 'in', other: 'prod/a/s1', otherName: 'Sheet s1', otherKind: 'sheet' }],
    });
    expect((await own.client.get('/api/v1/counts')).body).toEqual({
      assets: { site: 1, stream: 1, app: 1, sheet: 1 },
      edges: { contains: 3, uses: 1 },
    });
    const sites = await own.client.get<Listed<AssetSummary>>('/api/v1/assets');
    expect(sites.body.items.map((a) => a.key)).toEqual(['prod']);
  });

  test('a connection is deleted by typing its code; the file that is still there is told', async () => {
    const own = await served.organisation('Deleting', 'deleting@example.com');
    await served.crawled(own.organisationId, 'prod', { a: ['s1'] });
    const gone = await own.client.ask('DELETE', '/api/v1/connections/prod', { confirm: 'prod' });
    expect(gone.body).toEqual({ assets: 4, fileStillExists: true });
    const { body } = await own.client.get<Connection>('/api/v1/connections/prod');
    expect(body).toMatchObject({ assets: 0, lastJob: null });
    await served.sql`update connection set status = jsonb_set(status, '{state}', '"absent"')
      where organisation_id = ${own.organisationId}`;
    await own.client.ask('DELETE', '/api/v1/connections/prod', { confirm: 'prod' });
    expect((await own.client.get('/api/v1/connections/prod')).status).toBe(404);
  });
});

describe('search finds names and descriptions literally', () => {
  const names = [
    'plain Name',
    '100% growth',
    'under_score',
    String.raw`back\slash`,
    `it's "quoted"; drop table asset;--`,
    'smile 😀 done',
    'مرحبا بالعالم',
    'שלום',
    'ÜBER straße',
    'ＦＵＬＬ width',
  ];
  let own: Awaited<ReturnType<Served['organisation']>>;
  beforeAll(async () => {
    own = await served.organisation('Search', 'search@example.com');
    await served.crawled(own.organisationId, 'prod', { a: names.map((n) => n.replaceAll('/', ' ')) });
  });
  const search = async (q: string): Promise<string[]> => {
    const { body } = await own.client.get<Listed<AssetSummary>>(`/api/v1/assets?q=${encodeURIComponent(q)}`);
    return body.items.map((a) => a.name.replace(/^Sheet /, ''));
  };

  test.each([
    ['%', ['100% growth']],
    ['_', ['under_score']],
    ['\\', [String.raw`back\slash`]],
    [`'s "q`, [`it's "quoted"; drop table asset;--`]],
    ['😀', ['smile 😀 done']],
    ['مرحبا', ['مرحبا بالعالم']],
    ['שלום', ['שלום']],
    ['über STRASSE', []],
    ['über STRA', ['ÜBER straße']],
    ['ＦＵＬＬ', ['ＦＵＬＬ width']],
    ['PLAIN name', ['plain Name']],
    ['  plain  ', ['plain Name']],
    ['nothing such', []],
  ])('%s', async (q, expected) => {
    expect(await search(q)).toEqual(expected);
  });

  test('an id, as copied from the end of a URL', async () => {
    const id = '0f2c6d3e-7a51-4c0a-9b0e-5a8d2f1c3b4d';
    await served.sql`update asset set key = 'prod/' || ${id}::text
      where organisation_id = ${own.organisationId} and name = 'Sheet plain Name'`;
    expect(await search(id)).toEqual(['plain Name']);
  });
});
