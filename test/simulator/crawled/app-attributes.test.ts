import { afterAll, beforeAll, expect, test } from 'vitest';
import { redactText } from '#config/redaction/rules.ts';
import { assetKey } from '#protocol/keys.ts';
import type { AssetRecord } from '#protocol/records.ts';
import { isAdmitted } from '#test/simulator/model/access.ts';
import { definitionsIn, scriptSections } from '#test/simulator/model/truth.ts';
import type { App, AppContent, EngineObject } from '#test/simulator/model/types.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

/**
 * What other products tell of the inside of an app, row by row of a comparison of them; each test compares every object of
 * a generated site with the simulator's own model.
 */
let simulator: Simulator;
let crawled: Crawled;
const byKey = new Map<string, AssetRecord>();

type Json = Readonly<Record<string, unknown>>;
const json = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const attributes = (...path: readonly string[]): Json => {
  const found = byKey.get(`sim/${assetKey(...path)}`);
  if (found === undefined) throw new Error(`no asset ${path.join('/')}`);
  return json(found.attributes);
};
const named = (...path: readonly string[]): string => byKey.get(`sim/${assetKey(...path)}`)?.name ?? '';

/** The apps that the crawl user may open. */
const opened = (): readonly { readonly app: App; readonly content: AppContent }[] =>
  simulator.site.apps
    .filter((app) => isAdmitted(app, simulator.site.crawlUser))
    .map((app) => ({ app, content: simulator.site.content(app.id) }));

const ownerOf = (id: string): unknown => {
  const user = simulator.site.users.find((one) => one.id === id);
  return user === undefined
    ? expect.objectContaining({ id })
    : {
        id,
        name: user.name,
        account: `${user.userDirectory}\\${user.userId}`,
        ...(user.email === null ? {} : { email: user.email }),
      };
};
const classOf = ({ published, approved }: EngineObject): string =>
  published ? (approved ? 'base' : 'community') : 'private';
const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  const expression = json(value)['qStringExpression'];
  return typeof expression === 'string' ? expression : String(json(expression)['qExpr'] ?? '');
};
const charts = (object: EngineObject): { readonly chart: EngineObject; readonly parent: EngineObject }[] =>
  object.children.flatMap((chart) => [{ chart, parent: object }, ...charts(chart)]);
const allCharts = () =>
  opened().flatMap(({ app, content }) =>
    content.sheets.flatMap((sheet) => charts(sheet).map((found) => ({ app, ...found }))),
  );

/** The dimensions and measures of a chart or master visualization with the attributes of each. */
const columns = () =>
  opened().flatMap(({ app, content }) =>
    [
      ...content.sheets.flatMap((sheet) => charts(sheet).map(({ chart }) => chart)),
      ...content.masterVisualizations,
    ].flatMap((object) => {
      const used = new Map<string, number>();
      return definitionsIn(object.properties).map(({ side, entry, position }) => {
        const inner = json(entry['qDef']);
        const id = typeof inner['cId'] === 'string' && inner['cId'] !== '' ? inner['cId'] : String(position);
        const count = (used.get(side + id) ?? 0) + 1;
        used.set(side + id, count);
        const found = attributes(app.id, object.qId, side, count === 1 ? id : `${id}~${count}`);
        return { app, side, entry, inner, found };
      });
    }),
  );

/** As many as there have to be for a comparison to mean something. */
const enough = (count: number, least = 1): void => expect(count).toBeGreaterThanOrEqual(least);

const all = (seen: Readonly<Record<string, number>>, least = 1): void =>
  expect(Object.entries(seen).filter(([, count]) => count < least)).toEqual([]);

beforeAll(async () => {
  simulator = await simulate({ seed: 3, apps: 24, dimensionTextLists: 'whole' });
  crawled = await crawlSimulated(connectionFor(simulator));
  for (const asset of crawled.assets) byKey.set(asset.key, asset);
}, 60_000);
afterAll(() => simulator[Symbol.asyncDispose]());

test('apps: description, owner, stream, times, sizes, section access, direct query, origin, thumbnail and address', () => {
  for (const app of simulator.site.apps) {
    const found = attributes(app.id);
    expect(named(app.id)).toBe(app.name);
    expect(found).toMatchObject({
      ...(app.description === '' ? {} : { description: app.description }),
      owner: ownerOf(app.ownerId),
      published: app.published,
      created: app.createdDate,
      modified: app.modifiedDate,
      modifiedBy: app.modifiedByUserName,
      sizeBytes: app.fileSizeBytes,
      savedInProductVersion: app.savedInProductVersion,
      ...(app.publishTime === null ? {} : { publishTime: app.publishTime }),
      ...(app.lastReloadTime === null ? {} : { lastReload: app.lastReloadTime }),
      ...(app.streamId === null ? {} : { streamId: app.streamId }),
      ...(app.sourceAppId === null ? {} : { originApp: app.sourceAppId }),
      ...(app.thumbnail === ''
        ? {}
        : { thumbnailUrl: `https://qlik.example/${connectionFor(simulator).prefix}${app.thumbnail}` }),
      url: `https://qlik.example/${connectionFor(simulator).prefix}/sense/app/${app.id}`,
    });
  }
  const reloaded = opened().filter(({ app }) => app.lastReloadTime !== null);
  enough(reloaded.filter(({ app }) => app.directQuery || app.sectionAccess).length);
  for (const { app, content } of reloaded)
    expect(attributes(app.id)).toMatchObject({
      memoryBytes: content.tables.reduce((sum, { byteSize }) => sum + byteSize, 0),
      sectionAccess: app.sectionAccess,
      directQuery: app.directQuery,
      reloadCpuMs: expect.any(Number),
      reloadPeakBytes: app.fileSizeBytes * 3,
    });
});

test('sheets: title, description, contacts, approved and published class, times, address, thumbnail, condition and grid', () => {
  const conditions: unknown[] = [];
  for (const { app, content } of opened()) {
    for (const sheet of content.sheets) {
      const meta = json(sheet.properties['qMetaDef']);
      const found = attributes(app.id, sheet.qId);
      expect(named(app.id, sheet.qId)).toBe(meta['title']);
      expect(found).toMatchObject({
        ...(meta['description'] === '' ? {} : { description: meta['description'] }),
        owner: ownerOf(sheet.ownerId),
        class: classOf(sheet),
        approved: sheet.approved,
        published: sheet.published,
        created: sheet.createdDate,
        modified: sheet.modifiedDate,
        url: expect.stringContaining(`/sense/app/${app.id}/sheet/${sheet.qId}/state/analysis`),
        columns: sheet.properties['columns'],
        rows: sheet.properties['rows'],
      });
      expect(list(found['cells'])).toHaveLength(0 + list(sheet.properties['cells']).length);
      const title = sheet.properties['labelExpression'];
      if (title !== '') expect(found['titleExpression']).toBe(title);
      const thumbnail = json(json(sheet.properties['thumbnail'])['qStaticContentUrlDef'])['qUrl'];
      if (thumbnail !== '') expect(found['thumbnailUrl']).toContain(thumbnail);
      const condition = text(sheet.properties['showCondition']);
      if (condition !== '') conditions.push(expect(found['showCondition']).toBe(condition));
    }
  }
  enough(conditions.length);
});

test('charts: type, title, subtitle and footnote, also as expressions, orientation, state and what they extend', () => {
  let expressions = 0;
  for (const { app, chart } of allCharts()) {
    const { properties } = chart;
    const found = attributes(app.id, chart.qId);
    expect(found['type']).toBe(properties['visualization'] ?? chart.qType);
    for (const name of ['title', 'subtitle', 'footnote', 'orientation'] as const) {
      const wanted = redactText(text(properties[name]));
      expect(found[name] ?? '').toBe(wanted);
      if (typeof properties[name] === 'object') {
        expressions += 1;
        expect(found[`${name}IsExpression`]).toBe(true);
      } else if (!wanted.startsWith('=')) expect(found).not.toHaveProperty(`${name}IsExpression`);
    }
    expect(found['extends'] ?? '').toBe(properties['qExtendsId'] ?? '');
  }
  enough(expressions, 10);
});

test('charts: cell and tab, show and calculation conditions, colours and other expressions', () => {
  const seen = { cells: 0, tabs: 0, tabConditions: 0, shown: 0, calculated: 0, others: 0 };
  const modes = new Set<unknown>();
  for (const { app, chart, parent } of allCharts()) {
    const { properties } = chart;
    const found = attributes(app.id, chart.qId);
    const cell = list(parent.properties['cells'])
      .map(json)
      .find(({ name }) => name === chart.qId);
    if (cell !== undefined) {
      seen.cells += 1;
      expect(found['cell']).toEqual({
        column: cell['col'],
        row: cell['row'],
        columns: cell['colspan'],
        rows: cell['rowspan'],
        type: cell['type'],
      });
    }
    const tab = [...list(parent.properties['children']), ...list(parent.properties['objects'])]
      .map(json)
      .find(({ refId, childRefId }) => childRefId === chart.qId || refId === properties['containerChildId']);
    if (tab !== undefined) {
      seen.tabs += 1;
      expect(json(found['tab'])['label']).toBe(text(tab['label']));
      if (tab['condition'] !== undefined) {
        seen.tabConditions += 1;
        expect(json(found['tab'])['condition']).toBe(text(tab['condition']));
      }
    }
    if (properties['showCondition'] !== undefined) {
      seen.shown += 1;
      expect(found['showCondition']).toBe(text(properties['showCondition']));
    }
    const calculation = json(json(json(properties['qHyperCubeDef'])['qCalcCondition'])['qCond'])['qv'] ?? '';
    if (calculation !== '') seen.calculated += 1;
    expect(found['calculationCondition'] ?? '').toBe(calculation);
    const color = json(properties['color']);
    if (color['auto'] === false) {
      modes.add(color['mode']);
      expect(found['color']).toMatchObject({
        mode: color['mode'],
        ...(color['mode'] === 'byExpression' ? { expression: color['colorExpression'] } : {}),
        ...(json(color['byMeasureDef'])['type'] === 'libraryItem'
          ? { libraryId: json(color['byMeasureDef'])['key'] }
          : {}),
      });
    } else expect(found).not.toHaveProperty('color');
    for (const line of list(json(properties['refLine'])['refLines'])) {
      seen.others += 1;
      const expression = json(json(json(json(line)['refLineExpr'])['value'])['qValueExpression'])['qExpr'];
      expect(list(found['expressions'])).toContainEqual({ at: expect.stringContaining('refLines'), expression });
      expect([...list(found['usedFields']), ...list(found['missingFields'])]).toContain('Target Amount');
    }
  }
  all(seen);
  expect(modes).toEqual(new Set(['byExpression', 'byMeasure', 'byDimension']));
});

test('dimensions and measures: definition, label and its expression, number format, grouping, sorting, condition', () => {
  const seen = {
    formats: 0,
    drills: 0,
    calculated: 0,
    sorted: 0,
    conditions: 0,
    colours: 0,
    alternatives: 0,
    labels: 0,
  };
  for (const { side, entry, inner, found } of columns()) {
    expect(found['libraryId'] ?? '').toBe(entry['qLibraryId'] ?? '');
    const sortings = side === 'd' ? list(inner['qSortCriterias']) : [entry['qSortBy']];
    const sorts = sortings.map(json).filter((sort) => Number(sort['qSortByExpression'] ?? 0) !== 0);
    expect(list(found['sortExpressions'])).toEqual(sorts.map((sort) => json(sort['qExpression'])['qv']));
    seen.sorted += sorts.length;
    const condition = json(json(entry['qCalcCondition'])['qCond'])['qv'] ?? '';
    expect(found['condition'] ?? '').toBe(condition);
    if (condition !== '') seen.conditions += 1;
    seen.colours += list(found['attributeExpressions']).length;
    if (found['alternative'] === true) seen.alternatives += 1;
    if (side === 'm') {
      expect(found['expression'] ?? '').toBe(inner['qDef'] ?? '');
      expect(found['label'] ?? '').toBe(inner['qLabel'] ?? '');
      const label = inner['qLabelExpression'] ?? '';
      expect(found['labelExpression'] ?? '').toBe(label);
      if (label !== '') seen.labels += 1;
      const format = json(inner['qNumFormat']);
      if (format['qType'] === 'U') expect(found).not.toHaveProperty('numberFormat');
      else {
        seen.formats += 1;
        expect(found['numberFormat']).toMatchObject({
          type: format['qType'],
          pattern: format['qFmt'],
          decimals: format['qnDec'],
        });
      }
    } else {
      const fields = list(inner['qFieldDefs']);
      expect(list(found['fields'])).toEqual(fields);
      if (inner['qGrouping'] === 'H') {
        seen.drills += 1;
        expect(found['grouping']).toBe('drillDown');
      } else expect(found).not.toHaveProperty('grouping');
      if (fields.some((field) => String(field).startsWith('='))) {
        seen.calculated += 1;
        expect(found['calculated']).toBe(true);
      }
    }
  }
  all(seen, 5);
});

test('fields of expressions: what is used is there, and what the app does not have is named', () => {
  const seen = { used: 0, missing: 0, unresolved: 0, variables: 0 };
  for (const { app, inner, found } of columns()) {
    const fields = new Set(simulator.site.content(app.id).fields.map(({ name }) => name));
    const known = app.lastReloadTime !== null;
    for (const name of list(found['usedFields'])) {
      seen.used += 1;
      if (known) expect(fields).toContain(name);
    }
    for (const name of list(found['missingFields'])) {
      seen.missing += 1;
      expect(fields).not.toContain(name);
      // It stands there as a whole name.
      expect(JSON.stringify([inner, found])).toContain(JSON.stringify(name).slice(1, -1));
    }
    if (!known) expect(found).not.toHaveProperty('missingFields');
    const expression = String(inner['qDef'] ?? '');
    if (expression.includes('$(')) {
      seen.unresolved += 1;
      expect(found['unresolved']).toBe(true);
    }
    seen.variables += list(found['usedVariables']).length;
  }
  all(seen, 5);
});

test('master items: description, tags, number format, drill-down fields, colour, owner, and who uses them', () => {
  const seen = { drills: 0, tags: 0, formats: 0, colors: 0, composed: 0, described: 0 };
  const uses = new Set(
    crawled.records.flatMap((record) =>
      record.t === 'edge' && record.kind === 'uses' ? [`${record.from} > ${record.to}`] : [],
    ),
  );
  for (const { app, content } of opened()) {
    for (const item of [...content.masterDimensions, ...content.masterMeasures, ...content.masterVisualizations]) {
      const meta = json(item.properties['qMetaDef']);
      const found = attributes(app.id, item.qId);
      expect(named(app.id, item.qId)).toBe(meta['title']);
      expect(found['description'] ?? '').toBe(meta['description']);
      expect(list(found['tags'])).toEqual(meta['tags']);
      expect(found).toMatchObject({
        owner: ownerOf(item.ownerId),
        created: item.createdDate,
        modified: item.modifiedDate,
      });
      if (found['description'] !== undefined) seen.described += 1;
      seen.tags += list(meta['tags']).length;
    }
    for (const item of content.masterDimensions) {
      const dim = json(item.properties['qDim']);
      const found = attributes(app.id, item.qId);
      expect(found['grouping']).toBe(dim['qGrouping'] === 'H' ? 'drillDown' : 'single');
      expect(list(found['fields'])).toEqual(dim['qFieldDefs']);
      if (dim['qGrouping'] === 'H') seen.drills += 1;
    }
    for (const item of content.masterMeasures) {
      const measure = json(item.properties['qMeasure']);
      const found = attributes(app.id, item.qId);
      expect(found['expression']).toBe(measure['qDef']);
      expect(found['label'] ?? '').toBe(measure['qLabel']);
      const format = json(measure['qNumFormat']);
      if (format['qType'] !== 'U') {
        seen.formats += 1;
        expect(found['numberFormat']).toMatchObject({ type: format['qType'], pattern: format['qFmt'] });
      }
      const color = json(json(measure['coloring'])['baseColor'])['color'];
      expect(found['color']).toBe(color);
      if (color !== undefined) seen.colors += 1;
      for (const other of item.names ?? []) {
        seen.composed += 1;
        expect(uses).toContain(`sim/${assetKey(app.id, item.qId)} > sim/${assetKey(app.id, other)}`);
      }
    }
  }
  all(seen);
});

test('variables: definition, value where it needs no data, comment, tags, made by the script', () => {
  const seen = { values: 0, formulas: 0, scripted: 0, comments: 0, tags: 0, secrets: 0 };
  for (const { app, content } of opened()) {
    for (const variable of content.variables.filter(({ isReserved, isConfig }) => !isReserved && !isConfig)) {
      const found = attributes(app.id, variable.qId);
      const secret = variable.definition.includes('canary');
      expect(found['definition'] ?? '').toBe(redactText(variable.definition));
      expect(found['comment'] ?? '').toBe(variable.comment);
      expect(list(found['tags'])).toEqual(variable.tags);
      expect(found['scriptCreated'] ?? false).toBe(variable.isScriptCreated);
      if (variable.definition.startsWith('=')) {
        seen.formulas += 1;
        expect(found).not.toHaveProperty('value');
      } else if (!secret) {
        seen.values += 1;
        expect(found['value'] ?? '').toBe(variable.value);
      } else {
        seen.secrets += 1;
        expect(found['credentials']).toEqual([{ kind: 'password' }]);
      }
      if (variable.isScriptCreated) seen.scripted += 1;
      if (variable.comment !== '') seen.comments += 1;
      seen.tags += variable.tags.length;
    }
  }
  all(seen);
});

test('bookmarks and stories: owner, class, fields selected, sheet, and how many slides', () => {
  const seen = { bookmarks: 0, stories: 0 };
  for (const { app, content } of opened()) {
    for (const bookmark of content.bookmarks) {
      seen.bookmarks += 1;
      const fields = String(bookmark.properties['selectionFields']);
      expect(attributes(app.id, bookmark.qId)).toMatchObject({
        owner: ownerOf(bookmark.ownerId),
        class: classOf(bookmark),
      });
      expect(list(attributes(app.id, bookmark.qId)['fields']).join(', ')).toBe(fields);
    }
    for (const story of content.stories) {
      seen.stories += 1;
      expect(attributes(app.id, story.qId)).toMatchObject({
        owner: ownerOf(story.ownerId),
        class: classOf(story),
        slides: story.children.filter(({ qType }) => qType === 'slide').length,
      });
    }
  }
  all(seen, 3);
});

test('load script: source and its size, sections with statements, variables, mappings, subroutines, section access', () => {
  const seen = { sections: 0, mappings: 0, subroutines: 0, access: 0, includes: 0, credentials: 0, connections: 0 };
  for (const { app, content } of opened()) {
    if (content.script.trim() === '') continue;
    const script = attributes(app.id, 'script');
    expect(script).toMatchObject({
      text: redactText(content.script),
      lines: content.script.split('\n').length,
      sizeBytes: Buffer.byteLength(content.script),
      sha256: expect.stringMatching(/^[\da-f]{64}$/),
    });
    const used = new Map<string, number>();
    let line = 0;
    for (const section of scriptSections(content.script)) {
      const count = (used.get(section.name) ?? 0) + 1;
      used.set(section.name, count);
      const found = attributes(app.id, 'script', count === 1 ? section.name : `${section.name}~${count}`);
      expect(found['line']).toBeGreaterThan(line);
      line = Number(found['line']);
      seen.sections += 1;
      const has = (pattern: RegExp): boolean => pattern.test(section.text);
      if (has(/^SET vCurrentYear/m)) expect(found['variables']).toContain('vCurrentYear');
      if (section.name === 'Section Access') {
        seen.access += 1;
        expect(found['sectionAccess']).toBe(true);
      }
      if (has(/^CountryMap:\r?\nMAPPING LOAD/m)) {
        seen.mappings += 1;
        expect(found['mappings']).toContain('CountryMap');
      }
      if (has(/^SUB LoadFolder/m)) {
        seen.subroutines += 1;
        expect(found['subroutines']).toEqual(['LoadFolder']);
      }
      if (has(/^LIB CONNECT TO '/m)) {
        seen.connections += 1;
        expect(list(found['connections']).length).toBeGreaterThan(0);
      }
      if (has(/^\$\(Must_Include=/m)) {
        seen.includes += 1;
        expect(found['includes']).toMatchObject([
          { must: true, line: 1, path: expect.stringContaining('/scripts/common.qvs') },
        ]);
      }
      if (has(/canary-script-connect/)) {
        seen.credentials += 1;
        expect(found['credentials']).toEqual([
          { line: 1, kind: 'token' },
          { line: 2, kind: 'password' },
        ]);
      }
    }
  }
  all(seen);
  expect(JSON.stringify(crawled.records)).not.toMatch(/canary-(?:script|variable|section)/);
});

test('data model: rows, bytes, distinct values, types, keys, tags, comments, source tables and links between tables', () => {
  const seen = { keys: 0, links: 0, hidden: 0, comments: 0, types: 0 };
  for (const { app, content } of opened()) {
    for (const table of content.tables.filter(({ isSystem }) => !isSystem)) {
      const found = attributes(app.id, 'table', table.name);
      expect(found).toMatchObject({ rows: table.rows, sizeBytes: table.byteSize, fields: table.fieldNames.length });
      expect(found['comment'] ?? '').toBe(table.comment);
      const shared = content.fields.filter(
        ({ isSystem, srcTables, tags }) =>
          !isSystem && srcTables.includes(table.name) && srcTables.length > 1 && !tags.includes('$derived'),
      );
      const links = list(found['associations']).map(json);
      expect(new Set(links.flatMap(({ fields }) => list(fields)))).toEqual(new Set(shared.map(({ name }) => name)));
      seen.links += links.length;
    }
    for (const field of content.fields.filter(({ isSystem }) => !isSystem)) {
      const found = attributes(app.id, 'field', field.name);
      expect(found).toMatchObject({
        distinctValues: field.cardinal,
        values: field.totalCount,
        sizeBytes: field.byteSize,
      });
      expect(list(found['tags'])).toEqual(field.tags);
      expect(list(found['tables'])).toEqual(field.srcTables);
      expect(found['keyType']).toBe(field.tags.includes('$key') ? 'key' : undefined);
      expect(found['hidden'] ?? false).toBe(field.isHidden);
      expect(found['comment'] ?? '').toBe(field.comment);
      if (field.tags.includes('$date')) expect(found['type']).toBe('timestamp');
      if (field.tags.includes('$text')) expect(found['type']).toBe('text');
      if (found['keyType'] !== undefined) seen.keys += 1;
      if (field.isHidden) seen.hidden += 1;
      if (field.comment !== '') seen.comments += 1;
      if (found['type'] !== undefined) seen.types += 1;
    }
  }
  all(seen);
});

test('apps are opened without their data, once each, and no values are asked for', () => {
  const { opens, opensWithData, engine } = simulator.record.snapshot();
  expect({ opens, opensWithData }).toEqual({ opens: opened().length, opensWithData: 0 });
  expect(Object.keys(engine).filter((method) => /HyperCube|ListObject|TableData|TablesAndKeys/.test(method))).toEqual(
    [],
  );
});
