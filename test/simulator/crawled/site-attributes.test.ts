import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AssetRecord } from '#protocol/records.ts';
import type { CustomPropertyValue, Entity, User } from '#test/simulator/model/types.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

/** One test for each row of what any product tells of a site: every attribute, compared with the model of the site. */

let simulator: Simulator;
let crawled: Crawled;
let assets: ReadonlyMap<string, AssetRecord>;

beforeAll(async () => {
  simulator = await simulate({ seed: 11, apps: 30 });
  crawled = await crawlSimulated(connectionFor(simulator));
  assets = new Map(crawled.assets.map((asset) => [asset.key, asset]));
});
afterAll(() => simulator?.[Symbol.asyncDispose]());

type Attributes = Readonly<Record<string, unknown>>;
const attributesOf = (...key: readonly string[]): Attributes => {
  const asset = assets.get(['sim', ...key].join('/'));
  expect(asset, key.join('/')).toBeDefined();
  return asset?.attributes ?? {};
};
const nameOf = (...key: readonly string[]): string | undefined => assets.get(['sim', ...key].join('/'))?.name;

/** What is not said is not written. */
const saying = (attributes: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).filter(
      ([, value]) =>
        value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  );

const userOf = (id: string): User | undefined => simulator.site.users.find((user) => user.id === id);

const ownerOf = (id: string): Attributes => {
  const user = userOf(id);
  // Somebody who was deleted is still named by what the repository remembers.
  if (user === undefined) return { id, name: expect.any(String), account: expect.any(String) };
  const { name, userDirectory, userId, email } = user;
  return saying({ id, name, account: `${userDirectory}\\${userId}`, email });
};

const tagsOf = (ids: readonly string[]): string[] =>
  ids.flatMap((id) => simulator.site.tags.find((tag) => tag.id === id)?.name ?? []);

const propertiesOf = (values: readonly CustomPropertyValue[]) =>
  values.map(({ definitionId, value }) => ({
    name: simulator.site.customPropertyDefinitions.find(({ id }) => id === definitionId)?.name,
    value,
  }));

const entityOf = (entity: Entity): Attributes =>
  saying({
    created: entity.createdDate,
    modified: entity.modifiedDate,
    modifiedBy: entity.modifiedByUserName,
    tags: tagsOf(entity.tagIds),
    customProperties: propertiesOf(entity.customProperties),
  });

/** Whether some have it and some do not: a test of an attribute that nobody has would say nothing. */
const expectVariety = <T>(rows: readonly T[], has: (row: T) => boolean): void => {
  expect(rows.some(has)).toBe(true);
  expect(rows.every(has)).toBe(false);
};

test('row "Streams": type, owner with e-mail, created and updated dates, modified by, tags, custom properties', () => {
  const { streams } = simulator.site;
  expectVariety(streams, ({ customProperties }) => customProperties.length > 0);
  for (const stream of streams) {
    expect(nameOf('stream', stream.id)).toBe(stream.name);
    expect(attributesOf('stream', stream.id)).toEqual({
      ...entityOf(stream),
      owner: ownerOf(stream.ownerId),
      type: 'custom',
    });
  }
});

test('row "Apps": name, description, stream, published, times, size, owner, origin, section access, direct query, thumbnail, address', () => {
  const { apps } = simulator.site;
  expectVariety(apps, ({ streamId }) => streamId !== null);
  expectVariety(apps, ({ sourceAppId }) => sourceAppId !== null);
  expectVariety(apps, ({ thumbnail }) => thumbnail !== '');
  expectVariety(apps, ({ sectionAccess }) => sectionAccess);
  for (const app of apps) {
    expect(nameOf(app.id)).toBe(app.name);
    const stream = simulator.site.streams.find(({ id }) => id === app.streamId);
    expect(assets.get(`sim/${app.id}`)?.parent).toBe(stream === undefined ? 'sim' : `sim/stream/${stream.id}`);
    const told = saying(attributesOf(app.id));
    expect(told).toMatchObject({
      ...entityOf(app),
      ...saying({
        description: app.description,
        owner: ownerOf(app.ownerId),
        stream: stream?.name,
        streamId: stream?.id,
        published: app.published,
        publishTime: app.publishTime,
        lastReload: app.lastReloadTime,
        sizeBytes: app.fileSizeBytes,
        originApp: app.sourceAppId,
        targetApp: app.targetAppId,
        savedInProductVersion: app.savedInProductVersion,
        availability: 0,
        thumbnailUrl: app.thumbnail === '' ? undefined : `https://qlik.example/jwt${app.thumbnail}`,
        url: `https://qlik.example/jwt/sense/app/${app.id}`,
      }),
    });
    for (const absent of ['description', 'publishTime', 'lastReload', 'stream', 'originApp', 'thumbnailUrl'] as const) {
      const value = {
        ...app,
        lastReload: app.lastReloadTime,
        stream,
        originApp: app.sourceAppId,
        thumbnailUrl: app.thumbnail,
      }[absent];
      if (value === null || value === undefined || value === '') expect(told).not.toHaveProperty(absent);
    }
    if (crawled.outcomes.get(`sim/${app.id}`)?.outcome === 'denied' || app.lastReloadTime === null) continue;
    expect(told['sectionAccess']).toBe(app.sectionAccess);
    expect(told['directQuery']).toBe(app.directQuery);
  }
});

test('row "Owners / contacts": name, account and e-mail on everything that is owned, and an edge from the user', () => {
  const owned = new Set(
    crawled.records.flatMap((record) =>
      record.t === 'edge' && record.kind === 'owns' ? [`${record.from} ${record.to}`] : [],
    ),
  );
  const { apps, streams, dataConnections, extensions } = simulator.site;
  const rows = [
    ...apps.map((row) => ({ row, key: `sim/${row.id}` })),
    ...streams.map((row) => ({ row, key: `sim/stream/${row.id}` })),
    ...dataConnections.map((row) => ({ row, key: `sim/dataConnection/${row.id}` })),
    ...extensions.map((row) => ({ row, key: `sim/extension/${row.id}` })),
  ];
  expectVariety(rows, ({ row }) => userOf(row.ownerId) !== undefined);
  expectVariety(rows, ({ row }) => (userOf(row.ownerId)?.email ?? null) !== null);
  for (const { row, key } of rows) {
    expect(assets.get(key)?.attributes?.['owner']).toEqual(ownerOf(row.ownerId));
    expect(owned.has(`sim/user/${row.ownerId} ${key}`)).toBe(userOf(row.ownerId) !== undefined);
  }
  const sheets = crawled.assets.filter(({ kind }) => kind === 'sheet');
  expect(sheets.length).toBeGreaterThan(0);
  for (const { attributes } of sheets) expect(attributes?.['owner']).toMatchObject({ account: expect.any(String) });
});

test('row "Identity key": code, kind and id for the site, code and app id for apps, and each key once', () => {
  expect(assets.size).toBe(crawled.assets.length);
  for (const [key, { kind }] of assets) {
    if (kind === 'site') expect(key).toBe('sim');
    else if (kind === 'app') expect(key.split('/')).toHaveLength(2);
    else if (assets.get(key)?.parent === 'sim') expect(key.split('/').slice(0, 2)).toEqual(['sim', kind]);
    else expect(key.startsWith('sim/')).toBe(true);
  }
});

test('users: account, directory, e-mail, roles, and whether they are still there', () => {
  const { users } = simulator.site;
  expectVariety(users, ({ email }) => email !== null);
  for (const user of users) {
    expect(attributesOf('user', user.id)).toMatchObject(
      saying({
        userId: user.userId,
        userDirectory: user.userDirectory,
        account: `${user.userDirectory}\\${user.userId}`,
        email: user.email,
        roles: user.roles,
        inactive: user.inactive || undefined,
        removedExternally: user.removedExternally || undefined,
      }),
    );
    expect(nameOf('user', user.id)).toBe(user.name);
  }
});

test('custom properties: choices, value type, object types, description; tags by name', () => {
  for (const { id, name, valueType, choiceValues, objectTypes, description } of simulator.site
    .customPropertyDefinitions) {
    expect(nameOf('customProperty', id)).toBe(name);
    expect(attributesOf('customProperty', id)).toMatchObject(
      saying({ valueType, choiceValues, objectTypes, description }),
    );
  }
  for (const { id, name } of simulator.site.tags) expect(nameOf('tag', id)).toBe(name);
});

test('extensions: type, description, version, author, owner, and the charts that they draw', () => {
  const drawn = crawled.records.filter(
    (record) => record.t === 'edge' && record.kind === 'uses' && record.to.startsWith('sim/extension/'),
  );
  expect(drawn.length).toBeGreaterThan(0);
  for (const extension of simulator.site.extensions) {
    const { type, description, version, author } = extension.definition;
    expect(attributesOf('extension', extension.id)).toEqual({
      ...entityOf(extension),
      owner: ownerOf(extension.ownerId),
      ...saying({ type, description, version, author }),
    });
  }
});

const STATUS: Readonly<Record<number, string>> = {
  0: 'neverStarted',
  2: 'started',
  6: 'aborted',
  7: 'finishedSuccess',
  8: 'finishedFail',
  11: 'error',
};
const EVERY = ['once', 'hourly', 'daily', 'weekly', 'monthly', 'custom'];

test('reload tasks: app, enabled, schedule, what follows on what, last result with node and message, next run', () => {
  const { reloadTasks } = simulator.site;
  expectVariety(reloadTasks, ({ triggers }) => triggers.some(({ kind }) => kind === 'schedule'));
  expectVariety(reloadTasks, ({ triggers }) => triggers.some(({ kind }) => kind === 'after-tasks'));
  expectVariety(reloadTasks, ({ enabled }) => enabled);
  expectVariety(reloadTasks, ({ lastStatus }) => lastStatus === 7);
  for (const task of reloadTasks) {
    const told = attributesOf('reloadTask', task.id);
    expect(told).toMatchObject({
      ...entityOf(task),
      ...saying({
        app: `sim/${task.appId}`,
        appName: simulator.site.app(task.appId)?.name,
        enabled: task.enabled,
        lastStatus: STATUS[task.lastStatus],
        lastStarted: task.lastStart,
        lastStopped: task.lastStop,
        lastDurationMs: task.lastStart === null ? undefined : task.lastDurationMs,
        lastNode: task.lastStart === null ? undefined : 'qlikserver.corp.example',
        nextRun: task.nextExecution,
      }),
    });
    expect(JSON.stringify(told)).not.toContain('canary');
    if (task.lastStatus === 8) expect(told['lastMessage']).toMatch(/Reload failed.*\[redacted\]/s);
    const triggers = task.triggers.map((trigger) =>
      trigger.kind === 'schedule'
        ? expect.objectContaining({
            kind: 'schedule',
            name: trigger.name,
            enabled: trigger.enabled,
            every: EVERY[trigger.incrementOption],
            timeZone: trigger.timeZone,
            starts: trigger.startDate,
            nextRun: task.nextExecution,
            ...saying({ ends: trigger.expirationDate }),
          })
        : expect.objectContaining({
            kind: 'afterTasks',
            name: trigger.name,
            enabled: trigger.enabled,
            ...(trigger.withinMinutes === 0 ? {} : { withinMs: trigger.withinMinutes * 60_000 }),
            tasks: trigger.rules.map(({ taskId, after }) => ({
              task: `sim/reloadTask/${taskId}`,
              name: reloadTasks.find(({ id }) => id === taskId)?.name,
              after,
            })),
          }),
    );
    expect(told['triggers'] ?? []).toEqual(triggers);
  }
  const scheduled = crawled.assets.flatMap(
    ({ attributes }) => (attributes?.['triggers'] as Attributes[] | undefined) ?? [],
  );
  const daily = scheduled.find(({ every }) => every === 'daily');
  expect(daily).toMatchObject({ interval: '1 day' });
  expect(daily).not.toHaveProperty('filter');
});

test('reload tasks use the apps that they reload', () => {
  const uses = new Set(
    crawled.records.flatMap((record) =>
      record.t === 'edge' && record.kind === 'uses' ? [`${record.from} ${record.to}`] : [],
    ),
  );
  for (const { id, appId } of simulator.site.reloadTasks) expect(uses).toContain(`sim/reloadTask/${id} sim/${appId}`);
});

test('data connections: where they lead, with whose rights, and no secret', () => {
  const byName = (name: string): Attributes => {
    const found = simulator.site.dataConnections.find((connection) => connection.name === name);
    return attributesOf('dataConnection', found?.id ?? '');
  };
  expect(byName('DWH (corp_svc_qlik)')).toMatchObject({
    type: 'OLEDB',
    leadsTo: 'oledb',
    provider: 'SQLOLEDB.1',
    host: 'sql01.corp.example',
    port: 1433,
    database: 'SalesDW',
    logOn: 'serviceUser',
    architectureBits: 64,
  });
  expect(byName('ERP')).toMatchObject({ leadsTo: 'odbc', dsn: 'ERP_PROD', architectureBits: 32 });
  expect(byName('Snowflake')).toMatchObject({
    driver: 'snowflake',
    database: 'LOGISTICS',
    schema: 'PUBLIC',
    logOn: 'currentUser',
  });
  expect(byName('Ticket API (corp_svc_qlik)')).toMatchObject({
    leadsTo: 'rest',
    address: 'https://tickets.example/v2/tickets',
  });
  expect(byName('QVD')).toMatchObject({ leadsTo: 'folder', host: 'fileserver', path: '\\\\fileserver\\bi\\qvd\\' });
  for (const connection of simulator.site.dataConnections) {
    const told = attributesOf('dataConnection', connection.id);
    expect(told).toMatchObject({ ...entityOf(connection), owner: ownerOf(connection.ownerId), type: connection.type });
    for (const secret of ['canary', 'qlik_reader', 'hr_ro', '%%password'])
      expect(JSON.stringify(told)).not.toContain(secret);
  }
});
