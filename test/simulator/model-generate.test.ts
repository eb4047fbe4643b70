import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { accessName, isAdmitted } from './model/access.ts';
import { generateSite } from './model/generate.ts';
import { mutableSite } from './model/mutate.ts';
import type { AppContent, EngineObject, Site } from './model/types.ts';

const contents = function* (site: Site): Generator<AppContent> {
  for (const { id } of site.apps) yield site.content(id);
};

const treeOf = (object: EngineObject): EngineObject[] => [object, ...object.children.flatMap(treeOf)];

const plainOf = ({ app: _, content: __, objects: ___, ...lists }: Site): unknown => lists;

describe('a generated site', () => {
  test('is equal for an equal seed, whatever was asked before', () => {
    const [one, two] = [generateSite({ seed: 11, apps: 40 }), generateSite({ seed: 11, apps: 40, cachedContents: 1 })];
    expect(plainOf(two)).toEqual(plainOf(one));
    const ids = one.apps.map((app) => app.id);
    const straight = ids.map((id) => JSON.stringify(one.content(id)));
    for (const id of ids.toReversed()) two.objects(id);
    const backwards = ids.toReversed().map((id) => JSON.stringify(two.content(id)));
    expect(backwards.toReversed()).toEqual(straight);
    expect(JSON.stringify(two.content(ids[3] ?? ''))).toBe(straight[3]);
  });

  test('differs for another seed', () => {
    const [one, two] = [generateSite({ seed: 1, apps: 5 }), generateSite({ seed: 2, apps: 5 })];
    expect(one.apps[0]?.id).not.toBe(two.apps[0]?.id);
    expect(JSON.stringify(plainOf(one))).not.toBe(JSON.stringify(plainOf(two)));
  });

  test('has ids that are unique and references that mean something', () => {
    const site = generateSite({ seed: 5, apps: 120 });
    const lists = [
      site.users,
      site.streams,
      site.tags,
      site.customPropertyDefinitions,
      site.dataConnections,
      site.reloadTasks,
      site.extensions,
      site.apps,
    ];
    const ids = lists.flatMap((list) => list.map(({ id }: { id: string }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    const streams = new Set(site.streams.map((stream) => stream.id));
    for (const app of site.apps) {
      expect(app.published).toBe(app.streamId !== null);
      if (app.streamId !== null) expect(streams.has(app.streamId)).toBe(true);
      expect(app.createdDate <= app.modifiedDate).toBe(true);
      expect(site.app(app.id)).toBe(app);
    }
    for (const task of site.reloadTasks) expect(site.app(task.appId)).toBeDefined();
    expect(() => site.content('00000000-0000-0000-0000-000000000000')).toThrow(RangeError);
  });

  test('lists the same objects to the repository as the engine has', () => {
    const site = generateSite({ seed: 8, apps: 30 });
    for (const { id } of site.apps) {
      const content = site.content(id);
      const roots = [
        ...content.sheets,
        ...content.stories,
        ...content.masterDimensions,
        ...content.masterMeasures,
        ...content.masterVisualizations,
        ...content.bookmarks,
        ...content.others,
      ];
      const ofEngine = roots.map(({ qId, qType, repositoryId, modifiedDate }) => [
        repositoryId,
        qId,
        qType,
        modifiedDate,
      ]);
      const ofRepository = site
        .objects(id)
        .map((row) => [row.id, row.engineObjectId, row.objectType, row.modifiedDate]);
      expect(ofRepository.toSorted()).toEqual(ofEngine.toSorted());
      const everything = roots.flatMap(treeOf).map((object) => object.qId);
      expect(new Set(everything).size).toBe(everything.length);
      for (const object of roots.flatMap(treeOf)) {
        expect(object.properties['qInfo']).toEqual({ qId: object.qId, qType: object.qType });
      }
    }
  });

  test('has the median app at about 40 MiB', () => {
    const sizes = generateSite({ seed: 4, apps: 1001 })
      .apps.map((app) => app.fileSizeBytes)
      .sort((a, b) => a - b);
    const median = (sizes[500] ?? 0) / 2 ** 20;
    expect(median).toBeGreaterThan(28);
    expect(median).toBeLessThan(52);
    expect(sizes.at(-1)).toBeGreaterThan(400 * 2 ** 20);
  });

  test('stays small with 5,000 apps, also after many were read', { timeout: 120_000 }, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = held();
    const site = generateSite({ seed: 9, apps: 5000, cachedContents: 8 });
    expect(held() - before).toBeLessThan(100 * 2 ** 20);
    // Contents have a quarter of a megabyte as JSON, several times that in memory: kept ones would show.
    for (const { id } of site.apps.slice(0, 400)) site.content(id);
    let objects = 0;
    for (const { id } of site.apps) objects += site.objects(id).length;
    expect(objects).toBeGreaterThan(50_000);
    expect(held() - before).toBeLessThan(120 * 2 ** 20);
    expect(site.apps).toHaveLength(5000);
  });

  test('never gives the same cached content to two apps, and the same one twice in a row', () => {
    const site = generateSite({ seed: 3, apps: 6, cachedContents: 2 });
    const [a, b] = [site.apps[0]?.id ?? '', site.apps[1]?.id ?? ''];
    expect(site.content(a)).toBe(site.content(a));
    expect(site.content(a)).not.toEqual(site.content(b));
  });
});

describe('tables and fields', () => {
  test('agree with each other and with the script', () => {
    const site = generateSite({ seed: 21, apps: 150 });
    for (const app of site.apps) {
      const { tables, fields, script } = site.content(app.id);
      const names = tables.map((table) => table.name);
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(fields.map((field) => field.name)).size).toBe(fields.length);
      for (const table of tables) {
        const members = fields.filter((field) => field.srcTables.includes(table.name)).map((field) => field.name);
        if (table.isSystem) continue;
        expect(members.filter((name) => !name.startsWith('$Syn')).toSorted()).toEqual(table.fieldNames.toSorted());
        // The label stands in front of a load, bare or in brackets; or a sub or a loop is given the name.
        const spelled = [`${table.name}:`, `[${table.name}]:`, `'${table.name}'`];
        // Those of an app that is loaded whole have none.
        if (!/\bbinary [["]/i.test(script)) expect(spelled.some((text) => script.includes(text))).toBe(true);
      }
      if (app.lastReloadTime === null) expect([tables, fields]).toEqual([[], []]);
    }
  });

  test('are what expressions name, but for apps that drop all and what was renamed', () => {
    const site = generateSite({ seed: 1, apps: 60 });
    const wrong: string[] = [];
    let renamed = 0;
    for (const app of site.apps) {
      const { fields, sheets, masterMeasures } = site.content(app.id);
      const names = new Set(fields.flatMap(({ name, isSystem }) => (isSystem ? [] : [name])));
      if (names.size === 0) continue;
      const texts = JSON.stringify([sheets, masterMeasures]);
      for (const [name, spelled] of [
        ['IsReturned', '<IsReturned={'],
        ['Year', '<Year={'],
        ['Row Count', '([Row Count])'],
        ['OrderID', '[OrderID]'],
        ['Target Amount', '=Avg([Target Amount])'],
      ] as const)
        if (!names.has(name) && texts.includes(spelled)) wrong.push(`${app.name}: ${name}`);
      renamed += texts.includes('([Order ID])') ? 1 : 0;
    }
    expect(wrong).toEqual([]);
    expect(renamed).toBeGreaterThan(0);
    expect(renamed).toBeLessThan(15);
  });

  test('come from QVDs that other apps of the site store', () => {
    const site = generateSite({ seed: 22, apps: 150 });
    const stored = new Set<string>();
    const read = new Set<string>();
    for (const { script } of contents(site)) {
      for (const [, path] of script.matchAll(/INTO \[lib:\/\/[^/]+\/([^\]]+\.qvd)\]/g)) stored.add(path ?? '');
      for (const [, path] of script.matchAll(/FROM \[lib:\/\/[^/]+\/([^\]]+\.qvd)\]/g)) read.add(path ?? '');
    }
    expect([...read].filter((path) => stored.has(path)).length).toBeGreaterThan(10);
  });
});

describe('section access', () => {
  test('admits the crawl user to some apps and not to others', () => {
    const site = generateSite({ seed: 6, apps: 10 });
    const guarded = site.apps.filter((app) => app.sectionAccess);
    expect(guarded.some((app) => isAdmitted(app, site.crawlUser))).toBe(true);
    expect(guarded.some((app) => !isAdmitted(app, site.crawlUser))).toBe(true);
    expect(guarded.every((app) => !isAdmitted(app, { directory: 'INTERNAL', id: 'sa_api' }))).toBe(true);
    const admitted = guarded.find((app) => isAdmitted(app, site.crawlUser));
    const { directory, id } = site.crawlUser;
    expect(admitted?.admitted).toContain(accessName(site.crawlUser));
    expect(admitted && isAdmitted(admitted, { directory: directory.toLowerCase(), id: id.toUpperCase() })).toBe(true);
    for (const app of site.apps.filter((each) => !each.sectionAccess)) {
      expect(isAdmitted(app, { directory: 'NO', id: 'body' })).toBe(true);
    }
  });
});

describe('a site that changes', () => {
  test('renames, changes and deletes apps without touching the generated one', () => {
    const base = generateSite({ seed: 2, apps: 8 });
    const site = mutableSite(base);
    const [first, second] = base.apps;
    if (first === undefined || second === undefined) throw new Error('two apps were expected');
    const content = JSON.stringify(base.content(second.id));
    site.renameApp(second.id, 'New name', '2025-12-01T00:00:00.000Z');
    site.changeApp(second.id, { scriptHidden: true });
    site.deleteApp(first.id);
    expect(site.apps.map((app) => app.name)).toEqual(['New name', ...base.apps.slice(2).map((app) => app.name)]);
    expect(site.app(second.id)).toMatchObject({ name: 'New name', scriptHidden: true });
    expect(site.app(first.id)).toBeUndefined();
    expect(site.reloadTasks.some((task) => task.appId === first.id)).toBe(false);
    expect(() => site.content(first.id)).toThrow(RangeError);
    expect(() => site.renameApp(first.id, 'x', '2025-12-01T00:00:00.000Z')).toThrow(RangeError);
    expect(JSON.stringify(site.content(second.id))).toBe(content);
    expect(base.apps).toHaveLength(8);
    expect(base.app(second.id)?.name).toBe(second.name);
  });

  test('copies apps and renames their objects, and the repository and the engine agree on both', () => {
    const base = generateSite({ seed: 2, apps: 8 });
    const site = mutableSite(base);
    const original = base.apps.find(({ id }) => base.content(id).sheets.length > 0);
    const sheet = original === undefined ? undefined : base.content(original.id).sheets[0];
    if (original === undefined || sheet === undefined) throw new Error('a sheet was expected');
    const at = '2025-12-01T00:00:00.000Z';
    const copy = '00000000-0000-4000-8000-000000000001';
    site.copyApp(original.id, copy, 'Copy', at);
    site.renameObject(original.id, sheet.qId, 'Other title', at);
    expect(site.apps.map(({ id }) => id)).toEqual([...base.apps.map(({ id }) => id), copy]);
    expect(site.app(copy)).toMatchObject({ name: 'Copy', streamId: null, published: false, createdDate: at });
    expect(site.content(copy)).toEqual(base.content(original.id));
    const ids = (appId: string) => site.objects(appId).map(({ id }) => id);
    expect(new Set([...ids(copy), ...ids(original.id)]).size).toBe(2 * base.objects(original.id).length);

    const listed = (from: typeof base) =>
      from.objects(original.id).find(({ engineObjectId }) => engineObjectId === sheet.qId);
    expect(listed(site)).toMatchObject({ name: 'Other title', modifiedDate: at, id: listed(base)?.id });
    expect(listed(site)?.contentHash).not.toBe(listed(base)?.contentHash);
    expect(site.content(original.id).sheets[0]?.properties).toMatchObject({ qMetaDef: { title: 'Other title' } });
    expect(site.app(original.id)).toEqual(original);
    site.deleteApp(copy);
    expect(site.apps).toHaveLength(8);
    for (const wrong of [
      () => site.copyApp(original.id, base.apps[0]?.id ?? '', 'Again', at),
      () => site.renameObject(original.id, 'nothing', 'x', at),
    ])
      expect(wrong).toThrow(RangeError);
  });
});
