import { scriptSections } from '#agent/lineage/script/sections.ts';
import type { ContainerEntry, Meta } from '#agent/qlik/engine/calls.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Connection } from '#config/connection/connection.ts';
import { namesSecret, REDACTED, redactText } from '#config/redaction/rules.ts';
import type { AppContent } from './app-content.ts';
import { type JsonObject, present } from './attributes.ts';
import { ChartWriter, cellsOf, type MasterItems } from './charts.ts';
import { type Keys, numbered } from './keys.ts';
import { customPropertyValues, type People } from './people.ts';
import { flagAt, groupingAt, isTree, numberAt, numberFormatOf, textAt, textsAt, timeAt, treeAt } from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** What the records of an app are made with. */
export interface AppContext {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly people: People;
}

/** The asset of the app itself, from its row in QRS and, when the app was read, what its data model says. */
export const writeApp = async (
  out: ScopeWriter,
  row: QrsApp,
  { connection, keys, people }: AppContext,
  content: AppContent | undefined,
): Promise<void> => {
  const model = content?.model.available === true ? content.model : undefined;
  await out.asset({
    kind: 'app',
    key: keys.of(row.id),
    name: row.name,
    parent: row.stream === null ? keys.site : keys.of('stream', row.stream.id),
    attributes: present({
      description: row.description,
      owner: people.owner(row.owner),
      stream: row.stream?.name,
      published: row.published,
      publishTime: row.publishTime,
      created: row.createdDate,
      modified: row.modifiedDate,
      modifiedBy: row.modifiedByUserName,
      lastReload: row.lastReloadTime,
      sizeBytes: row.fileSize,
      memoryBytes: model?.staticByteSize,
      sectionAccess: model?.hasSectionAccess,
      directQuery: model?.isDirectQuery,
      originApp: row.sourceAppId,
      targetApp: row.targetAppId,
      savedInProductVersion: row.savedInProductVersion,
      tags: row.tags,
      customProperties: customPropertyValues(row.customProperties),
      thumbnailUrl: addressOf(connection, row.thumbnail),
      url: `${connection.displayUrl}/sense/app/${encodeURIComponent(row.id)}`,
    }),
  });
};

/** Everything inside the app. */
export const writeAppContent = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  content: AppContent,
): Promise<void> => {
  const { keys } = context;
  const app = keys.of(row.id);
  const masters: MasterItems = {
    dimensions: titles(content.lists.dimensions),
    measures: titles(content.lists.measures),
    visualizations: titles(content.visualizations.map(({ entry }) => entry)),
  };
  const charts = new ChartWriter(out, keys, row.id, masters);
  await writeSheets(out, row, context, content, charts);
  await writeMasterItems(out, row, context, content, charts);
  for (const entry of content.stories) {
    await out.asset({
      kind: 'story',
      key: keys.of(row.id, entry.qInfo.qId),
      name: titleOf(entry),
      parent: app,
      attributes: metaOf(entry.qMeta, context),
    });
  }
  for (const entry of content.lists.bookmarks) {
    await out.asset({
      kind: 'bookmark',
      key: keys.of(row.id, entry.qInfo.qId),
      name: titleOf(entry),
      parent: app,
      attributes: present({ ...metaOf(entry.qMeta, context), sheetId: textAt(entry.qData, 'sheetId') }),
    });
  }
  await writeVariables(out, row, context, content);
  await writeScript(out, row, context, content);
  await writeDataModel(out, row, context, content);
};

const writeSheets = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  { sheets, sheetIds }: AppContent,
  charts: ChartWriter,
): Promise<void> => {
  const { connection, keys } = context;
  for (const { entry, tree } of sheets) {
    const id = entry.qInfo.qId;
    const key = keys.of(row.id, sheetIds?.get(id) ?? id);
    const meta = treeAt(tree.qProperty, 'qMetaDef');
    const thumbnail = textAt(treeAt(tree.qProperty, 'thumbnail', 'qStaticContentUrlDef'), 'qUrl');
    await out.asset({
      kind: 'sheet',
      key,
      name: textAt(meta, 'title') || titleOf(entry),
      parent: keys.of(row.id),
      attributes: present({
        ...metaOf(entry.qMeta, context),
        description: textAt(meta, 'description') || entry.qMeta?.description,
        class: sheetClass(entry.qMeta),
        titleExpression: textAt(tree.qProperty, 'labelExpression'),
        rank: numberAt(tree.qProperty, 'rank'),
        columns: numberAt(tree.qProperty, 'columns'),
        rows: numberAt(tree.qProperty, 'rows'),
        cells: [...cellsOf(tree.qProperty)].map(([object, cell]) => ({ object, ...cell })),
        thumbnailUrl: addressOf(connection, thumbnail),
        url: `${connection.displayUrl}/sense/app/${encodeURIComponent(row.id)}/sheet/${encodeURIComponent(id)}/state/analysis`,
      }),
    });
    await charts.children(tree, key);
  }
};

const writeMasterItems = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  { lists, visualizations }: AppContent,
  charts: ChartWriter,
): Promise<void> => {
  const { keys } = context;
  const parent = keys.of(row.id);
  for (const entry of lists.dimensions) {
    const dim = treeAt(entry.qData, 'dim');
    await out.asset({
      kind: 'masterDimension',
      key: keys.of(row.id, entry.qInfo.qId),
      name: titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry.qMeta, context),
        grouping: groupingAt(dim),
        fields: textsAt(dim, 'qFieldDefs'),
        labels: textsAt(dim, 'qFieldLabels').filter((label) => label !== ''),
        labelExpression: textAt(dim, 'qLabelExpression'),
      }),
    });
  }
  for (const entry of lists.measures) {
    const measure = treeAt(entry.qData, 'measure');
    await out.asset({
      kind: 'masterMeasure',
      key: keys.of(row.id, entry.qInfo.qId),
      name: titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry.qMeta, context),
        label: textAt(measure, 'qLabel'),
        labelExpression: textAt(measure, 'qLabelExpression'),
        expression: textAt(measure, 'qDef'),
        numberFormat: numberFormatOf(measure),
      }),
    });
  }
  for (const { entry, properties } of visualizations) {
    const key = keys.of(row.id, entry.qInfo.qId);
    await out.asset({
      kind: 'masterVisualization',
      key,
      name: textAt(treeAt(properties, 'qMetaDef'), 'title') || titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry.qMeta, context),
        type: textAt(properties, 'visualization'),
        title: textAt(properties, 'title'),
        subtitle: textAt(properties, 'subtitle'),
        footnote: textAt(properties, 'footnote'),
        orientation: textAt(properties, 'orientation'),
      }),
    });
    await charts.definitions(properties, entry.qInfo.qId, key);
  }
};

const writeVariables = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { lists }: AppContent,
): Promise<void> => {
  for (const variable of lists.variables) {
    if (variable.qIsReserved === true || variable.qIsConfig === true) continue;
    const definition = variable.qDefinition ?? '';
    const hidden = namesSecret(variable.qName) && definition !== '' && !definition.startsWith('=');
    await out.asset({
      kind: 'variable',
      key: keys.of(row.id, variable.qInfo?.qId ?? variable.qName),
      name: variable.qName,
      parent: keys.of(row.id),
      attributes: present({
        definition: hidden ? REDACTED : definition,
        comment: textAt(variable.qData, 'comment'),
        tags: textsAt(variable.qData, 'tags'),
        scriptCreated: variable.qIsScriptCreated === true ? true : undefined,
      }),
    });
  }
};

const writeScript = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { script }: AppContent,
): Promise<void> => {
  if (script.trim() === '') return;
  // Redacted as a whole before it is cut: a section-access block may begin in one section and end in another.
  const text = redactText(script);
  const sections = scriptSections(text);
  const key = keys.of(row.id, 'script');
  await out.asset({
    kind: 'script',
    key,
    name: 'script',
    parent: keys.of(row.id),
    attributes: present({ text, lines: text.split('\n').length, redacted: text !== script || undefined }),
  });
  const unique = numbered();
  for (const section of sections) {
    await out.asset({
      kind: 'scriptSection',
      key: keys.of(row.id, 'script', unique(section.name)),
      name: section.name,
      parent: key,
      attributes: present({ text: section.text, line: section.line }),
    });
  }
};

const writeDataModel = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { model }: AppContent,
): Promise<void> => {
  if (!model.available) return;
  const app = keys.of(row.id);
  const tables = new Map<string, string>();
  for (const table of model.tables) {
    if (table.is_system || tables.has(table.name)) continue;
    const key = keys.of(row.id, 'table', table.name);
    tables.set(table.name, key);
    await out.asset({
      kind: 'table',
      key,
      name: table.name,
      parent: app,
      attributes: present({
        rows: table.no_of_rows,
        sizeBytes: table.byte_size,
        fields: table.no_of_fields,
        keyFields: table.no_of_key_fields,
        loose: table.is_loose || undefined,
        comment: table.comment,
      }),
    });
  }
  const seen = new Set<string>();
  for (const field of model.fields) {
    if (field.is_system || seen.has(field.name)) continue;
    seen.add(field.name);
    const key = keys.of(row.id, 'field', field.name);
    await out.asset({
      kind: 'field',
      key,
      name: field.name,
      parent: app,
      attributes: present({
        distinctValues: field.cardinal,
        values: field.total_count,
        sizeBytes: field.byte_size,
        tags: field.tags,
        key: field.tags.includes('$key') || undefined,
        numeric: field.is_numeric || undefined,
        hidden: field.is_hidden || undefined,
        semantic: field.is_semantic || undefined,
        comment: field.comment,
      }),
    });
    for (const table of new Set(field.src_tables)) {
      const from = tables.get(table);
      if (from !== undefined) await out.edge('contains', from, key);
    }
  }
};

/** A path of the site as an address; nothing for what is no path: behind a host name it could name another host. */
const addressOf = ({ displayUrl }: Connection, path: string): string | undefined =>
  path.startsWith('/') ? `${displayUrl}${path}` : undefined;

/** Base sheets are the author's, published with the app; community sheets were published by others into it. */
const sheetClass = (meta: Meta | undefined): 'base' | 'community' | 'private' =>
  meta?.published !== true ? 'private' : meta.approved === true ? 'base' : 'community';

const titleOf = ({ qMeta, qData }: ContainerEntry): string => textAt(qMeta, 'title') || textAt(qData, 'title');

const titles = (entries: readonly ContainerEntry[]): ReadonlyMap<string, string> =>
  new Map(entries.map((entry) => [entry.qInfo.qId, titleOf(entry)]));

const metaOf = (meta: Meta | undefined, { people }: AppContext): JsonObject =>
  present({
    description: textAt(meta, 'description'),
    tags: textsAt(meta, 'tags'),
    owner: isTree(meta?.owner) ? people.owner(meta?.owner) : undefined,
    approved: flagAt(meta, 'approved'),
    published: flagAt(meta, 'published'),
    created: timeAt(meta, 'createdDate'),
    modified: timeAt(meta, 'modifiedDate'),
    publishTime: timeAt(meta, 'publishTime'),
  });
