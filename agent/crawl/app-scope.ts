import type { ContainerEntry } from '#agent/qlik/engine/calls.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { EVERYTHING, keptStream } from '#config/filter/filter.ts';
import type { Missing } from '#protocol/records.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { present, told } from './attributes.ts';
import { ChartWriter } from './charts.ts';
import { FieldNames } from './field-names.ts';
import { lineageFacts } from './lineage/facts.ts';
import type { AppLineage } from './lineage/site-lineage.ts';
import { writeLineage } from './lineage/write-lineage.ts';
import { writeMasterItems } from './master-items.ts';
import { addressOf, classOf, metaOf, ownerOf, titleOf } from './meta.ts';
import { writeOwner } from './owners.ts';
import { customPropertyValues } from './people.ts';
import { textAt } from './properties.ts';
import type { RepositoryContent } from './repository-only.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { writeScript } from './scripts.ts';
import { writeSheets } from './sheets.ts';
import { writeDataModel } from './tables.ts';
import { writeVariables } from './variables.ts';

/** The asset of the app itself, from its row in QRS and, when the app was read, what its data model says. */
export const writeApp = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  content: Pick<AppContent, 'model'> | RepositoryContent | undefined,
  lineage?: AppLineage,
): Promise<void> => {
  const { connection, keys, people } = context;
  const model = content?.model?.available === true ? content.model : undefined;
  const key = keys.of(row.id);
  const stream = keptStream(context.filter ?? EVERYTHING, row.stream);
  // What was not read of an app that could not be opened is not gone because of that.
  const isSparse = content === undefined || 'objects' in content;
  const attributes = isSparse ? told : present;
  await out.asset({
    kind: 'app',
    key,
    sparse: isSparse,
    name: row.name,
    parent: stream === null ? keys.site : keys.of('stream', stream.id),
    attributes: attributes({
      description: row.description,
      owner: people.owner(row.owner) ?? null,
      stream: row.stream?.name ?? null,
      streamId: row.stream?.id ?? null,
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
      reloadCpuMs: model?.reload?.cpuMs,
      reloadPeakBytes: model?.reload?.peakBytes,
      originApp: row.sourceAppId,
      targetApp: row.targetAppId,
      savedInProductVersion: row.savedInProductVersion,
      availability: row.availabilityStatus,
      tags: row.tags,
      customProperties: customPropertyValues(row.customProperties),
      lineage: lineage === undefined ? undefined : lineageFacts(lineage.lineage, lineage.coverage),
      thumbnailUrl: addressOf(connection, row.thumbnail) ?? null,
      url: `${connection.displayUrl}/sense/app/${encodeURIComponent(row.id)}`,
    }),
  });
  await writeOwner(out, context, row.owner, key);
};

/** Everything inside the app. Returns what its lineage lacks. */
export const writeAppContent = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  content: AppContent,
  lineage?: AppLineage,
): Promise<Missing[]> => {
  await writeObjects(out, row, context, content);
  await writeStoriesAndBookmarks(out, row, context, content);
  await writeScript(out, row, context, content);
  await writeDataModel(out, row, context, content);
  return lineage === undefined ? [] : await writeLineage(out, row, context, content, lineage);
};

/** What of an app lineage comes from: what its expressions use, and what its script reads. Returns what it lacks. */
export const writeAppLineage = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  content: AppContent,
  lineage: AppLineage,
): Promise<Missing[]> => {
  await writeObjects(out, row, context, content);
  return await writeLineage(out, row, context, content, lineage);
};

/** Sheets with their charts, master items and variables: whatever has expressions. */
const writeObjects = async (out: ScopeWriter, row: QrsApp, context: AppContext, content: AppContent): Promise<void> => {
  const { keys } = context;
  const names = new FieldNames(content);
  const masters = {
    dimensions: titles(content.lists.dimensions),
    measures: titles(content.lists.measures),
    visualizations: titles(content.visualizations.map(({ entry }) => entry)),
    extensions: context.extensions,
  };
  const charts = new ChartWriter(out, keys, row.id, masters, names);
  await writeSheets(out, row, context, content, charts, names);
  await writeMasterItems(out, row, context, content, charts, names);
  await writeVariables(out, row, context, content, names);
};

const writeStoriesAndBookmarks = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  { stories, lists }: AppContent,
): Promise<void> => {
  const { keys, people } = context;
  const parent = keys.of(row.id);
  for (const { entry, slides } of stories) {
    const key = keys.of(row.id, entry.qInfo.qId);
    await out.asset({
      kind: 'story',
      key,
      name: titleOf(entry),
      parent,
      attributes: present({ ...metaOf(entry, people), class: classOf(entry.qMeta), slides }),
    });
    await writeOwner(out, context, ownerOf(entry), key);
  }
  for (const entry of lists.bookmarks) {
    await out.asset({
      kind: 'bookmark',
      key: keys.of(row.id, entry.qInfo.qId),
      name: titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry, people),
        class: classOf(entry.qMeta),
        sheetId: textAt(entry.qData, 'sheetId'),
        // Which fields, as their names are listed to readers; never what is selected in them.
        fields: textAt(entry.qData, 'fields')
          .split(/,\s*/)
          .filter((name) => name !== ''),
      }),
    });
  }
};

const titles = (entries: readonly ContainerEntry[]): ReadonlyMap<string, string> =>
  new Map(entries.map((entry) => [entry.qInfo.qId, titleOf(entry)]));
