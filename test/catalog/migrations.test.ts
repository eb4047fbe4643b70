import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '#catalog/store/connector-settings.ts';
import { listFindings } from '#catalog/store/findings.ts';
import { listInventoryItems } from '#catalog/store/inventories.ts';
import { findJob, listChecks, listQlikSettings } from '#catalog/store/jobs.ts';
import { migrate, readMigrations } from '#catalog/store/migrate.ts';
import { findNeighbourhood } from '#catalog/store/neighbourhood.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase({ bare: true });
});
afterAll(() => database?.[Symbol.asyncDispose]());

const ORGANISATION = '00000000-0000-4000-8000-000000000001';
const all = readMigrations();

/**
 * For each version: the data that a catalog of that version holds, written as that version would, and what must be true
 * of it after every later migration. A new migration gets an entry, or the test below fails.
 */
const versions: Record<number, { fill: (sql: Sql) => Promise<unknown>; holds: (sql: Sql) => Promise<void> }> = {
  1: {
    fill: async (sql) => {
      await sql`insert into organisation (id, name) values (${ORGANISATION}, 'Acme')`;
      await sql`insert into member (organisation_id, id, email, name) values (${ORGANISATION}, 'm1', 'ann@example.com', 'Ann')`;
      await sql`insert into agent (organisation_id, id, name) values (${ORGANISATION}, 'a1', 'agent')`;
      await sql`insert into connection (organisation_id, code, agent_id, file, status, reported_at)
        values (${ORGANISATION}, 'prod', 'a1', 'prod.conf', '{"state": "ready"}', now())`;
      await sql`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
        values (${ORGANISATION}, 'j1', 'prod', 'crawl', '{}', 'running', 1, 'ann')`;
      await sql`insert into attempt (organisation_id, job_id, attempt, agent_id, lease_token, state, lease_expires_at, durable_seq)
        values (${ORGANISATION}, 'j1', 1, 'a1', 'token', 'active', now(), 1)`;
      await sql`insert into staged_batch (organisation_id, job_id, attempt, seq, records, raw_bytes, codec, crc32, payload)
        values (${ORGANISATION}, 'j1', 1, 1, 1, 3, 'none', 1, '\\x616263')`;
    },
    holds: async (sql) => {
      const [row] = await sql`select m.email, j.state, encode(b.payload, 'escape') as payload
        from member m, job j join staged_batch b on b.job_id = j.id where m.id = 'm1'`;
      expect(row).toEqual({ email: 'ann@example.com', state: 'running', payload: 'abc' });
    },
  },
  2: {
    fill: async (sql) => {
      await sql`insert into scope (organisation_id, connection, key, kind, name, outcome, assets, published_at)
        values (${ORGANISATION}, 'prod', 'prod', 'site', 'Site', 'complete', 2, now())`;
      await sql`insert into asset (organisation_id, key, scope_id, connection, kind, name, sort_name, attributes, hash,
          first_seen_at, changed_at)
        select ${ORGANISATION}, v.key, id, 'prod', v.kind, v.name, lower(v.name), attributes::jsonb, '', now(), now()
        from scope, (values ('prod', 'site', 'Main Site', '{}'),
          ('prod/stream/1', 'stream', 'Sales 100%', '{"description": "All the Numbers"}')) as v(key, kind, name, attributes)`;
    },
    holds: async (sql) => {
      const [row] = await sql`select count(*)::int as assets from asset
        where organisation_id = ${ORGANISATION} and kind in ('site', 'stream')`;
      expect(row).toEqual({ assets: 2 });
    },
  },
  3: {
    fill: async () => {},
    holds: async (sql) => {
      // What was stored before there was a search is found by it.
      // Asked as the search does, whose own columns come later.
      const found = (text: string) => sql`select key from asset where organisation_id = ${ORGANISATION}
        and search_text like ${`%${text}%`} order by key`;
      expect((await found('the numbers')).map((row) => row['key'])).toEqual(['prod/stream/1']);
      expect(await found('100\\%')).toHaveLength(1);
    },
  },
  4: {
    fill: async (sql) => {
      await sql`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
        values (${ORGANISATION}, 'j2', 'prod', 'test', '{}', 'running', 1, 'ann')`;
      await sql`insert into attempt (organisation_id, job_id, attempt, agent_id, lease_token, state, lease_expires_at, checks_from)
        values (${ORGANISATION}, 'j2', 1, 'a1', 'token', 'active', now(), 500)`;
      await sql`insert into job_check (organisation_id, job_id, attempt, position, target, name, status, seen, details, duration_ms)
        values (${ORGANISATION}, 'j2', 1, 501, 'connection', 'dns', 'pass', 'It is there.', '["10.0.0.1"]', 3)`;
      await sql`insert into job_settings (organisation_id, job_id, attempt, position, title, mends, fields)
        values (${ORGANISATION}, 'j2', 1, 502, 'Rule', true, '[{"name":"Actions","value":"Read"}]')`;
    },
    holds: async (sql) => {
      // A test beside the crawl that was at work already; a second crawl is kept out as before.
      expect(await listChecks(sql, ORGANISATION, 'j2')).toMatchObject([{ check: 'dns', details: ['10.0.0.1'] }]);
      expect(await listQlikSettings(sql, ORGANISATION, 'j2')).toMatchObject([{ title: 'Rule', mends: true }]);
      await expect(sql`insert into job (organisation_id, id, connection, kind, spec, state, created_by)
        values (${ORGANISATION}, 'j3', 'prod', 'crawl', '{}', 'running', 'ann')`).rejects.toMatchObject({
        code: '23505',
      });
    },
  },
  5: {
    fill: async () => {},
    holds: async (sql) => {
      // A batch of before is no part of a record.
      const [row] = await sql`select part from staged_batch where job_id = 'j1'`;
      expect(row).toEqual({ part: null });
    },
  },
  6: {
    fill: async (sql) => {
      await sql`insert into catalog_key (organisation_id, id, public_key, private_key)
        values (${ORGANISATION}, 'k1', 'public', 'private')`;
      await sql`insert into agent_key (organisation_id, agent_id, id, public_key)
        values (${ORGANISATION}, 'a1', 'key', 'public')`;
      await sql`insert into agent_boot (organisation_id, agent_id, boot_id, hostname, platform)
        values (${ORGANISATION}, 'a1', 'boot', 'host', 'linux-x64')`;
    },
    holds: async (sql) => {
      // An agent that was there before is neither shut out nor shared, and its key has no end.
      const [row] = await sql`select a.revoked_at, a.quarantined_at, k.valid_until
        from agent a join agent_key k on k.agent_id = a.id where a.id = 'a1'`;
      expect(row).toEqual({ revoked_at: null, quarantined_at: null, valid_until: null });
      // An organisation signs with one key at a time.
      await expect(sql`insert into catalog_key (organisation_id, id, public_key, private_key)
        values (${ORGANISATION}, 'k2', 'public', 'private')`).rejects.toMatchObject({ code: '23505' });
    },
  },
  7: {
    fill: async () => {},
    holds: async (sql) => {
      // Nobody said why a scope of before was read.
      const [row] = await sql`select reason from scope where key = 'prod'`;
      expect(row).toEqual({ reason: null });
    },
  },
  8: {
    fill: async (sql) => {
      await sql`insert into connector_settings (organisation_id, connection, version, settings, changes, changed_by)
        values (${ORGANISATION}, 'prod', 1, '{"excludeApps": ["Old"]}', '[]', 'ann')`;
      await sql`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
        values (${ORGANISATION}, 'j4', 'prod', 'inventory', '{"options": {}}', 'running', 1, 'ann')`;
      await sql`insert into attempt (organisation_id, job_id, attempt, agent_id, lease_token, state, lease_expires_at, checks_from)
        values (${ORGANISATION}, 'j4', 1, 'a1', 'token', 'active', now(), 500)`;
      await sql`insert into inventory_rule (organisation_id, job_id, attempt, number, rule)
        values (${ORGANISATION}, 'j4', 1, 1, 'exclude app "Old"')`;
      await sql`insert into inventory_item (organisation_id, job_id, attempt, position, kind, key, name, sort_name, kept, rule)
        values (${ORGANISATION}, 'j4', 1, 501, 'app', 'prod/1', 'Old', 'old', false, 1)`;
      await sql`insert into inventory_count (organisation_id, job_id, attempt, rule, kind, kept, items, bytes)
        values (${ORGANISATION}, 'j4', 1, 1, 'app', false, 1, 9)`;
    },
    holds: async (sql) => {
      expect((await readSettings(sql, ORGANISATION, 'prod')).settings).toEqual({ excludeApps: ['Old'] });
      expect(await findJob(sql, ORGANISATION, 'j4')).toMatchObject({ inventory: { rejected: { app: 1 } } });
      const { items } = await listInventoryItems(sql, ORGANISATION, 'j4', { limit: 10 });
      expect(items).toMatchObject([{ name: 'Old', kept: false, rule: 'exclude app "Old"' }]);
      // Jobs of before have no options, and are shown all the same.
      expect(await findJob(sql, ORGANISATION, 'j1')).toMatchObject({ options: {}, tried: false, inventory: null });
    },
  },
  9: {
    fill: async (sql) => {
      await sql`insert into picture (organisation_id, scope_id, key, source, media_type, content, hash)
        select organisation_id, scope_id, key, 'layout', 'image/svg+xml', 'x', 'h' from asset
        where organisation_id = ${ORGANISATION} and key = 'prod/stream/1'`;
    },
    holds: async (sql) => {
      const [row] = await sql`select key, source from picture where organisation_id = ${ORGANISATION}`;
      expect(row).toEqual({ key: 'prod/stream/1', source: 'layout' });
    },
  },
  10: {
    fill: async (sql) => {
      await sql`update connection set checkpoint = 'state-1' where organisation_id = ${ORGANISATION} and code = 'prod'`;
    },
    holds: async (sql) => {
      // What was there before is neither gone nor known to lack anything.
      const [row] = await sql`select c.checkpoint, s.missing, s.gone_at, (select count(*)::int from asset
          where organisation_id = ${ORGANISATION} and gone_at is not null) as gone
        from connection c join scope s on s.organisation_id = c.organisation_id and s.connection = c.code
        where c.organisation_id = ${ORGANISATION} and c.code = 'prod'`;
      expect(row).toEqual({ checkpoint: 'state-1', missing: [], gone_at: null, gone: 0 });
    },
  },
  11: {
    fill: async (sql) => {
      await sql`insert into finding (organisation_id, connection, scope_id, code, key, facts, first_seen_at)
        select organisation_id, connection, id, 'reload.never', key, '{}', now() from scope
        where organisation_id = ${ORGANISATION} and key = 'prod'`;
    },
    holds: async (sql) => {
      const { items } = await listFindings(sql, ORGANISATION, { limit: 10 });
      expect(items.map(({ code, key }) => [code, key])).toEqual([['reload.never', 'prod']]);
    },
  },
  12: {
    fill: async () => {},
    holds: async (sql) => {
      // Nobody said of a scope of before, besides by its outcome, that it named all apps.
      const rows = await sql`select lists_apps from published_scope where lists_apps`;
      expect(rows).toEqual([]);
    },
  },
  13: {
    fill: async (sql) => {
      await sql`insert into edge (organisation_id, scope_id, connection, kind, from_key, to_key, hash)
        select organisation_id, id, connection, 'loads', 'prod/1', 'file://x', '' from scope
        where organisation_id = ${ORGANISATION} and key = 'prod'`;
    },
    holds: async (sql) => {
      const ends = async (key: string, direction: 'up' | 'down') =>
        (await findNeighbourhood(sql, ORGANISATION, { key, direction, depth: 1, limit: 10, breadth: 10 }))?.edges;
      expect(await ends('prod/1', 'up')).toMatchObject([{ kind: 'loads', upstream: 'file://x' }]);
      expect(await ends('file://x', 'down')).toMatchObject([{ kind: 'loads', downstream: 'prod/1' }]);
    },
  },
  14: {
    fill: async () => {},
    holds: async (sql) => {
      const again = sql`insert into scope (organisation_id, connection, key, kind, name, outcome, published_at)
        values (${ORGANISATION}, 'prod', 'prod', 'site', 'Site', 'complete', now())`;
      await expect(again).rejects.toMatchObject({ code: '23505' });
    },
  },
  15: {
    fill: async (sql) => {
      await sql`insert into asset (organisation_id, key, scope_id, connection, kind, name, sort_name, attributes, hash,
          first_seen_at, changed_at, search_text)
        select ${ORGANISATION}, 'file://host/qvd/a_*.qvd', id, 'prod', 'dataset', 'a', 'a',
          '{"pattern": "file://host/qvd/a_*.qvd"}', '', now(), now(), 'a' from scope where key = 'prod' limit 1`;
      // Claimed at the same moment as the crawl `j1`, which this version does not keep apart.
      await sql`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
        values (${ORGANISATION}, 'j5', 'prod', 'lineage', '{"options": {}}', 'running', 1, 'ann')`;
    },
    holds: async (sql) => {
      const rows = await sql`select key from asset where organisation_id = ${ORGANISATION} and kind = 'dataset'
        and attributes ? 'pattern' and pattern_folder(attributes ->> 'pattern') = 'file://host/qvd/'`;
      expect(rows).toEqual([{ key: 'file://host/qvd/a_*.qvd' }]);
    },
  },
  16: {
    fill: async () => {},
    holds: async (sql) => {
      const [row] = await sql`select state from job where organisation_id = ${ORGANISATION} and id = 'j5'`;
      expect(row).toEqual({ state: 'queued' });
      const begun = sql`update job set state = 'leased' where organisation_id = ${ORGANISATION} and id = 'j5'`;
      await expect(begun).rejects.toMatchObject({ code: '23505' });
    },
  },
};

describe('each migration, on the data of the version before', () => {
  test('every version has data in this test', () => {
    expect(Object.keys(versions).map(Number)).toEqual(all.map(({ version }) => version));
  });

  test.each(all.map(({ version, name }) => [version, name] as const))('%i %s', async (version) => {
    const { sql } = await database.fresh();
    for (let v = 1; v <= version; v++) {
      expect(await migrate(sql, all.slice(0, v))).toEqual([v]);
      for (let before = 1; before < v; before++) await versions[before]?.holds(sql);
      await versions[v]?.fill(sql);
      await versions[v]?.holds(sql);
    }
    expect(await migrate(sql, all.slice(0, version))).toEqual([]);
  });
});

describe('the runner', () => {
  test('two that start at once apply each migration once', async () => {
    const { url } = await database.fresh();
    const [a, b] = [connect(url, { max: 2 }), connect(url, { max: 2 })];
    const applied = (await Promise.all([migrate(a), migrate(b)])).flat().sort((one, other) => one - other);
    expect(applied).toEqual(all.map(({ version }) => version));
    await Promise.all([a.end(), b.end()]);
  });

  test('a migration that was changed after it was applied is an error', async () => {
    const { sql } = await database.fresh();
    await migrate(sql);
    const changed = all.map((m) => (m.version === 2 ? { ...m, sha256: 'other' } : m));
    await expect(migrate(sql, changed)).rejects.toMatchObject({
      code: 'catalog.unavailable',
      message: expect.stringContaining('Migration 2 (assets) was changed'),
    });
  });

  test('a database of a later release is left alone', async () => {
    const { sql } = await database.fresh();
    await migrate(sql);
    await expect(migrate(sql, all.slice(0, -1))).rejects.toMatchObject({
      message: expect.stringContaining('newer than this program'),
    });
  });

  test('a migration that fails leaves nothing behind, and works when it was mended', async () => {
    const { sql } = await database.fresh();
    const bad = { version: 2, name: 'bad', text: 'create table half (x int); select 1 / 0', sha256: 'x' };
    const first = all.slice(0, 1);
    await expect(migrate(sql, [...first, bad])).rejects.toMatchObject({ code: '22012' });
    const [half] = await sql`select from information_schema.tables where table_name = 'half'`;
    expect(half).toBeUndefined();
    expect(await migrate(sql)).toEqual(all.slice(1).map(({ version }) => version));
  });

  test('a gap in the numbers is an error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'culvert-migrations-'));
    await writeFile(join(folder, '0001-first.sql'), 'select 1');
    await writeFile(join(folder, '0003-third.sql'), 'select 1');
    expect(() => readMigrations(folder)).toThrow('0003-third.sql should have the number 2');
    await rm(folder, { recursive: true });
  });
});
