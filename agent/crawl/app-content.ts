import type { AppLists, TouchedSource } from '#agent/qlik/engine/app.ts';
import type { ContainerEntry, Properties, PropertyEntry } from '#agent/qlik/engine/calls.ts';
import type { DataModel } from '#agent/qlik/engine/data-model.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import { Fault } from '#protocol/errors.ts';
import { listedProperties, MASTER_POINTERS } from './master-visualizations.ts';
import { Gaps } from './missing.ts';
import type { Thumbnail } from './pictures/thumbnails.ts';
import { resultOf, resultsOf, settled } from './settled.ts';

/** What one visit to an app brings home. */
export interface AppContent {
  readonly sheets: readonly { readonly entry: ContainerEntry; readonly tree: PropertyEntry }[];
  /** Undefined slides: they could not be counted. */
  readonly stories: readonly { readonly entry: ContainerEntry; readonly slides: number | undefined }[];
  readonly visualizations: readonly { readonly entry: ContainerEntry; readonly properties: Properties }[];
  readonly lists: AppLists;
  /** As the author wrote it; blank when there is none or it is not visible. */
  readonly script: string;
  readonly model: DataModel;
  /** What the engine noted of the last reload's sources; nothing where it does not tell. */
  readonly touched?: readonly TouchedSource[];
  /** Repository ids of the sheets by engine id; undefined when keys are made of engine ids. */
  readonly sheetIds: ReadonlyMap<string, string> | undefined;
  readonly gaps: Gaps;
  /** What the engine's answers came to; absent where none were asked for. */
  readonly answerBytes?: number;
  /** What Qlik keeps of the app and its sheets; undefined where no pictures are wanted. */
  readonly thumbnails?: readonly Thumbnail[];
}

const NO_LISTS: AppLists = { dimensions: [], measures: [], variables: [], bookmarks: [] };
const TYPES = ['sheet', 'story', 'masterobject'] as const;
/** What a list of the repository's ids is needed for. */
const SHEETS = 'sheets and charts';
const DATA = { title: '/qMetaDef/title', ...MASTER_POINTERS };

/**
 * Reads an app in one session, without its data. All calls that do not need another's answer are sent at once: the engine
 * works them off in a row, and the way there and back is paid three times for each app instead of once a call. The
 * session is closed before this returns. Without `scripts` the load script is not asked for. Parts that cannot be read are noted in `gaps`; what breaks the visit is thrown.
 */
export const readApp = async (site: Site, row: QrsApp, signal: AbortSignal, scripts = true): Promise<AppContent> => {
  const gaps = new Gaps();
  // Beside the session: this needs none, and is the answer that takes the engine least.
  const model = settled(site.dataModel(row.id, signal));
  const sheetIds =
    site.connection.crawl.sheetId === 'repository'
      ? settled(gaps.part(SHEETS, site.sheetRepositoryIds(row.id, signal), undefined))
      : undefined;
  const app = await site.openApp(row.id, signal);
  try {
    // First what others wait for: while its answer travels, the engine works on the rest.
    const objects = settled(gaps.part('sheets, stories and master visualizations', app.objects(TYPES, DATA), []));
    const lists = settled(gaps.part('master items, variables and bookmarks', app.lists(), NO_LISTS));
    const script = settled(scripts ? gaps.part('load script', app.script(), '') : Promise.resolve(''));
    // A witness of what the script says: without it nothing is missing.
    const touched = settled(scripts ? app.touched().catch(() => []) : Promise.resolve([]));
    const entries = await resultOf(objects);
    const ofType = (type: string): readonly ContainerEntry[] => entries.filter(({ qInfo }) => qInfo.qType === type);
    const trees = ofType('sheet').map((entry) =>
      settled(gaps.object(`sheet ${entry.qInfo.qId}`, app.propertyTree(entry.qInfo.qId))),
    );
    const masters = ofType('masterobject').map((entry) =>
      settled(
        gaps.object(
          `master visualization ${entry.qInfo.qId}`,
          Promise.resolve(listedProperties(entry) ?? app.properties(entry.qInfo.qId)),
        ),
      ),
    );
    const slides = ofType('story').map((entry) =>
      settled(gaps.object(`story ${entry.qInfo.qId}`, app.childCount(entry.qInfo.qId, 'slide'))),
    );
    const sheets = (await resultsOf(trees)).flatMap((tree, index) => {
      const entry = ofType('sheet')[index];
      return tree === undefined || entry === undefined ? [] : [{ entry, tree }];
    });
    const visualizations = (await resultsOf(masters)).flatMap((properties, index) => {
      const entry = ofType('masterobject')[index];
      return properties === undefined || entry === undefined ? [] : [{ entry, properties }];
    });
    const counts = await resultsOf(slides);
    const [theLists, theScript, theTouched] = [await resultOf(lists), await resultOf(script), await resultOf(touched)];
    await app.close();
    const ids = sheetIds === undefined ? undefined : await resultOf(sheetIds);
    const content: AppContent = {
      sheets: sheetIds === undefined || isKnown(row, sheets, ids, gaps) ? sheets : [],
      stories: ofType('story').map((entry, index) => ({ entry, slides: counts[index] })),
      visualizations,
      lists: theLists,
      script: theScript,
      model: await resultOf(model),
      touched: theTouched,
      sheetIds: ids,
      gaps,
      answerBytes: app.receivedBytes,
    };
    noteUnseen(row, content, scripts);
    return content;
  } finally {
    await app.close();
  }
};

/** Whether sheets have ids of the repository to be known by. By others they would be other sheets to the catalog. */
const isKnown = (
  { name }: QrsApp,
  sheets: AppContent['sheets'],
  ids: ReadonlyMap<string, string> | undefined,
  gaps: Gaps,
): boolean => {
  if (ids?.size === 0 && sheets.length > 0)
    gaps.note(SHEETS, new Fault('qlik.kinds_not_visible', `The repository shows the user no sheet of "${name}"`));
  return ids !== undefined && ids.size > 0;
};

/** An app that was reloaded has a script and, since June 2018, a data model. */
const noteUnseen = (row: QrsApp, { script, model, gaps }: AppContent, scripts: boolean): void => {
  if (row.lastReloadTime === null) return;
  if (scripts && script.trim() === '' && !gaps.missing.some(({ what }) => what === 'load script')) {
    gaps.note(
      'load script',
      new Fault(
        'qlik.script_not_visible',
        `The load script of "${row.name}" is empty for this user, though it was run`,
      ),
    );
  }
  if (!model.available) gaps.note('tables and fields', model.reason);
};
