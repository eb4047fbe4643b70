import { expect, test } from 'vitest';
import { generateSite } from './model/generate.ts';
import { mutableSite } from './model/mutate.ts';
import type { Site } from './model/types.ts';
import { profileOf } from './profiles.ts';
import { bodyText } from './qrs/answer.ts';
import { handleQrs } from './qrs/handler.ts';

const site = generateSite({ seed: 31, apps: 60 });
const KEY = '0123456789ABCDEF';

interface Table {
  readonly id: string;
  readonly columnNames: string[];
  readonly rows: unknown[][];
}

const post = (
  path: string,
  body: unknown,
  from: Site = site,
): { status: number; table: Table; rows: number; text: string } => {
  const url = new URL(`http://qlik/qrs/${path}`);
  url.searchParams.set('Xrfkey', KEY);
  const answer = handleQrs(
    {
      method: 'POST',
      path: url.pathname,
      query: url.searchParams,
      headers: { 'x-qlik-xrfkey': KEY },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      user: site.crawlUser,
    },
    { site: from, profile: profileOf() },
  );
  const text = bodyText(answer);
  return {
    status: answer.status,
    rows: answer.rows,
    text,
    table: answer.status === 201 ? JSON.parse(text) : undefined,
  };
};

const property = (name: string, definition = name) => ({ name, columnType: 'Property', definition });
const app = (...columns: unknown[]) => ({ entity: 'App', columns });

test('a table is created (201) with the columns asked for', () => {
  const { status, table } = post(
    'app/table',
    app(property('id'), property('owner', 'owner.userId'), property('stream')),
  );
  expect(status).toBe(201);
  expect(table.columnNames).toEqual(['id', 'owner', 'stream']);
  expect(table.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(table.rows).toHaveLength(60);
  expect(table.rows.map(([id]) => id)).toEqual(site.apps.map(({ id }) => id));
  const personal = site.apps.findIndex(({ streamId }) => streamId === null);
  expect(table.rows[personal]?.[2]).toBeNull();
});

test('pages of a sorted table hold every row once', () => {
  const pages = [0, 25, 50, 75].map(
    (skip) => post(`app/table?skip=${skip}&take=25&sortColumn=id&orderAscending=true`, app(property('id'))).table.rows,
  );
  expect(pages.map((page) => page.length)).toEqual([25, 25, 10, 0]);
  const ids = site.apps.map(({ id }) => id);
  expect(pages.flat(2)).toEqual(ids.toSorted());
  const down = post('app/table?sortColumn=id&orderAscending=false', app(property('id'))).table.rows.flat();
  expect(down).toEqual(ids.toSorted().toReversed());
  expect(post('app/table?take=7', app(property('id'))).rows).toBe(7);
});

test('a property that is no column may be sorted by; dates sort as such', () => {
  const { table } = post('app/table?sortColumn=modifiedDate&orderAscending=true', app(property('id')));
  const byDate = site.apps.toSorted((a, b) => (a.modifiedDate < b.modifiedDate ? -1 : 1));
  expect(table.rows.flat()).toEqual(byDate.map(({ id }) => id));
});

test('filters apply', () => {
  const { table } = post(`app/table?filter=${encodeURIComponent('published eq false')}`, app(property('id')));
  expect(table.rows.flat()).toEqual(site.apps.filter(({ published }) => !published).map(({ id }) => id));
});

test('lists nest, functions count', () => {
  const tags = { name: 'tags', columnType: 'List', definition: 'Tag', list: [property('name')] };
  const values = {
    name: 'customProperties',
    columnType: 'List',
    definition: 'CustomPropertyValue',
    list: [property('definition', 'definition.name'), property('value')],
  };
  const count = { name: 'n', columnType: 'Function', definition: 'Count(tags)' };
  const { table } = post('app/table', app(tags, values, count));
  const names = new Map(site.tags.map(({ id, name }) => [id, name]));
  for (const [index, [cell, second, n]] of table.rows.entries()) {
    const own = site.apps[index];
    expect(cell).toEqual({ columnNames: ['name'], rows: own?.tagIds.map((id) => [names.get(id)]) });
    expect(second).toMatchObject({ columnNames: ['definition', 'value'] });
    expect((second as Table).rows.map(([, value]) => value)).toEqual(own?.customProperties.map(({ value }) => value));
    expect(n).toBe(own?.tagIds.length);
  }
});

test.each([
  ['no JSON', '{', ''],
  ['no columns', { entity: 'App' }, ''],
  ['an empty list of columns', app(), ''],
  ['a name with a blank', app(property('my id', 'id')), ''],
  ['a property that is not there', app(property('nonsense')), ''],
  ['an unknown type of column', app({ name: 'x', columnType: 'Formula', definition: 'id' }), ''],
  ['an unknown function', app({ name: 'x', columnType: 'Function', definition: 'Sum(fileSize)' }), ''],
  ['a list without columns', app({ name: 'tags', columnType: 'List', definition: 'Tag' }), ''],
  ['a wrong skip', app(property('id')), '?skip=-1'],
  ['an unknown column to sort by', app(property('id')), '?sortColumn=nonsense'],
  ['a wrong filter', app(property('id')), '?filter=name'],
])('%s is refused with 400', (_, body, query) => {
  const { status, text } = post(`app/table${query}`, body);
  expect(status).toBe(400);
  expect(text.length).toBeGreaterThan(5);
});

test('objects of apps have tables too', () => {
  const [first] = site.apps;
  const filter = encodeURIComponent(`app.id eq ${first?.id} and objectType eq 'sheet'`);
  const { table } = post(`app/object/table?filter=${filter}`, app(property('engineObjectId'), property('contentHash')));
  const sheets = site.objects(first?.id ?? '').filter(({ objectType }) => objectType === 'sheet');
  expect(table.rows).toEqual(sheets.map(({ engineObjectId, contentHash }) => [engineObjectId, contentHash]));
});

test('pages of all objects tell of changes between them', () => {
  const live = mutableSite(site);
  const pages = (): unknown[][] =>
    [0, 400, 800].flatMap(
      (skip) =>
        post(
          `app/object/table?skip=${skip}&take=400&sortColumn=id&orderAscending=true`,
          { entity: 'App.Object', columns: [property('id'), property('name'), property('app', 'app.id')] },
          live,
        ).table.rows,
    );
  const before = pages();
  const [[, , appId]] = before as [[string, string, string]];
  const [object] = site.objects(appId);
  live.renameObject(appId, object?.engineObjectId ?? '', 'Renamed', '2026-01-01T00:00:00.000Z');
  const named = pages().filter(([id]) => id === object?.id);
  live.deleteApp(appId);
  const after = pages();
  expect(before.map(([id]) => id)).toEqual(before.map(([id]) => id).sort());
  expect(named).toEqual([[object?.id, 'Renamed', appId]]);
  expect(after.filter(([, , app]) => app === appId)).toEqual([]);
});
