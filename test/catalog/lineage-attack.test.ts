import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WALK_BOUNDS } from '#catalog/api/walks.ts';
import { readUntil } from '#catalog/store/sql.ts';
import { asset, scopeRecords, siteRecords } from './agent.ts';
import { chainRecords, edge, ORDERS_TABLE, REVENUE_QVD } from './chain.ts';
import { eventually } from './database.ts';
import { Served } from './served.ts';

const PATHS = ['lineage', 'lineage/impact', 'lineage/impact.csv'] as const;

let served: Served;
let ours: Awaited<ReturnType<Served['organisation']>>;
let theirs: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
  theirs = await served.organisation('Theirs', 'them@example.com');
  await served.published(ours.organisationId, 'prod', chainRecords('prod'));
  await served.published(theirs.organisationId, 'prod', chainRecords('prod'));
});
afterAll(() => served?.[Symbol.asyncDispose]());

const pathOf = (path: string, values: Record<string, string>): string =>
  `/api/v1/${path}?${new URLSearchParams(values)}`;

/** Queries of the catalog that read edges at this moment. */
const reading = async (): Promise<number> => {
  const [row] = await served.sql<{ n: number }[]>`select count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name = 'culvert-catalog' and state <> 'idle' and wait_event_type = 'Lock'`;
  return row?.n ?? 0;
};

/** As long as this lasts, whoever reads an edge waits. */
const whileEdgesAreLocked = async (work: () => Promise<void>): Promise<void> => {
  await served.sql.begin(async (tx) => {
    await tx`lock table edge in access exclusive mode`;
    await work();
  });
};

describe('a flood of walks', () => {
  test('holds a few connections, lets others in, and refuses what would wait too long', async () => {
    const most = WALK_BOUNDS.perOrganisation + WALK_BOUNDS.waiting;
    const answers: Promise<{ status: number; body: unknown }>[] = [];
    await whileEdgesAreLocked(async () => {
      for (let n = 0; n < most + 20; n += 1)
        answers.push(ours.client.get(pathOf(PATHS[n % PATHS.length] ?? 'lineage', { key: ORDERS_TABLE })));
      await eventually(async () => (await reading()) >= WALK_BOUNDS.perOrganisation);
      const refused: { status: number; body: unknown }[] = [];
      for (const answer of answers) void answer.then((one) => refused.push(one));
      await eventually(async () => refused.length >= 20);
      expect(refused).toHaveLength(20);
      for (const one of refused)
        expect(one).toMatchObject({ status: 429, body: { code: 'api.too_many_requests', retryable: true } });
      // Another organisation gets its turn, and what is no walk is answered as ever.
      const other = theirs.client.get(pathOf('lineage', { key: ORDERS_TABLE }));
      await eventually(async () => (await reading()) > WALK_BOUNDS.perOrganisation);
      expect(await reading()).toBeLessThanOrEqual(WALK_BOUNDS.atOnce);
      expect((await ours.client.get('/api/v1/agents')).status).toBe(200);
      answers.push(other);
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(most + 1);
  });

  test('what nobody waits for any more ends in the database, and its place is free', async () => {
    await whileEdgesAreLocked(async () => {
      const { hostname, port } = new URL(served.catalog.address);
      const asked = Array.from({ length: WALK_BOUNDS.perOrganisation + 5 }, () => {
        const one = request({
          ...{ hostname, port, headers: ours.client.headers, agent: false },
          path: pathOf('lineage/impact', { key: ORDERS_TABLE }),
        });
        one.on('error', () => undefined);
        one.end();
        return one;
      });
      await eventually(async () => (await reading()) === WALK_BOUNDS.perOrganisation);
      for (const one of asked) one.destroy();
      await eventually(async () => (await reading()) === 0);
    });
    expect((await ours.client.get(pathOf('lineage', { key: ORDERS_TABLE }))).status).toBe(200);
  });

  test('a reading ends when its time is up, also between two queries; the connection goes on', async () => {
    const late = new Error('late');
    const stop = new AbortController();
    let queries = 0;
    const endless = readUntil(served.sql, stop.signal, async (tx) => {
      for (;;) {
        await tx`select pg_sleep(0.01)`;
        queries += 1;
        if (queries === 3) stop.abort(late);
      }
    });
    await expect(endless).rejects.toBe(late);
    await expect(readUntil(served.sql, stop.signal, () => Promise.reject(new Error('begun')))).rejects.toBe(late);
    const rows = await Promise.all(Array.from({ length: 20 }, () => served.sql`select pg_sleep(0.01)`));
    expect(rows).toHaveLength(20);
    const write = readUntil(served.sql, AbortSignal.timeout(10_000), (tx) => tx`delete from edge`);
    await expect(write).rejects.toMatchObject({ code: '25006' });
  });
});

describe('what is asked for', () => {
  const bounds: Record<string, readonly string[]> = {
    depth: ['-1', '31', '1e9', 'NaN', 'Infinity', '1.5', '0x10x', '9'.repeat(400), '[]', 'null'],
    limit: ['0', '-5', '2001', '1e99', 'all'],
    breadth: ['0', '1001', '{}'],
    level: ['rows', 'table,column', '__proto__'],
    direction: ['left', 'up,down', 'constructor'],
    confidence: ['sure', "exact' or true --"],
    roles: ['value,all', ',', 'value,'.repeat(200), "value'); drop table edge; --"],
    kind: ['apps', 'app,,sheet', 'toString'],
    unreachable: ['1', 'TRUE'],
    after: ['x', 'A'.repeat(9_000), 'bnVsbA', 'W10', 'W251bGwsbnVsbF0', 'WyJcdTAwMDAiLCJcdTAwMDAiXQ', 'W1tdLHt9XQ'],
  };

  test('is refused with what is wrong when it is out of bounds or of another type, never with an error of ours', async () => {
    for (const path of PATHS)
      for (const [name, values] of Object.entries(bounds))
        for (const value of values) {
          const { status, body } = await ours.client.get(pathOf(path, { key: ORDERS_TABLE, [name]: value }));
          // A parameter that this one does not have counts for nothing.
          const isKnown = path === 'lineage' ? name !== 'kind' : !['depth', 'breadth', 'level'].includes(name);
          const isAsked = isKnown && !(path.endsWith('.csv') && ['limit', 'after'].includes(name));
          expect(status, `${path} ${name}=${value.slice(0, 40)}`).toBe(isAsked ? 400 : 200);
          if (status === 400) expect(body).toMatchObject({ code: 'api.invalid_request' });
        }
  });

  test('a key may be anything: it is found or it is not', async () => {
    const keys = [
      '',
      '\0',
      'a\0b',
      '%00',
      '%',
      "' or ''='",
      '*',
      '../../etc/passwd',
      '\u202eprod',
      '__proto__',
      'ÿ'.repeat(4096),
    ];
    const raw = ['%ED%A0%80', '%FF%FE', '%00', '%u0000', 'a&key=b', 'a&key[]=b', '%F0%9F%98'];
    const long = ['k'.repeat(4_097), 'k'.repeat(60_000), '%2F'.repeat(20_000)];
    const fits = [400, 404, 414, 431];
    for (const path of [...PATHS, 'lineage/edge'])
      for (const key of [...keys.map(encodeURIComponent), ...raw, ...long]) {
        const more = path === 'lineage/edge' ? `from=${key}&kind=derives&to=${key}` : `key=${key}`;
        const { status } = await ours.client.get(`/api/v1/${path}?${more}`);
        expect(fits, `${path} ${key.slice(0, 40)}: ${status}`).toContain(status);
      }
  });

  test('edges are asked for by their kind, and of two organisations with the same keys each sees its own', async () => {
    const derives = { from: `${REVENUE_QVD}#Revenue`, kind: 'derives', to: ORDERS_TABLE };
    for (const kind of ['', 'owns,uses', 'DERIVES', '__proto__'])
      expect((await ours.client.get(pathOf('lineage/edge', { ...derives, kind }))).status).toBe(400);
    await served.sql`update edge set attributes = attributes || '{"expression": "canary of theirs"}'
      where organisation_id = ${theirs.organisationId}`;
    for (const path of PATHS) {
      const { body } = await ours.client.get(pathOf(path, { key: ORDERS_TABLE }));
      expect(JSON.stringify(body)).not.toContain('canary');
    }
    for (const client of [ours.client, theirs.client]) {
      const one = {
        from: `${REVENUE_QVD}#Region`,
        kind: 'derives',
        to: 'file://qlik.example.com/d%3A/qvd/orders.qvd#region',
      };
      const { body } = await client.get(pathOf('lineage/edge', one));
      expect(JSON.stringify(body).includes('canary of theirs')).toBe(client === theirs.client);
    }
    for (const path of PATHS)
      expect((await served.anonymous.get(pathOf(path, { key: ORDERS_TABLE }))).status).toBe(401);
  });
});

test('a node with 20,000 edges answers in parts, with what is left out counted', async () => {
  const key = 'hub/a';
  const hub = `${key}/field/hub`;
  await served.published(ours.organisationId, 'hub', [
    siteRecords('hub', ['a']),
    scopeRecords(key, 'app', [
      asset(key, key, 'app', 'Hub', 'hub/stream/s'),
      asset(key, hub, 'field', 'hub', key),
      asset(key, `${key}/field/end`, 'field', 'end', key),
      edge(key, 'derives', `${key}/field/end`, hub, { role: 'value', confidence: 'exact' }),
      edge(key, 'derives', hub, `${key}/field/end`, { role: 'value', confidence: 'exact' }),
    ]),
  ]);
  await served.sql`insert into edge (organisation_id, scope_id, connection, kind, from_key, to_key, attributes, hash)
    select e.organisation_id, e.scope_id, e.connection, e.kind, ${`${key}/field/f`}::text || n, ${hub}::text, e.attributes, e.hash
    from edge e, generate_series(1, 20000) n where e.from_key = ${`${key}/field/end`}`;
  const around = await ours.client.get<{ nodes: unknown[]; more: { key: string; count: number }[] }>(
    pathOf('lineage', { key: hub, depth: '30', limit: '2000', breadth: '1000' }),
  );
  expect(around.body.nodes.length).toBeLessThanOrEqual(2_000);
  expect(around.body.more).toContainEqual(expect.objectContaining({ key: hub, count: 1_000 }));
  const none = await ours.client.get(pathOf('lineage', { key: hub, roles: 'sort', confidence: 'confirmed' }));
  expect(none.status).toBe(200);
  const all = await ours.client.get<{ cut: boolean; items: unknown[] }>(pathOf('lineage/impact', { key: hub }));
  expect(all.body).toMatchObject({ cut: true });
  const csv = await ours.client.get<string>(pathOf('lineage/impact.csv', { key: hub }));
  expect(csv.body.split('\r\n').length).toBeGreaterThan(9_000);
  expect(csv.body).toContain('There is more');
});

test('no cell of the table is a formula, whatever names, owners, keys and ways hold', async () => {
  const key = 'cells/a';
  const names = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r\n=1',
    ' =1',
    '＝1',
    '"=1',
    ';=1',
    'a;=cmd|x',
    "'=1",
    '%0A=1',
  ];
  const fields = names.map((_, n) => `${key}/field/f${n}`);
  await served.published(ours.organisationId, 'cells', [
    siteRecords('cells', ['a']),
    scopeRecords(key, 'app', [
      asset(key, key, 'app', '=app()', 'cells/stream/s', {
        owner: { id: 'u', name: '@owner', email: '+mail@example.com' },
      }),
      ...names.map((name, n) => asset(key, fields[n] ?? '', 'field', name, key)),
      asset(key, '=dataset', 'dataset', '-dataset'),
      asset(key, '=dataset#=column', 'column', '@column', '=dataset'),
      edge(key, 'derives', fields[0] ?? '', '=dataset#=column', { role: 'value', confidence: 'exact' }),
      ...fields
        .slice(1)
        .map((field, n) => edge(key, 'derives', field, fields[n] ?? '', { role: 'value', confidence: 'exact' })),
    ]),
  ]);
  const { body } = await ours.client.get<string>(pathOf('lineage/impact.csv', { key: '=dataset#=column' }));
  const cells = [...body.slice(1).matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,\r\n"]*))/gm)].map(
    ([, a, b]) => a?.replaceAll('""', '"') ?? b ?? '',
  );
  expect(cells).toContain("'=app()");
  expect(cells).toContain("'@owner");
  expect(cells.filter((cell) => /^\s*[=+\-@＝]/.test(cell) || /[;\t\r\n]\s*[=+\-@＝]/.test(cell))).toEqual([]);
});
