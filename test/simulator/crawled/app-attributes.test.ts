import { expect, test } from 'vitest';
import { redactText } from '#config/redaction/rules.ts';
import { connectionFor } from '#test/unit/crawl/simulated.ts';
import {
  all,
  allCharts,
  attributes,
  classOf,
  columns,
  crawlASite,
  enough,
  json,
  list,
  named,
  opened,
  ownerOf,
  simulator,
  text,
} from './crawled-apps.ts';

/**
 * What other products tell of the inside of an app, row by row of a comparison of them; each test compares every object of
 * a generated site with the simulator's own model.
 */
crawlASite();

test('row "Apps", inside: description, owner, stream, times, sizes, section access, direct query, origin, thumbnail and address', () => {
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

test('row "Sheets": title, description, rank, contacts, approved and published class, times, address, thumbnail, condition and grid', () => {
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
        rank: sheet.properties['rank'],
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

test('row "Charts / cells": type, title, subtitle and footnote, also as expressions, orientation, state and what they extend', () => {
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

test('row "Charts / cells": cell and tab, description, show and calculation conditions, colours and other expressions', () => {
  const seen = { described: 0, cells: 0, tabs: 0, tabConditions: 0, shown: 0, calculated: 0, others: 0 };
  const modes = new Set<unknown>();
  for (const { app, chart, parent } of allCharts()) {
    const { properties } = chart;
    const found = attributes(app.id, chart.qId);
    const description = text(json(properties['qMetaDef'])['description'] ?? '');
    expect(found['description'] ?? '').toBe(description);
    if (description !== '') seen.described += 1;
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
      const [, inBrackets, plain] = /^=Avg\((?:\[([^\]]+)\]|(\w+))\)$/.exec(String(expression)) ?? [];
      expect([...list(found['usedFields']), ...list(found['missingFields'])]).toContain(inBrackets ?? plain);
    }
  }
  all(seen);
  expect(modes).toEqual(new Set(['byExpression', 'byMeasure', 'byDimension']));
});

test('row "Measures / dimensions / master items / variables": dimensions and measures: definition, label and its expression, number format, grouping, sorting, condition', () => {
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

test('row "Measures / dimensions / master items / variables": fields of expressions: what is used is there, and what the app does not have is named', () => {
  const seen = { used: 0, missing: 0, unresolved: 0, variables: 0 };
  for (const { app, entry, inner, found } of columns()) {
    const fields = new Set(simulator.site.content(app.id).fields.map(({ name }) => name));
    const known = app.lastReloadTime !== null;
    const plain = new Set(
      simulator.site
        .content(app.id)
        .variables.filter(({ definition }) => !definition.startsWith('='))
        .map(({ name }) => name),
    );
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
    // Variables that the app has are put in; what a formula gives, the engine alone knows.
    const expansions = [...expression.matchAll(/\$\(([^()]*)/g)].map(([, inner]) => inner ?? '');
    const open = expansions.some((inner) => !plain.has(inner));
    if (open) seen.unresolved += 1;
    if (open || !JSON.stringify(entry).includes('$(')) expect(found['unresolved'] ?? false).toBe(open);
    seen.variables += list(found['usedVariables']).length;
  }
  all(seen, 5);
});

test('apps are opened without their data, once each, and no values are asked for', () => {
  const { opens, opensWithData, engine } = simulator.record.snapshot();
  expect({ opens, opensWithData }).toEqual({ opens: opened().length, opensWithData: 0 });
  expect(Object.keys(engine).filter((method) => /HyperCube|ListObject|TableData|TablesAndKeys/.test(method))).toEqual(
    [],
  );
});
