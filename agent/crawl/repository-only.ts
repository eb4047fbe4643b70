import type { DataModel } from '#agent/qlik/engine/data-model.ts';
import type { QrsApp, QrsDescribedObject } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { AssetKind } from '#protocol/records.ts';
import type { AppContext } from './app-context.ts';
import { told } from './attributes.ts';
import { classOf } from './meta.ts';
import { Gaps } from './missing.ts';
import { writeOwner } from './owners.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { resultOf, settled } from './settled.ts';
import { writeDataModel } from './tables.ts';

/** What is told of an app that could not be opened: what the repository knows of it without the engine. */
export interface RepositoryContent {
  readonly objects: readonly QrsDescribedObject[];
  /** Undefined when it was not asked for. */
  readonly model: DataModel | undefined;
  readonly gaps: Gaps;
}

/** The repository's words for objects that the catalog has kinds for. */
const KINDS: Readonly<Record<string, AssetKind>> = {
  sheet: 'sheet',
  story: 'story',
  masterobject: 'masterVisualization',
  dimension: 'masterDimension',
  measure: 'masterMeasure',
  bookmark: 'bookmark',
};
const TYPES = Object.keys(KINDS);

/**
 * Asks the repository for the objects of an app: sheets, stories, master items and bookmarks with names and owners, and
 * nothing that is inside them. With `withModel` also the tables and fields, which the engine serves beside its sockets.
 * Throws what is wrong with the way to the repository.
 */
export const readRepository = async (
  site: Site,
  row: QrsApp,
  signal: AbortSignal,
  withModel: boolean,
): Promise<RepositoryContent> => {
  const gaps = new Gaps();
  const asked = settled(site.objectsOf(row.id, TYPES, signal));
  const model = withModel ? await site.dataModel(row.id, signal) : undefined;
  const listing = await gaps.list('app objects', resultOf(asked));
  if (listing?.incomplete !== undefined) gaps.note('app objects', listing.incomplete);
  return { objects: listing?.rows ?? [], model, gaps };
};

/** Writes what the repository told; each asset keeps what an earlier crawl, which could open the app, said of it. */
export const writeRepositoryContent = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  { objects, model }: RepositoryContent,
): Promise<void> => {
  const { connection, keys, people } = context;
  const parent = keys.of(row.id);
  for (const object of objects) {
    const kind = KINDS[object.objectType];
    if (kind === undefined || object.engineObjectId === '') continue;
    const byRepository = kind === 'sheet' && connection.crawl.sheetId === 'repository';
    const key = keys.of(row.id, byRepository ? object.id : object.engineObjectId);
    await out.asset({
      kind,
      key,
      name: object.name,
      parent,
      sparse: true,
      attributes: told({
        description: object.description,
        tags: object.tags,
        owner: people.owner(object.owner) ?? null,
        class: classOf(object),
        approved: object.approved,
        published: object.published,
        created: object.createdDate,
        modified: object.modifiedDate,
        publishTime: object.publishTime,
        url:
          kind === 'sheet'
            ? `${connection.displayUrl}/sense/app/${encodeURIComponent(row.id)}/sheet/${encodeURIComponent(object.engineObjectId)}/state/analysis`
            : undefined,
      }),
    });
    if (kind === 'sheet' || kind === 'story') await writeOwner(out, context, object.owner, key);
  }
  if (model !== undefined) await writeDataModel(out, row, context, { model });
};
