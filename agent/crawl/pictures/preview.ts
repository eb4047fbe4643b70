import type { OpenApp } from '#agent/qlik/engine/app.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Filter } from '#config/filter/filter.ts';
import { appItem } from '#config/filter/item.ts';
import { Fault } from '#protocol/errors.ts';
import type { PreviewOptions } from '#protocol/job-options.ts';
import { keepsSheet } from '../filtered.ts';
import { keysOf } from '../keys.ts';
import { listedProperties, MASTER_POINTERS } from '../master-visualizations.ts';
import { refuseInQuietHours } from '../quiet-hours.ts';
import { libraryOf } from './sheet-plan.ts';
import { readValues } from './values.ts';
import { type Drawn, sheetPictures } from './write-pictures.ts';

/** Sheets that are drawn with data in one job: each costs the server a calculation for every chart. */
const MOST_SHEETS_WITH_DATA = 20;
const DATA = { title: '/qMetaDef/title', ...MASTER_POINTERS };

interface PreviewProgress {
  readonly done: number;
  readonly total: number;
  /** Title of the sheet that is being drawn. */
  readonly sheet: string;
}

/**
 * Draws the sheets of one app anew, each as soon as it was read, into `sink`. With data the app is opened with it, in a
 * session of its own that is closed at the end, whatever happens.
 *
 * What the connection's file says of crawls holds here, too: the filter, the largest app, and when nothing may be asked of
 * the site.
 *
 * @throws Fault when the app may not or cannot be opened, or has none of the sheets that were asked for
 */
export const drawPreview = async (
  site: Site,
  sink: RecordSink,
  /** Of the connection's file, narrowed by the catalog's settings. */
  filter: Filter,
  options: PreviewOptions,
  signal: AbortSignal,
  onProgress: (progress: PreviewProgress) => void = () => undefined,
): Promise<number> => {
  const { connection } = site;
  const keys = keysOf(connection.code);
  const row = await allowedApp(site, filter, options.app);
  const app = await site.openApp(row.id, signal, undefined, options.data ? 'with data' : undefined);
  try {
    const { sheets, ...content } = await frame(site, row, app, filter, options, signal);
    const library = libraryOf(content.lists.dimensions, content.lists.measures, content.visualizations);
    let pictures = 0;
    for (const [done, entry] of sheets.entries()) {
      signal.throwIfAborted();
      onProgress({ done, total: sheets.length, sheet: entry.qMeta?.title ?? '' });
      const tree = await app.propertyTree(entry.qInfo.qId);
      const values = options.data ? await readValues(app, tree, library, signal) : undefined;
      for (const picture of sheetPictures(row.id, keys, { ...content, sheets: [{ entry, tree }] }, values)) {
        await sink.write({ t: 'picture', scope: keys.of(row.id), ...picture });
        pictures += 1;
      }
    }
    onProgress({ done: sheets.length, total: sheets.length, sheet: '' });
    return pictures;
  } finally {
    await app.close();
  }
};

/** An id goes into what the repository is asked: what is none could ask for something else. */
const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * The app, when the connection's file lets it be read. One that is rejected is told like one that does not exist: whoever
 * asks learns nothing of it.
 */
const allowedApp = async ({ connection, appRows }: Site, filter: Filter, id: string): Promise<QrsApp> => {
  const { appMaxBytes } = connection.crawl;
  refuseInQuietHours(connection);
  const row = GUID.test(id)
    ? (await appRows([id])).find((one) => one.id.toLowerCase() === id.toLowerCase())
    : undefined;
  if (row === undefined || !filter.judge(appItem(row)).kept)
    throw new Fault('qlik.not_found', `There is no app ${id}, or the filter lets it not be crawled`, {
      advice:
        'Crawl the site again; if the app should be in it, look at the filter of the connection file and of the catalog.',
    });
  if (appMaxBytes !== undefined && (row.fileSize ?? 0) > appMaxBytes)
    throw new Fault(
      'qlik.app_too_large',
      `App "${row.name}" (${row.id}) is a file of ${row.fileSize} bytes, and crawl.app_max_size is ${appMaxBytes}`,
    );
  return row;
};

/** Which sheets are drawn, and what their charts may refer to. */
const frame = async (
  site: Site,
  row: QrsApp,
  app: OpenApp,
  filter: Filter,
  options: PreviewOptions,
  signal: AbortSignal,
) => {
  const sheetIds =
    site.connection.crawl.sheetId === 'repository' ? await site.sheetRepositoryIds(row.id, signal) : undefined;
  const [entries, lists] = await Promise.all([app.objects(['sheet', 'masterobject'], DATA), app.lists()]);
  const all = entries.filter((one) => one.qInfo.qType === 'sheet' && keepsSheet(filter, appItem(row), one));
  const asked = options.sheets;
  const wanted = asked === undefined ? all : all.filter(({ qInfo }) => asked.includes(qInfo.qId));
  if (wanted.length === 0 && asked !== undefined)
    throw new Fault('qlik.not_found', `App ${row.id} has none of the sheets that were asked for`, {
      advice: 'Crawl the app again: it was changed since.',
    });
  const visualizations: Drawn['visualizations'][number][] = [];
  for (const entry of entries.filter(({ qInfo }) => qInfo.qType === 'masterobject')) {
    const properties = listedProperties(entry) ?? (await app.properties(entry.qInfo.qId));
    visualizations.push({ entry, properties });
  }
  const sheets = options.data ? wanted.slice(0, MOST_SHEETS_WITH_DATA) : wanted;
  return { sheets, lists, visualizations, sheetIds };
};
