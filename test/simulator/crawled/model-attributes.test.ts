import { expect, test } from 'vitest';
import { redactText } from '#config/redaction/rules.ts';
import { assetKey } from '#protocol/keys.ts';
import { scriptSections } from '#test/simulator/model/truth.ts';
import { all, attributes, classOf, crawlASite, crawled, json, list, named, opened, ownerOf } from './crawled-apps.ts';

/** As in `app-attributes.test.ts`: what an app is made of besides its sheets. */
crawlASite();

test('row "Measures / dimensions / master items / variables": master items: description, tags, number format, drill-down fields, colour, owner, and who uses them', () => {
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

test('row "Measures / dimensions / master items / variables": variables: definition, value where it needs no data, comment, tags, made by the script', () => {
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

test('row "Load script": source and its size, sections with statements, variables, mappings, subroutines, section access', () => {
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
        const at = section.text.split('\n').findIndex((text) => text.startsWith('$(Must_Include=')) + 1;
        expect(found['includes']).toMatchObject([
          { must: true, line: at, path: expect.stringMatching(/\/scripts\/(?:common|paths_\w+)\.qvs$/) },
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

test('row "Data model (tables/fields)": rows, bytes, distinct values, types, keys, tags, comments, source tables and links between tables', () => {
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
