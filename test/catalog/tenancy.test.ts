import { afterAll, beforeAll, expect, test } from 'vitest';
import { listAgents } from '#catalog/store/agents.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { batchOf, check, settings, siteRecords } from './agent.ts';
import { eventually } from './database.ts';
import { Served } from './served.ts';

/*
 * Two organisations with the same codes, the same keys and the same names. What the second owns carries a mark that must
 * never be seen by the first.
 */
let served: Served;
let ours: Awaited<ReturnType<Served['organisation']>>;
let theirs: Awaited<ReturnType<Served['organisation']>>;
let ourCrawl: Awaited<ReturnType<Served['crawled']>>;
let theirCrawl: Awaited<ReturnType<Served['crawled']>>;
let theirTest: Awaited<ReturnType<Served['tested']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
  theirs = await served.organisation('Theirs canary', 'them@canary.example.com');
  ourCrawl = await served.crawled(ours.organisationId, 'prod', { a: ['s1'] });
  theirCrawl = await served.crawled(theirs.organisationId, 'prod', { a: ['s1', 'canary'], canary: ['s2'] });
  await served.crawled(theirs.organisationId, 'canary', { a: ['s1'] });
  await served.tested(ourCrawl, 'prod', [check('dns')]);
  theirTest = await served.tested(theirCrawl, 'prod', [
    check('dns', { seen: 'canary.example.com is 10.0.0.1.' }),
    settings('QMC > Virtual proxies > canary'),
  ]);
});
afterAll(() => served?.[Symbol.asyncDispose]());

/** Every table of theirs, as text: nothing of it may change by what we do. */
const theirRows = async (): Promise<string> => {
  const tables = await served.sql<{ name: string }[]>`
    select c.table_name as name from information_schema.columns c
    where c.table_schema = 'public' and c.column_name = 'organisation_id' order by 1`;
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await served.sql`select t::text as row from ${served.sql(name)} t
      where organisation_id = ${theirs.organisationId} order by 1`;
    rows.push(`${name}: ${found.map((r) => r['row']).join('\n')}`);
  }
  return rows.join('\n');
};

test('every endpoint of the document, asked by us with their ids, shows and changes nothing of theirs', async () => {
  const { body: document } = await ours.client.get<{ paths: Record<string, object> }>('/api/openapi.json');
  const paths = Object.entries(document.paths);
  expect(paths.length).toBeGreaterThan(18);
  const [token] = await served.sql<{ id: string }[]>`
    update api_token set name = 'canary' where organisation_id = ${theirs.organisationId} returning id`;
  const ids: Record<string, string[]> = {
    id: [theirCrawl.job.id, theirTest.job.id, token?.id ?? '', theirCrawl.agent.id, theirs.organisationId],
    code: ['canary', 'prod'],
    key: ['canary'],
  };
  const queries = [
    'connection=canary',
    'connection=prod',
    'key=canary',
    'key=canary%2Fa',
    'key=prod%2Fcanary',
    'key=prod%2Fa',
    'parent=canary&q=canary',
    'parent=prod%2Fcanary',
    'q=canary',
    'kind=app',
    '',
  ];
  const bodies: unknown[] = [
    { kind: 'crawl' },
    { kind: 'test', options: { link: true } },
    { from: 'canary' },
    { agentId: theirCrawl.agent.id },
    { confirm: 'canary' },
    { name: 'mine' },
    undefined,
  ];
  const before = await theirRows();
  let asked = 0;
  const answered = new Set<string>();
  for (const [path, methods] of paths) {
    if (['/api/v1/login', '/api/v1/logout', '/api/v1/events', '/v1/enrol'].includes(path)) continue;
    // Every name in the path takes every id that there is of its kind.
    const urls = Object.entries(ids).reduce(
      (all, [place, values]) =>
        all.flatMap((url) => (url.includes(`{${place}}`) ? values.map((id) => url.replace(`{${place}}`, id)) : [url])),
      [path],
    );
    for (const [method, url] of Object.keys(methods).flatMap((m) => urls.map((u) => [m.toUpperCase(), u] as const)))
      for (const variant of method === 'GET' ? queries : bodies) {
        // Our own connection has the same code: what we do to it is ours alone, but it would stop the walk.
        if (method === 'DELETE' && url.endsWith('/prod')) continue;
        const reply =
          method === 'GET'
            ? await ours.client.get(`${url}?${variant as string}`)
            : await ours.client.ask(method, url, variant);
        asked += 1;
        if (reply.status < 300) answered.add(`${method} ${path}`);
        expect([400, 403, 404, 409, 200, 201, 204], `${method} ${url}: ${JSON.stringify(reply.body)}`).toContain(
          reply.status,
        );
        // What we asked for may come back in an error; nothing else of theirs may.
        if (reply.status < 300) expect(JSON.stringify(reply.body), `${method} ${url}`).not.toMatch(/canary/i);
        for (const secret of [
          theirCrawl.job.id,
          theirTest.job.id,
          theirCrawl.agent.id,
          theirs.organisationId,
          theirs.member.id,
        ])
          if (!url.includes(secret)) expect(JSON.stringify(reply.body)).not.toContain(secret);
      }
  }
  expect(asked).toBeGreaterThan(100);
  // The walk is worth something only if our own things were shown.
  expect([...answered]).toEqual(
    expect.arrayContaining([
      'GET /api/v1/me',
      'GET /api/v1/agents',
      'GET /api/v1/connections',
      'GET /api/v1/connections/{code}',
      'GET /api/v1/jobs',
      'GET /api/v1/assets',
      'GET /api/v1/asset',
      'GET /api/v1/counts',
      'GET /api/v1/tokens',
      'POST /api/v1/connections/{code}/jobs',
    ]),
  );
  expect(await theirRows()).toBe(before);
});

test('the numbers and the keys of one are its own, though the codes are the same', async () => {
  expect((await ours.client.get('/api/v1/counts')).body['assets']).toEqual({ site: 1, stream: 1, app: 1, sheet: 1 });
  expect((await theirs.client.get('/api/v1/counts?connection=prod')).body['assets']).toEqual({
    site: 1,
    stream: 1,
    app: 2,
    sheet: 3,
  });
  expect((await ours.client.get('/api/v1/asset?key=prod%2Fa')).body['childrenByKind']).toEqual({ sheet: 1 });
  expect((await ours.client.get('/api/v1/asset?key=prod%2Fcanary')).status).toBe(404);
});

test('a crawl of ours leaves their assets under the same keys alone', async () => {
  const before = await theirRows();
  const again = await served.crawled(ours.organisationId, 'second', { a: [] });
  expect(again.job.connection).toBe('second');
  expect(await theirRows()).toBe(before);
});

test('an agent of ours cannot use a lease of theirs, nor claim, renew or finish their jobs', async () => {
  await createJob(served.sql, theirs.organisationId, { connection: 'prod', kind: 'crawl', createdBy: 'test' });
  const offer = await theirCrawl.backend.claim(theirCrawl.session);
  if (!offer) throw new Error('no offer');
  const { backend, session } = ourCrawl;
  expect(await backend.accept(session, offer)).toBe('lost');
  expect((await backend.storeBatch(session, offer, batchOf(1, siteRecords('prod', [])))).result).toBe('lost');
  expect((await backend.renew(session, [offer])).lost).toEqual([{ jobId: offer.jobId, attempt: 1 }]);
  const finish = { type: 'job.finish', ...offer, lastSeq: 0, records: 0, sha256: '', result: 'ok' } as const;
  expect((await backend.finish(session, finish)).result).toBe('lost');
  // A session that lies about its organisation does not exist either.
  const forged = { ...session, organisationId: theirs.organisationId };
  expect((await backend.storeBatch(forged, offer, batchOf(1, siteRecords('prod', [])))).result).toBe('lost');
  const { jobs } = await ourCrawl.agent.open(backend, [{ ...offer, spooledSeq: 0, sealed: false }]);
  expect(jobs).toMatchObject([{ verdict: 'lost', publishedScopes: [] }]);
  expect(await theirCrawl.backend.accept(theirCrawl.session, offer)).toBe('ok');
});

test('their events do not reach us', async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const watch = async (client: typeof ours.client, name: string) => {
    const response = await fetch(`${client.address}/api/v1/events`, { headers: client.headers, signal: stop.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await reader?.read();
    void (async () => {
      for (;;) {
        const part = await reader?.read();
        if (!part || part.done) return;
        seen.push(`${name} ${part.value}`);
      }
    })().catch(() => {});
  };
  await watch(ours.client, 'ours');
  await watch(theirs.client, 'theirs');
  const { session, backend, agent } = theirCrawl;
  const { session: newer } = await agent.open(backend);
  expect(newer.epoch).toBeGreaterThan(session.epoch);
  await eventually(async () => seen.some((text) => text.startsWith('theirs') && text.includes(agent.id)));
  // Ours come after theirs: when ours are here, theirs would have been.
  await ourCrawl.agent.open(ourCrawl.backend);
  await eventually(async () => seen.some((text) => text.startsWith('ours') && text.includes(ourCrawl.agent.id)));
  expect(seen.filter((text) => text.startsWith('ours')).join('')).not.toContain(agent.id);
  stop.abort();
});

test('every table but the list of organisations carries the organisation in its key and its references', async () => {
  const tables = await served.sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_name not in ('organisation', 'migration')`;
  expect(tables.length).toBeGreaterThan(15);
  for (const { name } of tables) {
    const [first] = await served.sql<{ columns: string[] }[]>`
      select array_agg(a.attname order by k.n)::text[] as columns from pg_constraint c
        cross join lateral unnest(c.conkey) with ordinality as k(number, n)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
      where c.conrelid = ${name}::text::regclass and c.contype = 'p' group by c.oid`;
    if (name !== 'staged_record') expect(first?.columns[0], name).toBe('organisation_id');
    const references = await served.sql<{ columns: string[] }[]>`
      select array_agg(a.attname order by k.n)::text[] as columns from pg_constraint c
        cross join lateral unnest(c.conkey) with ordinality as k(number, n)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
      where c.conrelid = ${name}::text::regclass and c.contype = 'f' group by c.oid`;
    expect(references.length, name).toBeGreaterThan(0);
    for (const { columns } of references) expect(columns[0], name).toBe('organisation_id');
  }
});

test('a row cannot point into another organisation', async () => {
  await expect(
    served.sql`insert into job (organisation_id, id, connection, kind, spec, state, created_by)
      values (${ours.organisationId}, 'x', 'canary', 'crawl', '', 'queued', 'x')`,
  ).rejects.toMatchObject({ code: '23503' });
  await expect(
    served.sql`update connection set agent_id = ${theirCrawl.agent.id} where organisation_id = ${ours.organisationId}`,
  ).rejects.toMatchObject({ code: '23503' });
  const [scope] = await served.sql`select id from scope where organisation_id = ${theirs.organisationId} limit 1`;
  await expect(
    served.sql`insert into asset (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, hash,
        first_seen_at, changed_at)
      values (${ours.organisationId}, 'x', ${scope?.['id']}, 'prod', 'app', 'x', 'x', 'x', '', now(), now())`,
  ).rejects.toMatchObject({ code: '23503' });
});

test('agents of one are not listed for the other', async () => {
  const list = await listAgents(served.sql, ours.organisationId, { limit: 100 });
  expect(list.map(({ id }) => id)).not.toContain(theirCrawl.agent.id);
});
