import { beforeAll, describe, expect, test } from 'vitest';
import { generateSite } from './model/generate.ts';
import { mutableSite } from './model/mutate.ts';
import type { App, Site, UserName } from './model/types.ts';
import { type Profile, profileOf } from './profiles.ts';
import { bodyText } from './qrs/answer.ts';
import { handleQrs, type QrsContext } from './qrs/handler.ts';
import { Selections } from './qrs/selections.ts';

const KEY = 'abcdefghij012345';
type Row = { readonly [key: string]: unknown };

interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly user?: UserName;
  readonly context?: Partial<QrsContext>;
  readonly profile?: Profile;
  readonly key?: string | null;
}

let site: Site;
beforeAll(() => {
  site = generateSite({ seed: 77, apps: 150 });
});

const raw = (path: string, { method = 'GET', body, headers, user, context, profile, key = KEY }: Ask = {}) => {
  const url = new URL(`http://qlik/qrs/${path}`);
  if (key !== null) url.searchParams.set('xrfkey', key);
  return handleQrs(
    {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: headers ?? { 'x-qlik-xrfkey': KEY },
      body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      user: user ?? site.crawlUser,
    },
    { site, profile: profile ?? profileOf(), ...context },
  );
};

const ask = (path: string, options: Ask = {}): { status: number; json: unknown; rows: number; text: string } => {
  const answer = raw(path, options);
  const text = bodyText(answer);
  const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
  return { status: answer.status, rows: answer.rows, text, json: isJson ? JSON.parse(text) : undefined };
};
const list = (path: string, options: Ask = {}): Row[] => {
  const { status, json } = ask(path, options);
  expect(status).toBe(200);
  return json as Row[];
};
const where = (filter: string): string => encodeURIComponent(filter);

describe('the key against forged requests', () => {
  test.each([
    ['no key in the query', { key: null }],
    ['no header', { headers: {} }],
    ['a short key', { key: 'short', headers: { 'x-qlik-xrfkey': 'short' } }],
    [
      'a character that is none of 0-9a-zA-Z',
      { key: 'abcdefghij01234-', headers: { 'x-qlik-xrfkey': 'abcdefghij01234-' } },
    ],
    ['another key in the header', { headers: { 'x-qlik-xrfkey': 'ABCDEFGHIJ012345' } }],
  ])('%s is refused with 400', (_, options: Ask) => {
    expect(ask('about', options).status).toBe(400);
  });

  test('the parameter may be written Xrfkey or xrfkey', () => {
    for (const name of ['Xrfkey', 'xrfkey', 'XRFKEY']) {
      expect(ask(`about?${name}=${KEY}`, { key: null }).status).toBe(200);
    }
  });
});

describe('addresses', () => {
  test.each([
    ['GET', 'nothing', 404],
    ['GET', 'app/nothing', 404],
    ['GET', 'app/full/more', 404],
    ['GET', 'app/00000000-0000-4000-8000-000000000000', 404],
    ['GET', 'app/object/00000000-0000-4000-8000-000000000000', 404],
    ['GET', 'app/table', 405],
    ['OPTIONS', 'app/full', 405],
    ['POST', 'about', 405],
    ['POST', 'app', 403],
    ['DELETE', 'stream/00000000-0000-4000-8000-000000000000', 403],
    ['POST', 'notification', 403],
    ['GET', 'selection/00000000-0000-4000-8000-000000000000/app', 404],
    ['GET', '%E0%A4%A', 400],
  ])('%s %s is answered with %i', (method, path, status) => {
    expect(ask(path, { method }).status).toBe(status);
  });

  test('case and doubled slashes do not matter', () => {
    expect(list('App/FULL')).toHaveLength(150);
    expect(list('/ServiceCluster/full')).toHaveLength(1);
    expect(list(`app/Object/full?filter=${where(`app.id eq ${site.apps[0]?.id}`)}`).length).toBeGreaterThan(2);
  });

  test('about tells the version of the profile', () => {
    expect(ask('about').json).toMatchObject({ buildVersion: '31.62.0.0', nodeType: 1, schemaPath: 'About' });
    expect(ask('about', { profile: profileOf('june-2018') }).json).toMatchObject({ buildVersion: '22.4.4.0' });
  });

  test('the interface describes itself', () => {
    const { json } = ask('about/openapi/main');
    expect(Object.keys((json as { paths: object }).paths)).toContain('/app/full');
    expect(ask('about/api/description').json).toContain('Get /app/object/full');
    expect(ask('about/openapi').status).toBe(200);
    expect(ask('about/unknown').status).toBe(404);
  });
});

describe('lists', () => {
  test.each([
    ['app', (s: Site) => s.apps.length],
    ['stream', (s: Site) => s.streams.length],
    ['user', (s: Site) => s.users.length],
    ['tag', (s: Site) => s.tags.length],
    ['custompropertydefinition', (s: Site) => s.customPropertyDefinitions.length],
    ['dataconnection', (s: Site) => s.dataConnections.length],
    ['reloadtask', (s: Site) => s.reloadTasks.length],
    ['task', (s: Site) => s.reloadTasks.length],
    ['extension', (s: Site) => s.extensions.length],
    ['app/object', (s: Site) => s.apps.reduce((sum, app) => sum + s.objects(app.id).length, 0)],
    ['executionresult', (s: Site) => s.reloadTasks.filter((task) => task.lastStart !== null).length],
    ['externalprogramtask', () => 0],
    ['servernodeconfiguration', () => 1],
  ])('/%s counts, lists condensed and in full the same entities, and finds each by id', (path, expected) => {
    const [full, condensed] = [list(`${path}/full`), list(path)];
    expect(full).toHaveLength(expected(site));
    expect(condensed.map(({ id }) => id)).toEqual(full.map(({ id }) => id));
    expect(ask(`${path}/count`).json).toEqual({ value: full.length });
    for (const row of full.slice(0, 3)) expect(ask(`${path}/${String(row['id'])}`).json).toEqual(row);
    for (const row of condensed) expect(row['privileges']).toBeNull();
  });

  test('an answer says how many rows it read', () => {
    expect(ask('app/full').rows).toBe(150);
    expect(ask('app/count').rows).toBe(1);
    expect(ask(`app/${site.apps[0]?.id}`).rows).toBe(1);
  });

  test('an app looks as the repository writes it', () => {
    const app = site.apps.find((each) => each.customProperties.length > 0 && each.tagIds.length > 0 && each.published);
    const row = ask(`app/${app?.id}`).json as Row;
    expect(Object.keys(row)).toEqual(
      expect.arrayContaining([
        ...['id', 'createdDate', 'modifiedDate', 'modifiedByUserName', 'customProperties', 'owner', 'name', 'appId'],
        ...['sourceAppId', 'targetAppId', 'publishTime', 'published', 'tags', 'description', 'stream', 'fileSize'],
        ...['lastReloadTime', 'thumbnail', 'savedInProductVersion', 'migrationHash', 'dynamicColor'],
        ...['availabilityStatus', 'privileges', 'schemaPath'],
      ]),
    );
    expect(row).toMatchObject({
      name: app?.name,
      schemaPath: 'App',
      published: true,
      fileSize: app?.fileSizeBytes,
      stream: { id: app?.streamId, privileges: null },
      owner: { id: app?.ownerId },
      customProperties: [{ value: app?.customProperties[0]?.value, definition: { valueType: 'Text' } }],
    });
  });

  test('never is 1753, and personal work has no stream', () => {
    const never = site.apps.find((app) => app.lastReloadTime === null);
    const personal = site.apps.find((app) => app.streamId === null);
    expect(ask(`app/${never?.id}`).json).toMatchObject({ lastReloadTime: '1753-01-01T00:00:00.000Z' });
    expect(ask(`app/${personal?.id}`).json).toMatchObject({
      stream: null,
      published: false,
      publishTime: '1753-01-01T00:00:00.000Z',
    });
    const idle = site.reloadTasks.find((task) => task.lastStart === null);
    expect(ask(`reloadtask/${idle?.id}`).json).toMatchObject({
      operational: {
        lastExecutionResult: {
          status: 0,
          startTime: '1753-01-01T00:00:00.000Z',
          fileReferenceID: '00000000-0000-0000-0000-000000000000',
          scriptLogAvailable: false,
        },
      },
    });
  });

  test('an owner who was removed is named, but no row of the users', () => {
    const orphan = site.apps.find((app) => !site.users.some((user) => user.id === app.ownerId));
    const { owner } = ask(`app/${orphan?.id}`).json as { owner: Row };
    expect(owner['userId']).toMatch(/^removed\./);
    expect(list('user/full').some((user) => user['id'] === owner['id'])).toBe(false);
  });

  test('objects of an app carry both of their ids and the app', () => {
    const app = site.apps[0] as App;
    const rows = list(`app/object/full?filter=${where(`app.id eq ${app.id}`)}`);
    expect(rows).toHaveLength(site.objects(app.id).length);
    for (const row of rows) {
      expect(row['app']).toMatchObject({ id: app.id, stream: { id: app.streamId } });
      expect(row['id']).not.toBe(row['engineObjectId']);
      expect(row['contentHash']).toMatch(/^[0-9a-f]{32}$/);
      expect(row['schemaPath']).toBe('App.Object');
    }
    const types = new Set(rows.map((row) => row['objectType']));
    expect([...types]).toEqual(expect.arrayContaining(['sheet', 'appprops', 'LoadModel']));
    const ids = site.content(app.id).sheets.map((sheet) => sheet.qId);
    expect(rows.filter((row) => row['objectType'] === 'sheet').map((row) => row['engineObjectId'])).toEqual(ids);
  });

  test('users carry their address as an attribute, spelled in two ways', () => {
    const types = list('user/full').flatMap((user) =>
      (user['attributes'] as Row[]).map((attribute) => attribute['attributeType']),
    );
    expect(new Set(types)).toEqual(new Set(['Email', 'email', 'Group']));
  });

  test('the cap cuts /full and lists, but neither counts nor tables', () => {
    const profile = profileOf('may-2025', { fullCap: 100 });
    expect(list('app/full', { profile })).toHaveLength(100);
    expect(list('app', { profile })).toHaveLength(100);
    expect(ask('app/count', { profile }).json).toEqual({ value: 150 });
    const columns = [{ name: 'id', columnType: 'Property', definition: 'id' }];
    const { json } = ask('app/table', { method: 'POST', body: { entity: 'App', columns }, profile });
    expect((json as { rows: unknown[] }).rows).toHaveLength(150);
  });

  test('a count may be a bare number', () => {
    expect(ask('app/count', { profile: profileOf('may-2025', { countShape: 'number' }) }).json).toBe(150);
  });

  test('privileges are null unless they are asked for', () => {
    expect(list('app/full').every((row) => row['privileges'] === null)).toBe(true);
    expect(list('app/full?privileges=true')[0]?.['privileges']).toEqual(['read']);
    const root = { directory: 'corp', id: 'SVC_QLIK' };
    expect(list('app?privileges=true', { user: root })[0]?.['privileges']).toContain('update');
  });

  test('what hubs list is there, and virtual proxies as configured', () => {
    expect(list('app/hublist')).toHaveLength(150);
    expect(list('app/hublist/full')[0]).toHaveProperty('fileSize');
    const virtualProxies = [
      {
        prefix: 'jwt',
        description: 'JWT',
        cookieName: 'X-Qlik-Session-jwt',
        authenticationMethod: 4,
        allowList: ['qlik'],
      },
    ];
    expect(list('virtualproxyconfig/full', { context: { virtualProxies } })).toMatchObject([
      { prefix: 'jwt', sessionCookieHeaderName: 'X-Qlik-Session-jwt', websocketCrossOriginWhiteList: ['qlik'] },
    ]);
    expect(Object.keys(ask('extension/schema').json as object)).toHaveLength(site.extensions.length);
  });

  test('a user sees the objects and tasks of the apps that rules let through, and nothing of others', () => {
    const context = { sees: (app: App) => app.published };
    const hidden = site.apps.find((app) => !app.published && site.reloadTasks.some((task) => task.appId === app.id));
    const published = site.apps.filter((app) => app.published);
    expect(list('app/full', { context }).map((row) => row['id'])).toEqual(published.map((app) => app.id));
    expect(ask('app/count', { context }).json).toEqual({ value: published.length });
    expect(ask(`app/${hidden?.id}`, { context }).status).toBe(404);
    expect(list(`app/object?filter=${where(`app.id eq ${hidden?.id}`)}`, { context })).toEqual([]);
    expect(list(`reloadtask?filter=${where(`app.id eq ${hidden?.id}`)}`, { context })).toEqual([]);
    expect(list('user', { context })).toHaveLength(site.users.length);
  });

  test('deleted and renamed apps show at once', () => {
    const live = mutableSite(site);
    const [first, second] = site.apps;
    live.deleteApp(first?.id ?? '');
    live.renameApp(second?.id ?? '', 'Renamed', '2026-01-01T00:00:00.000Z');
    const context = { site: live };
    expect(ask('app/count', { context }).json).toEqual({ value: 149 });
    expect(ask(`app/${first?.id}`, { context }).status).toBe(404);
    expect(list(`app/object?filter=${where(`app.id eq ${first?.id}`)}`, { context })).toEqual([]);
    expect(ask(`app/${second?.id}`, { context }).json).toMatchObject({ name: 'Renamed' });
  });
});

describe('selections', () => {
  test('are made of a filter, read and removed', () => {
    const context = { selections: new Selections() };
    const made = ask(`selection/app?filter=${where('published eq true')}`, { method: 'POST', body: {}, context });
    expect(made.status).toBe(201);
    const { id, items } = made.json as { id: string; items: Row[] };
    const published = site.apps.filter((app) => app.published);
    expect(items).toHaveLength(published.length);
    expect(list(`selection/${id}/app/full`, { context }).map((row) => row['id'])).toEqual(
      published.map((app) => app.id),
    );
    expect(ask(`selection/${id}/app/count`, { context }).json).toEqual({ value: published.length });
    expect(list(`selection/${id}/Event/full`, { context })).toEqual([]);
    expect(ask(`selection/${id}`, { method: 'DELETE', context }).status).toBe(204);
    expect(ask(`selection/${id}/app`, { context }).status).toBe(404);
  });
});

describe('changes', () => {
  test('are told since a moment, deletions included', () => {
    const since = '2025-10-01T00:00:00.000Z';
    const recent = site.apps.filter((app) => app.modifiedDate > since);
    const deletions = [{ type: 'App', id: 'gone', at: '2025-11-01T00:00:00.000Z' }];
    const rows = list(`notification/changes?since=${since}&types=App`, { context: { deletions } });
    expect(rows).toHaveLength(recent.length + 1);
    expect(rows.at(-1)).toMatchObject({ changetype: 3, id: 'gone', type: 'App' });
    expect(ask('notification/changes?since=x&types=App').status).toBe(400);
    expect(ask(`notification/changes?since=${since}&types=Nothing`).status).toBe(400);
  });
});

describe('script logs', () => {
  test('come in two steps, whose first changed with May 2025', () => {
    const task = site.reloadTasks.find((each) => each.lastStart !== null);
    const old = profileOf('november-2024');
    const steps: [Profile, string, string][] = [
      [old, 'scriptlog?fileReferenceId=x', 'scriptlog.txt'],
      [profileOf(), 'scriptlogfile?executionResultId=x', 'Reload.log'],
    ];
    for (const [profile, step, file] of steps) {
      const { value } = ask(`reloadtask/${task?.id}/${step}`, { profile }).json as { value: string };
      const log = ask(`download/reloadtask/${value}/${file}`, { profile }).text;
      expect(log).toContain('Execution started.');
      expect(log).toContain(site.content(task?.appId ?? '').script.split('\r\n')[0]);
    }
    expect(ask(`ReloadTask/${task?.id}/scriptlogfile`, { profile: old }).status).toBe(404);
    expect(ask(`reloadtask/${task?.id}/scriptlog`).status).toBe(404);
  });
});

test('a large list is written in pieces', () => {
  const { body } = raw('app/object/full');
  expect(typeof body).not.toBe('string');
  const pieces = [...body];
  expect(pieces.length).toBeGreaterThan(10);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(80_000);
  expect(Array.isArray(JSON.parse(pieces.join('')))).toBe(true);
});
