import type { Sql } from '#catalog/store/sql.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import {
  type AssetRecord,
  type EdgeRecord,
  type GoneRecord,
  type ListedRecord,
  OUTCOMES,
  type OutcomeRecord,
  type PictureRecord,
  type StreamRecord,
} from '#protocol/records.ts';
import { asset, scopeRecords } from '#test/catalog/agent.ts';
import type { Random } from './random.ts';
import type { Tables } from './store-tables.ts';

type Body = AssetRecord | EdgeRecord | GoneRecord | ListedRecord | PictureRecord;

const APPS = ['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6'] as const;

const some = <T>(random: Random, all: readonly T[], chance = 0.6): readonly T[] =>
  all.filter(() => random.chance(chance));

const attributes = (random: Random): NonNullable<AssetRecord['attributes']> => ({
  n: random.int(0, 2),
  ...(random.chance(0.3) && { only: random.int(0, 1) }),
  ...(random.chance(0.2) && { none: null, deep: { none: null, list: [null, { none: null }] } }),
});

const made = (random: Random, scope: string, key: string, kind: AssetRecord['kind'], parent?: string): AssetRecord => ({
  ...asset(scope, key, kind, `${kind} ${random.int(0, 1)}`, parent, attributes(random)),
  ...(random.chance(0.15) && { sparse: true as const }),
});

const edge = (random: Random, scope: string, kind: EdgeRecord['kind'], from: string, to: string): EdgeRecord => ({
  t: 'edge',
  scope,
  kind,
  from,
  to,
  attributes: { n: random.int(0, 1) },
});

/** How a scope ends, with or without what its outcome has besides; also with what counts for nothing there. */
const ending = (random: Random, outcome: OutcomeRecord['outcome']): Partial<OutcomeRecord> => ({
  outcome,
  ...(random.chance(0.5) && {
    whole: [...some(random, ['app', 'sheet', 'chart', 'dataset', 'stream', 'user'] as const, 0.5)],
  }),
  ...(random.chance(0.5) && {
    anew: [...some(random, ['dataset', 'sheet', 'loads', 'derives', 'owns'] as const, 0.5)],
  }),
  ...(random.chance(0.5) && { checkpoint: `state-${random.int(0, 9)}` }),
});

/** A scope of the site, however it ends. */
export const someSite = (random: Random, code: string): StreamRecord[] => {
  const outcome =
    random.pick(['complete', 'complete', 'updated', 'updated', 'partial', 'unchanged'] as const) ?? 'partial';
  const users = some(random, ['u1', 'u2'], 0.8).map((user) => `${code}/user/${user}`);
  const streams = ['s1', 's2', 's3'].map((stream) => `${code}/stream/${stream}`);
  const come = some(random, streams);
  const body: Body[] = [
    made(random, code, code, 'site'),
    ...users.map((key) => made(random, code, key, 'user', code)),
    ...come.map((key) => made(random, code, key, 'stream', code)),
    ...some(random, come).map((to) => edge(random, code, 'owns', random.pick(users) ?? `${code}/user/u1`, to)),
    ...some(
      random,
      streams.filter((key) => !come.includes(key)),
      0.4,
    ).map((key) => ({ t: 'gone' as const, scope: code, key })),
    ...some(random, APPS).map((app) => ({ t: 'listed' as const, scope: code, key: `${code}/${app}`, name: app })),
  ];
  return scopeRecords(code, 'site', body, ending(random, outcome));
};

/** A scope of some app, however it ends. */
export const someApp = (random: Random, code: string): StreamRecord[] => {
  const scope = `${code}/${random.pick(APPS) ?? 'a-1'}`;
  const outcome = random.pick(OUTCOMES) ?? 'complete';
  const sheets = [0, 1, 2, 3].map((n) => `${scope}/sheet-${n}`);
  const datasets = [0, 1].map((n) => `${scope}/source/${n}`);
  const come = some(random, sheets);
  const loaded = some(random, datasets);
  const charts = some(random, come).map((sheet) => `${sheet}/chart`);
  const parts = [scope, ...come, ...charts, ...loaded];
  const one = (): string => random.pick(parts) ?? scope;
  const picture = (key: string): PictureRecord => ({
    t: 'picture',
    scope,
    key,
    source: random.chance(0.7) ? 'layout' : 'data',
    mediaType: 'image/png',
    content: Buffer.from(`picture ${random.int(0, 1)}`).toString('base64'),
  });
  const body: Body[] = [
    ...some(random, [made(random, scope, scope, 'app', code)], 0.85),
    ...come.map((key) => made(random, scope, key, 'sheet', scope)),
    ...charts.map((key) => made(random, scope, key, 'chart', key.slice(0, -'/chart'.length))),
    ...loaded.map((key) => made(random, scope, key, 'dataset')),
    ...Array.from({ length: random.int(0, 4) }, () =>
      edge(
        random,
        scope,
        random.pick(['uses', 'derives', 'loads'] as const) ?? 'uses',
        one(),
        random.pick([...sheets, ...datasets]) ?? scope,
      ),
    ),
    ...some(random, ['u1', 'u2'], 0.4).map((user) => edge(random, scope, 'owns', `${code}/user/${user}`, scope)),
    ...some(random, come, 0.4).map(picture),
    ...some(
      random,
      sheets.filter((key) => !come.includes(key)),
      0.3,
    ).map((key) => ({ t: 'gone' as const, scope, key })),
  ];
  // A key that comes twice: the later line counts.
  const again = random.chance(0.2) ? come.slice(0, 1).map((key) => made(random, scope, key, 'sheet', scope)) : [];
  return scopeRecords(scope, 'app', [...body, ...again], ending(random, outcome));
};

/** Some items of an inventory. */
export const someItems = (random: Random, code: string): StreamRecord[] =>
  some(random, APPS).map((app) => ({
    t: 'item',
    kind: 'app',
    key: `${code}/${app}`,
    name: app,
    kept: true,
    rule: 'a rule',
  }));

/** Pictures that a preview brings, also of what is not there. */
export const somePictures = (random: Random, code: string): StreamRecord[] => {
  const scope = `${code}/${random.pick(APPS) ?? 'a-1'}`;
  return [0, 1, 2, 3].map((n) => ({
    ...{ t: 'picture', scope, key: `${scope}/sheet-${n}`, source: random.chance(0.5) ? 'layout' : 'data' },
    ...{ mediaType: 'image/png', content: Buffer.from(`preview ${random.int(0, 9)}`).toString('base64') },
  }));
};

interface Rows {
  readonly lists: unknown;
  readonly scopes: unknown;
  readonly assets: unknown;
  readonly edges: unknown;
  readonly pictures: unknown;
  readonly checkpoints: unknown;
  readonly published: unknown;
}

const byText = (rows: readonly object[]): readonly object[] =>
  rows
    .map((row) => [JSON.stringify(row), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);

/** All that PostgreSQL has of what was published for an organisation. */
export const realRows = async (sql: Sql, organisationId: string): Promise<Rows> => {
  const [row] = await sql<{ rows: { readonly [name in keyof Rows]: readonly object[] | null } }[]>`
    with own as (select * from scope where organisation_id = ${organisationId})
    select json_build_object(
      'scopes', (select json_agg(json_build_object('key', key, 'kind', kind, 'outcome', outcome,
          'isGone', gone_at is not null, 'listedBy', listed_by)) from own),
      'assets', (select json_agg(json_build_object('scope', s.key, 'key', a.key, 'kind', a.kind, 'name', a.name,
          'parent', a.parent, 'attributes', a.attributes, 'isGone', a.gone_at is not null))
        from asset a join own s on s.id = a.scope_id),
      'edges', (select json_agg(json_build_object('scope', s.key, 'from', e.from_key, 'kind', e.kind, 'to', e.to_key,
          'attributes', e.attributes)) from edge e join own s on s.id = e.scope_id),
      'pictures', (select json_agg(json_build_object('scope', s.key, 'key', v.key, 'source', v.source,
          'content', encode(v.content, 'base64'))) from picture v join own s on s.id = v.scope_id),
      'checkpoints', (select json_agg(json_build_object('code', code, 'checkpoint', checkpoint))
        from connection where organisation_id = ${organisationId}),
      'lists', (select json_agg(l) from (
        select job_id as job, attempt, position::float8 as position, name as what from job_check
          where organisation_id = ${organisationId}
        union all select job_id, attempt, position::float8, key from inventory_item
          where organisation_id = ${organisationId}) l),
      'published', (select json_agg(json_build_object('job', job_id, 'attempt', attempt, 'scope', scope, 'outcome', outcome))
        from published_scope where organisation_id = ${organisationId})) as rows`;
  const of = (name: keyof Rows): readonly object[] => byText((row?.rows[name] ?? []).map(ordered));
  return {
    scopes: of('scopes'),
    assets: of('assets'),
    edges: of('edges'),
    pictures: of('pictures'),
    checkpoints: of('checkpoints'),
    published: of('published'),
    lists: of('lists'),
  };
};

/** Names of members have no order in PostgreSQL. */
const ordered = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(ordered) as T;
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, ordered(member)])) as T;
};

/** The same of the model. */
export const modelRows = ({ scopes, connections, attempts }: Tables): Rows => {
  const all = [...scopes.values()];
  const sorted = (rows: readonly object[]): readonly object[] => byText(rows.map(ordered));
  return {
    scopes: sorted(all.map(({ key, kind, outcome, isGone, listedBy }) => ({ key, kind, outcome, isGone, listedBy }))),
    assets: sorted(
      all.flatMap(({ key: scope, assets }) =>
        [...assets.values()].map((one) => ({ ...one, scope, parent: one.parent ?? null })),
      ),
    ),
    edges: sorted(all.flatMap(({ key: scope, edges }) => [...edges.values()].map((one) => ({ ...one, scope })))),
    pictures: sorted(
      all.flatMap(({ key: scope, pictures }) => [...pictures.values()].map((one) => ({ ...one, scope }))),
    ),
    checkpoints: sorted([...connections].map(([code, { checkpoint }]) => ({ code, checkpoint }))),
    published: sorted(
      [...attempts.values()].flatMap(({ jobId, attempt, published }) =>
        [...published].map(([scope, { outcome }]) => ({ job: jobId, attempt, scope, outcome })),
      ),
    ),
    lists: sorted(
      [...attempts.values()].flatMap(({ jobId, attempt, checks }) =>
        [...checks].map(([position, text]) => {
          const { check, key } = JSON.parse(text) as { readonly check?: string; readonly key?: string };
          return { job: jobId, attempt, position, what: check ?? key };
        }),
      ),
    ),
  };
};

/** How a connection's file says what becomes of what is gone. */
export const deletionSettings = (policy: DeletionPolicy) => ({ settings: [{ name: 'deletion', value: policy }] });
