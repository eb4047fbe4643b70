import { expect, test } from 'vitest';
import { generateSite } from './model/generate.ts';
import type { AppContent, EngineObject, Site } from './model/types.ts';

/** Everything of a site, gathered once. */
interface Estate {
  readonly site: Site;
  readonly contents: readonly AppContent[];
  readonly charts: readonly EngineObject[];
  readonly scripts: string;
  readonly names: readonly string[];
  readonly chartJson: string;
}

const below = (object: EngineObject): EngineObject[] => object.children.flatMap((child) => [child, ...below(child)]);

const gather = (): Estate => {
  const site = generateSite({ seed: 2025, apps: 200 });
  const contents = site.apps.map((app) => site.content(app.id));
  const charts = contents.flatMap((content) => content.sheets.flatMap(below));
  const titled = contents.flatMap((content) => [
    ...content.sheets,
    ...content.bookmarks,
    ...content.masterDimensions,
    ...content.masterMeasures,
    ...content.masterVisualizations,
    ...content.stories,
  ]);
  return {
    site,
    contents,
    charts,
    scripts: contents.map((content) => content.script).join('\n'),
    names: [
      ...site.apps.map((app) => app.name),
      ...site.streams.map((stream) => stream.name),
      ...titled.map((object) => String((object.properties['qMetaDef'] as { title?: unknown }).title)),
      ...contents.flatMap((content) => content.fields.map((field) => field.name)),
    ],
    chartJson: JSON.stringify(charts.map((chart) => chart.properties)),
  };
};

const some = <T>(list: readonly T[], holds: (member: T) => boolean): boolean => list.some(holds);
const ids = (content: AppContent): ReadonlySet<string> =>
  new Set([...content.masterDimensions, ...content.masterMeasures, ...content.masterVisualizations].map((o) => o.qId));
const references = (content: AppContent, name: 'qLibraryId' | 'qExtendsId'): string[] =>
  [...JSON.stringify(content.sheets).matchAll(new RegExp(`"${name}":"([^"]+)"`, 'g'))].map(([, id]) => id ?? '');
const cIds = (properties: Readonly<Record<string, unknown>>): string[] =>
  [...JSON.stringify(properties['qHyperCubeDef'] ?? {}).matchAll(/"cId":"([^"]+)"/g)].map(([, id]) => id ?? '');

const FEATURES: Readonly<Record<string, (estate: Estate) => boolean>> = {
  'published apps': ({ site }) => some(site.apps, (app) => app.streamId !== null && app.publishTime !== null),
  'personal apps': ({ site }) => some(site.apps, (app) => app.streamId === null),
  'never-reloaded apps with many masters': ({ site, contents }) =>
    some(site.apps, (app) => {
      const content = contents[site.apps.indexOf(app)];
      return app.lastReloadTime === null && (content?.masterMeasures.length ?? 0) >= 15 && content?.fields.length === 0;
    }),
  'apps with section access': ({ site }) => some(site.apps, (app) => app.sectionAccess),
  'direct query apps': ({ site }) => some(site.apps, (app) => app.directQuery),
  'orphaned owners of apps': ({ site }) =>
    some(site.apps, (app) => !some(site.users, (user) => user.id === app.ownerId)),
  'orphaned owners of streams or connections': ({ site }) =>
    some(
      [...site.streams, ...site.extensions, ...site.reloadTasks],
      (entity) => !some(site.users, (user) => user.id === entity.ownerId),
    ),
  'inactive users': ({ site }) => some(site.users, (user) => user.inactive),
  'users without e-mail address': ({ site }) => some(site.users, (user) => user.email === null),
  'user ids with quotes, semicolons and letters beyond ASCII': ({ site }) =>
    some(site.users, (user) => user.userId.includes("'") && user.userId.includes(';')) &&
    some(site.users, (user) => user.userId.includes('ü')),
  thumbnails: ({ site }) => some(site.apps, (app) => app.thumbnail.startsWith(`/appcontent/${app.id}/`)),
  'tags and custom properties on apps': ({ site }) =>
    some(site.apps, (app) => app.tagIds.length > 0) && some(site.apps, (app) => app.customProperties.length > 1),
  'apps of one name': ({ site }) => new Set(site.apps.map((app) => app.name)).size < site.apps.length,
  'base, community and private sheets': ({ contents }) => {
    const sheets = contents.flatMap((content) => content.sheets);
    return (
      some(sheets, (s) => s.approved && s.published) &&
      some(sheets, (s) => !s.approved && s.published) &&
      some(sheets, (s) => !s.approved && !s.published)
    );
  },
  'sheets without charts': ({ contents }) => some(contents, (c) => some(c.sheets, (s) => s.children.length === 0)),
  'containers with children': ({ charts }) => some(charts, (c) => c.qType === 'container' && c.children.length > 0),
  'tabbed containers with children': ({ charts }) =>
    some(charts, (c) => c.qType === 'sn-tabbed-container' && c.children.length > 0),
  'containers inside containers': ({ charts }) =>
    some(
      charts,
      (c) => c.qType.includes('container') && some(c.children, (child) => child.qType.includes('container')),
    ),
  'filter panes with list boxes': ({ charts }) =>
    some(
      charts,
      (c) =>
        c.qType === 'filterpane' &&
        c.children.every((child) => child.qType === 'listbox' && 'qListObjectDef' in child.properties),
    ),
  'filter panes inside containers': ({ charts }) =>
    some(charts, (c) => c.qType.includes('container') && some(c.children, (child) => child.qType === 'filterpane')),
  'map layers with hypercubes': ({ charts }) =>
    some(charts, (c) => c.qType === 'map' && JSON.stringify(c.properties['gaLayers']).includes('"qHyperCubeDef"')),
  'box plots with their own hypercube and a copy for undo': ({ charts }) =>
    some(
      charts,
      (c) => c.qType === 'boxplot' && JSON.stringify(c.properties['boxplotDef']).includes('"qHyperCubeDef"'),
    ) && some(charts, (c) => JSON.stringify(c.properties['qUndoExclude'] ?? '').includes('"qHyperCubeDef"')),
  'snapshots of former data in charts': ({ charts }) =>
    some(charts, (c) => 'qEmbeddedSnapshotDef' in c.properties && 'snapshot' in c.properties),
  alternates: ({ chartJson }) => /"qLayoutExclude":\{"qHyperCubeDef":\{"qDimensions":\[\{/.test(chartJson),
  'missing cIds': ({ chartJson }) => /"textAlign":\{[^}]*\}\},"qNullSuppression"/.test(chartJson),
  'repeated cIds in one chart': ({ charts }) =>
    some(charts, (c) => {
      const all = cIds(c.properties);
      return new Set(all).size < all.length;
    }),
  'titles that are expressions': ({ chartJson }) => chartJson.includes('"title":{"qStringExpression":{"qExpr":'),
  'charts without title': ({ chartJson }) => chartJson.includes('"title":""'),
  'calculated dimensions': ({ chartJson }) => /"qFieldDefs":\["=/.test(chartJson),
  'set analysis': ({ chartJson }) => chartJson.includes('{$<'),
  'Aggr and TOTAL': ({ chartJson }) => chartJson.includes('Aggr(') && chartJson.includes('TOTAL <'),
  'dollar expansions': ({ chartJson }) => chartJson.includes('$(v') && chartJson.includes('$(='),
  'references to master items': ({ contents }) =>
    some(contents, (c) => references(c, 'qLibraryId').some((id) => ids(c).has(id))),
  'references to deleted master items': ({ contents }) =>
    some(contents, (c) => references(c, 'qLibraryId').some((id) => !ids(c).has(id))),
  'instances of master visualizations': ({ contents }) =>
    some(contents, (c) => references(c, 'qExtendsId').some((id) => ids(c).has(id))),
  'instances of deleted master visualizations': ({ contents }) =>
    some(contents, (c) => references(c, 'qExtendsId').some((id) => !ids(c).has(id))),
  'unused master items': ({ contents }) =>
    some(
      contents,
      (c) => c.masterMeasures.length > 0 && some(c.masterMeasures, (m) => !JSON.stringify(c.sheets).includes(m.qId)),
    ),
  'master visualizations with children': ({ contents }) =>
    some(contents, (c) => some(c.masterVisualizations, (m) => m.children.length > 0)),
  'drill-down dimensions': ({ contents }) =>
    some(contents, (c) =>
      some(c.masterDimensions, (d) => (d.properties['qDim'] as { qGrouping?: unknown }).qGrouping === 'H'),
    ),
  'stories with slides': ({ contents }) =>
    some(contents, (c) => some(c.stories, (s) => some(s.children, (slide) => slide.children.length > 0))),
  bookmarks: ({ contents }) => some(contents, (c) => c.bookmarks.length > 1),
  'engine ids of all spellings': ({ charts }) =>
    some(charts, (c) => /^[0-9a-f]{8}-/.test(c.qId)) &&
    some(charts, (c) => /^[0-9a-f]{32}$/.test(c.qId)) &&
    some(charts, (c) => c.qId.length <= 7),
  'reserved, config, scripted and hand-made variables': ({ contents }) => {
    const variables = contents.flatMap((c) => c.variables);
    return (
      some(variables, (v) => v.isReserved) &&
      some(variables, (v) => v.isConfig) &&
      some(variables, (v) => v.isScriptCreated && !v.isReserved) &&
      some(variables, (v) => !v.isScriptCreated && !v.isReserved && !v.isConfig)
    );
  },
  'script sections': ({ scripts }) => scripts.includes('///$tab Main'),
  'scripts without sections': ({ contents }) =>
    some(contents, (c) => c.script.trim() !== '' && !c.script.includes('///$tab')),
  'scripts with text before the first section': ({ contents }) =>
    some(contents, (c) => c.script.startsWith('// generated header')),
  'blanks before the first section': ({ contents }) => some(contents, (c) => /^\s+\/\/\/\$tab/.test(c.script)),
  'repeated section names': ({ contents }) =>
    some(contents, (c) => (c.script.match(/^\/\/\/\$tab Main\r$/gm) ?? []).length > 1),
  'blank scripts': ({ contents }) => some(contents, (c) => c.script.trim() === ''),
  'mapping loads, resident loads, joins and SQL': ({ scripts }) =>
    [
      'MAPPING LOAD',
      'RESIDENT',
      'LEFT JOIN (',
      'SQL SELECT',
      'LIB CONNECT TO',
      'STORE ',
      'AUTOGENERATE',
      'INLINE [',
    ].every((word) => scripts.includes(word)),
  'crosstables, subs, loops, conditions, intervals, hierarchies, preceding loads and renames': ({ scripts }) =>
    [
      ...[
        'CROSSTABLE (',
        'SUB LoadFolder',
        'CALL ',
        'FOR EACH',
        'IF NoOfRows',
        'SWITCH ',
        'INTERVALMATCH',
        'HIERARCHY (',
      ],
      ...['GROUP BY Key;\r\nLOAD', 'RENAME FIELD', 'QUALIFY *', 'CONCATENATE (', 'NOCONCATENATE', 'REM ', 'TRACE '],
    ].every((word) => scripts.includes(word)),
  includes: ({ scripts }) => scripts.includes('$(Must_Include='),
  'section access blocks with people in them': ({ scripts }) => /SECTION ACCESS;[\s\S]+?USER, CORP\\/.test(scripts),
  'secrets in scripts, variables, lineage and connections': ({ scripts, contents, site }) =>
    scripts.includes('canary-script-') &&
    some(contents, (c) => some(c.variables, (v) => v.definition.includes('canary-variable-'))) &&
    some(contents, (c) => some(c.lineage, (row) => row.discriminator.includes('canary-lineage-'))) &&
    some(site.dataConnections, (d) => d.connectionstring.includes('canary-')) &&
    some(site.dataConnections, (d) => d.username.includes('canary-')) &&
    some(site.dataConnections, (d) => d.password.includes('canary-')),
  'data connections of all shapes': ({ site }) =>
    [
      /^d:\\/,
      /^\\\\/,
      /^ODBC CONNECT TO \[/,
      /^OLEDB CONNECT TO \[Provider=/,
      /^CUSTOM CONNECT TO "provider=QvOdbc/,
      /provider=QvRestConnector\.exe;url=/,
      /^https:/,
    ].every((shape) => some(site.dataConnections, (d) => shape.test(d.connectionstring))) &&
    some(site.dataConnections, (d) => d.logOn === 1) &&
    some(site.dataConnections, (d) => d.architecture === 1),
  'lineage rows in all spellings': ({ contents }) => {
    const rows = contents.flatMap((c) => c.lineage.map((row) => row.discriminator));
    return [
      /^\{STORE - STORE \[.*\(txt\)\};$/,
      /\(parquet\)\};$/,
      /^DSN=\{STORE - /,
      /^DSN=d:\\.*;$/,
      /^STORE - QVD\\/,
      /^STORE - \[.*\] \(qvd\)$/,
      /^RESIDENT /,
      /^Provider=/,
      /^https:.*;$/,
      /^\\\\.*;$/,
      /^INLINE/,
      /^AUTOGENERATE/,
      /^EXTENSION$/,
    ].every((spelling) => some(rows, (row) => spelling.test(row)));
  },
  'repeated lineage rows': ({ contents }) =>
    some(contents, (c) => new Set(c.lineage.map((row) => row.discriminator)).size < c.lineage.length),
  'system tables and fields': ({ contents }) =>
    some(contents, (c) => some(c.tables, (t) => t.isSystem)) &&
    some(contents, (c) => some(c.fields, (f) => f.isSystem && f.name === '$Field')),
  'hidden and semantic fields': ({ contents }) =>
    some(contents, (c) => some(c.fields, (f) => f.isHidden && !f.isSystem)) &&
    some(contents, (c) => some(c.fields, (f) => f.isSemantic)),
  'reloaded apps that dropped every table': ({ site, contents }) =>
    some(contents, (c) => c.tables.length === 0 && c.script.includes('DROP TABLE')) && site.apps.length > 0,
  'reload tasks that failed, are disabled or have no schedule': ({ site }) =>
    some(site.reloadTasks, (t) => t.lastStatus === 8) &&
    some(site.reloadTasks, (t) => !t.enabled) &&
    some(site.reloadTasks, (t) => t.nextExecution === null),
  'tasks that never ran': ({ site }) => some(site.reloadTasks, (t) => t.lastStart === null && t.lastStatus === 0),
  'names with quotes': ({ names }) => some(names, (n) => n.includes('"')) && some(names, (n) => n.includes("'")),
  'names with semicolons': ({ names }) => some(names, (n) => n.includes(';')),
  'names with emoji': ({ names }) => some(names, (n) => /\p{Emoji_Presentation}/u.test(n)),
  'names written from right to left': ({ names }) => some(names, (n) => /[\u0590-\u06ff]/.test(n)),
  'names with slashes and backslashes': ({ names }) =>
    some(names, (n) => n.includes('/')) && some(names, (n) => n.includes('\\')),
  'names with percent signs': ({ names }) => some(names, (n) => n.includes('%41')),
  'names over 200 bytes that begin alike': ({ names }) => {
    const long = [...new Set(names)].filter((n) => Buffer.byteLength(n) > 200);
    return some(long, (a) =>
      some(long, (b) => a !== b && Buffer.from(a).subarray(0, 180).equals(Buffer.from(b).subarray(0, 180))),
    );
  },
  'empty names': ({ names }) => names.includes(''),
};

const KINDS = [
  'barchart',
  'linechart',
  'piechart',
  'table',
  'pivot-table',
  'sn-pivot-table',
  'kpi',
  'gauge',
  'scatterplot',
  'treemap',
  'map',
  'combochart',
  'boxplot',
  'histogram',
  'waterfallchart',
  'distributionplot',
  'mekkochart',
  'bulletchart',
  'text-image',
  'filterpane',
  'listbox',
  'container',
  'sn-tabbed-container',
  'action-button',
  'acme-gantt',
  'network-chart',
];

const estate = gather();

test.each(Object.keys(FEATURES))('a site of 200 apps has %s', (name) => {
  expect(FEATURES[name]?.(estate)).toBe(true);
});

test.each(KINDS)('a site of 200 apps has charts of type %s', (kind) => {
  expect(estate.charts.some((chart) => chart.qType === kind)).toBe(true);
});

test('a site of a dozen apps has the peculiar ones already', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const { apps } = generateSite({ seed, apps: 12 });
    expect(apps.some((app) => app.streamId === null)).toBe(true);
    expect(apps.some((app) => app.lastReloadTime === null)).toBe(true);
    expect(apps.filter((app) => app.sectionAccess).length).toBeGreaterThan(1);
  }
});
