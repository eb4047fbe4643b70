import { describe, expect, test } from 'vitest';
import { isAdmitted } from './model/access.ts';
import { cheapestWork, lowerBound, lowerBoundSeconds, SERVICE_TIMES, workMs } from './model/cost.ts';
import { generateSite } from './model/generate.ts';
import { mutableSite } from './model/mutate.ts';
import { definitionsIn, scriptSections, TRUTH_KINDS, truth, truthOfApp } from './model/truth.ts';
import type { EngineObject, Site } from './model/types.ts';

type Tree = { [key: string]: unknown };

/** The same rules, counted another way: over the JSON text, with the standard library's own walk. */
const count = (properties: unknown): { d: number; m: number; ids: string[] } => {
  const kept = JSON.stringify(properties, (key, value: unknown) =>
    ['qUndoExclude', 'qEmbeddedSnapshotDef', 'snapshot'].includes(key) ? undefined : value,
  );
  const found = { d: 0, m: 0, ids: [] as string[] };
  JSON.parse(kept, (key, value: Tree) => {
    if (key === 'qHyperCubeDef') {
      const [dimensions, measures] = [value['qDimensions'] as Tree[], value['qMeasures'] as Tree[]];
      found.d += dimensions?.length ?? 0;
      found.m += measures?.length ?? 0;
      found.ids.push(...[...(dimensions ?? []), ...(measures ?? [])].map((entry) => String(entry['qLibraryId'])));
    }
    if (key === 'qListObjectDef') {
      found.d += 1;
      found.ids.push(String(value['qLibraryId']));
    }
    return value;
  });
  return found;
};

const titleOf = (properties: EngineObject['properties']): string =>
  String((properties['qMetaDef'] as { title?: string }).title);

const bruteForce = (site: Site) => {
  const counts: Record<string, number> = Object.fromEntries(TRUTH_KINDS.map((kind) => [kind, 0]));
  const add = (kind: string, n: number): void => {
    counts[kind] = (counts[kind] ?? 0) + n;
  };
  const people = new Set(site.users.map(({ id }) => id));
  const owned = (rows: readonly { readonly ownerId: string }[]): number =>
    rows.filter(({ ownerId }) => people.has(ownerId)).length;
  const extensions = new Set(site.extensions.map(({ name }) => name));
  let uses = site.reloadTasks.length;
  let owns = owned([...site.streams, ...site.dataConnections, ...site.extensions, ...site.apps]);
  let memberships = 0;
  add('site', 1);
  add('stream', site.streams.length);
  add('user', site.users.length);
  add('tag', site.tags.length);
  add('customProperty', site.customPropertyDefinitions.length);
  add('dataConnection', site.dataConnections.length);
  add('reloadTask', site.reloadTasks.length);
  add('extension', site.extensions.length);
  for (const app of site.apps) {
    add('app', 1);
    if (app.admitted !== null && !app.admitted.includes('CORP\\SVC_CATALOG')) {
      const objects = site.objects(app.id);
      const of = (type: string) => objects.filter(({ objectType }) => objectType === type);
      add('sheet', of('sheet').length);
      add('story', of('story').length);
      add('bookmark', of('bookmark').length);
      add('masterDimension', of('dimension').length);
      add('masterMeasure', of('measure').length);
      add('masterVisualization', of('masterobject').length);
      owns += owned([...of('sheet'), ...of('story')]);
      continue;
    }
    const content = site.content(app.id);
    const existing = new Set([...content.masterDimensions, ...content.masterMeasures].map((item) => item.qId));
    const visualizations = content.masterVisualizations.map((item) => item.qId);
    const open: EngineObject[] = content.sheets.flatMap((sheet) => sheet.children);
    const charts: EngineObject[] = [];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      charts.push(next);
      open.push(...next.children);
    }
    for (const { properties } of [...charts, ...content.masterVisualizations]) {
      const { d, m, ids } = count(properties);
      add('chartDimension', d);
      add('chartMeasure', m);
      uses += ids.filter((id) => existing.has(id)).length;
      uses += extensions.has(String(properties['visualization'])) ? 1 : 0;
      // A chart that is coloured by a master item names it once.
      const color = properties['color'] as { byMeasureDef?: { type: string; key: string } } | undefined;
      uses += color?.byMeasureDef?.type === 'libraryItem' && existing.has(color.byMeasureDef.key) ? 1 : 0;
    }
    owns += owned([...content.sheets, ...content.stories]);
    uses += charts.filter((chart) => visualizations.includes(String(chart.properties['qExtendsId']))).length;
    // Measures that are made of others begin with the name of one.
    const labels = content.masterMeasures.map(
      ({ properties }) => `[${titleOf(properties).replaceAll(']', ']]')}] / Sum(`,
    );
    uses += content.masterMeasures.filter(({ properties }) => {
      const { qDef } = properties['qMeasure'] as { qDef: string };
      return labels.some((label) => qDef.startsWith(label));
    }).length;
    add('chart', charts.length);
    add('sheet', content.sheets.length);
    add('story', content.stories.length);
    add('bookmark', content.bookmarks.length);
    add('masterDimension', content.masterDimensions.length);
    add('masterMeasure', content.masterMeasures.length);
    add('masterVisualization', content.masterVisualizations.length);
    add('variable', content.variables.filter((v) => !(v.isReserved || v.isConfig)).length);
    if (/\S/.test(content.script)) {
      add('script', 1);
      const tabs = content.script.match(/^\/\/\/\$tab/gm)?.length ?? 0;
      const before = content.script.split(/^\/\/\/\$tab/m)[0] ?? '';
      add('scriptSection', tabs + (tabs === 0 || /\S/.test(before) ? 1 : 0));
    }
    const tables = content.tables.filter((table) => !table.isSystem);
    add('table', tables.length);
    add('field', content.fields.filter((field) => !field.isSystem).length);
    memberships += tables.reduce((sum, table) => sum + table.fieldNames.filter((n) => !n.startsWith('$Syn')).length, 0);
  }
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return { assets: counts, edges: { contains: all - 1 + memberships, uses, owns } };
};

describe('the truth', () => {
  test.each([1, 2, 3])('agrees with a count made another way (seed %i)', (seed) => {
    const site = generateSite({ seed, apps: 60 });
    const { assets, edges, outcomes } = truth(site);
    expect({ assets, edges }).toEqual(bruteForce(site));
    const denied = site.apps.filter((app) => !isAdmitted(app, site.crawlUser)).length;
    expect(denied).toBeGreaterThan(0);
    expect(outcomes).toEqual({ complete: 60 - denied, denied });
  });

  test('lists every asset of an app once, below a parent that is there', () => {
    const site = generateSite({ seed: 4, apps: 40 });
    for (const { id } of site.apps) {
      const { list, assets, uses, usesExtensions, owns, edges, memberships } = truthOfApp(site, id);
      const keys = list.map((asset) => asset.key.join('\u0000'));
      expect(new Set(keys).size).toBe(keys.length);
      for (const { parent, kind } of list) {
        if (kind === 'app') expect(parent.length === 0 || parent[0] === 'stream').toBe(true);
        else expect(keys).toContain(parent.join('\u0000'));
      }
      for (const { from, to } of uses) {
        expect(keys).toContain(from.join('\u0000'));
        expect(keys).toContain(to.join('\u0000'));
      }
      expect(Object.values(assets).reduce((sum, n) => sum + n, 0)).toBe(list.length);
      expect(edges).toEqual({
        contains: list.length + memberships.length,
        uses: uses.length + usesExtensions.length,
        owns: owns.length,
      });
    }
  });

  test('of another user differs where section access says so', () => {
    const site = generateSite({ seed: 5, apps: 10 });
    const stranger = { directory: 'NO', id: 'body' };
    const guarded = site.apps.filter((app) => app.sectionAccess);
    expect(truth(site, { user: stranger }).outcomes['denied']).toBe(guarded.length);
    const first = guarded[0]?.id ?? '';
    const kinds = new Set(truthOfApp(site, first, { user: stranger }).list.map(({ kind }) => kind));
    expect(kinds).toContain('app');
    for (const inside of ['chart', 'script', 'table', 'variable']) expect(kinds).not.toContain(inside);
  });

  test('without a visible script is partial and has no script', () => {
    const site = mutableSite(generateSite({ seed: 6, apps: 4 }));
    const app = site.apps[0];
    if (app === undefined) throw new Error('an app was expected');
    const before = truthOfApp(site, app.id);
    site.changeApp(app.id, { scriptHidden: true });
    const after = truthOfApp(site, app.id);
    expect(after.outcome).toBe('partial');
    expect([before.assets['script'], after.assets['script'], after.assets['scriptSection']]).toEqual([1, 0, 0]);
    expect(before.list.length - after.list.length).toBe(1 + (before.assets['scriptSection'] ?? 0));
  });

  test('follows renames and deletes', () => {
    const site = mutableSite(generateSite({ seed: 6, apps: 6 }));
    const [first, second] = site.apps;
    site.deleteApp(first?.id ?? '');
    site.renameApp(second?.id ?? '', 'Other', '2026-01-01T00:00:00.000Z');
    expect(truth(site).assets['app']).toBe(5);
    expect(truthOfApp(site, second?.id ?? '').list[0]?.name).toBe('Other');
    expect(() => truthOfApp(site, first?.id ?? '')).toThrow(RangeError);
  });
});

describe('definitions in properties', () => {
  const cube = (d: number, m: number, more: object = {}) => ({
    qDimensions: Array.from({ length: d }, () => ({ qDef: {} })),
    qMeasures: Array.from({ length: m }, () => ({ qDef: {} })),
    ...more,
  });

  test.each([
    ['a plain hypercube', { qHyperCubeDef: cube(2, 1) }, 2, 1],
    ['alternates', { qHyperCubeDef: cube(1, 1, { qLayoutExclude: { qHyperCubeDef: cube(2, 3) } }) }, 3, 4],
    ['map layers', { gaLayers: [{ qHyperCubeDef: cube(1, 0) }, { qHyperCubeDef: cube(1, 2) }] }, 2, 2],
    [
      'a copy for undo',
      { qUndoExclude: { box: { qHyperCubeDef: cube(5, 5) } }, boxplotDef: { qHyperCubeDef: cube(1, 1) } },
      1,
      1,
    ],
    [
      'pictures of former data',
      { snapshot: { qHyperCubeDef: cube(1, 1) }, qEmbeddedSnapshotDef: { qHyperCubeDef: cube(1, 1) } },
      0,
      0,
    ],
    ['a list box', { qListObjectDef: { qDef: {} } }, 1, 0],
    ['a hypercube without lists', { qHyperCubeDef: {} }, 0, 0],
    ['a hypercube that is null', { qHyperCubeDef: null }, 0, 0],
  ])('%s', (_, properties, dimensions, measures) => {
    const sides = definitionsIn(properties).map(({ side }) => side);
    expect([sides.filter((s) => s === 'd').length, sides.filter((s) => s === 'm').length]).toEqual([
      dimensions,
      measures,
    ]);
  });
});

describe('script sections', () => {
  test.each([
    ['', []],
    [' \r\n ', []],
    ['LOAD 1 AUTOGENERATE 1;', ['Main']],
    ['///$tab A\r\nx;\r\n///$tab B\r\ny;', ['A', 'B']],
    ['\r\n  \r\n///$tab A\nx;', ['A']],
    ['// text\n///$tab A\nx;', ['Main', 'A']],
    ['///$tab A\n///$tab A\n', ['A', 'A']],
    ['x; ///$tab no section', ['Main']],
  ])('%j', (script, names) => {
    expect(scriptSections(script).map((section) => section.name)).toEqual(names);
  });
});

describe('the lower bound', () => {
  const site = generateSite({ seed: 7, apps: 60 });

  test('adds up what the document says', () => {
    const app = site.apps.find((each) => isAdmitted(each, site.crawlUser) && site.content(each.id).sheets.length > 1);
    const content = site.content(app?.id ?? '');
    const { calls, characters } = cheapestWork(content);
    const sheets = content.sheets.filter((sheet) => sheet.children.length > 0);
    expect(calls).toBe(3 + 2 * sheets.length);
    const trees = sheets.map((sheet) => {
      const tree = (o: EngineObject): unknown => ({ qProperty: o.properties, qChildren: o.children.map(tree) });
      return JSON.stringify(tree(sheet)).length;
    });
    const least = trees.reduce((sum, n) => sum + n, 0) + JSON.stringify(content.script).length;
    expect(characters).toBeGreaterThan(least * 0.99);
    expect(characters).toBeLessThan(least + JSON.stringify(content).length - JSON.stringify(content.sheets).length);
    expect(workMs({ calls, characters })).toBeCloseTo(calls * 2 + (characters / 1024) * 0.05, 6);
    expect(SERVICE_TIMES).toMatchObject({ roundTripMs: 5, openMs: 40, engineMs: 2, engineMsPerKiB: 0.05 });
  });

  test('counts trees not larger than the engine answers them', () => {
    for (const { id } of site.apps.slice(0, 20)) {
      const content = site.content(id);
      const tree = (o: EngineObject): unknown => ({
        qProperty: o.properties,
        qChildren: o.children.map(tree),
        qEmbeddedSnapshotRef: null,
      });
      const answered = content.sheets.map(tree).reduce<number>((sum, t) => sum + JSON.stringify(t).length, 0);
      const rest = JSON.stringify([
        content.script,
        content.masterDimensions,
        content.masterMeasures,
        content.masterVisualizations,
        content.bookmarks,
        content.stories,
        content.variables,
        content.sheets.map(({ qId, properties }) => [qId, properties['qMetaDef']]),
      ]).length;
      expect(cheapestWork(content).characters).toBeLessThanOrEqual(answered + rest);
    }
  });

  test('falls with sessions, but never below what one app or the site scope takes', () => {
    const [one, two, four, many] = [1, 2, 4, 10_000].map((sessions) => lowerBound(site, { sessions }));
    if (one === undefined || two === undefined || four === undefined || many === undefined) throw new Error('four');
    expect(one.seconds).toBeGreaterThan(two.seconds);
    expect(two.seconds).toBeGreaterThan(four.seconds);
    expect(one.sessionSeconds).toBeCloseTo(two.sessionSeconds, 9);
    expect(many.seconds).toBeGreaterThanOrEqual(many.longestAppSeconds + 0.015);
    expect(one.seconds).toBeCloseTo(one.sessionSeconds + 0.01502, 9);
    expect(lowerBoundSeconds(site, { sessions: 2 })).toBe(two.seconds);
    expect(one.opens).toBe(truth(site).outcomes['complete']);
  });

  test('is the site scope alone when the user may open nothing', () => {
    const empty = generateSite({ seed: 1, apps: 0 });
    const { seconds, siteSeconds } = lowerBound(empty, { sessions: 2 });
    expect([seconds, siteSeconds]).toEqual([0.02002, 0.02002]);
    expect(() => lowerBound(site, { sessions: 0 })).toThrow(RangeError);
  });
});
