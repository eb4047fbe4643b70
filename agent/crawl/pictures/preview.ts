import type { OpenApp } from '#agent/qlik/engine/app.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import { Fault } from '#protocol/errors.ts';
import type { PreviewOptions } from '#protocol/job-options.ts';
import { keysOf } from '../keys.ts';
import { listedProperties, MASTER_POINTERS } from '../master-visualizations.ts';
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
 * @throws Fault when the app cannot be opened, or has none of the sheets that were asked for
 */
export const drawPreview = async (
  site: Site,
  sink: RecordSink,
  options: PreviewOptions,
  signal: AbortSignal,
  onProgress: (progress: PreviewProgress) => void = () => undefined,
): Promise<number> => {
  const { connection } = site;
  const keys = keysOf(connection.code);
  const app = await site.openApp(options.app, signal, undefined, options.data ? 'with data' : undefined);
  try {
    const { sheets, ...content } = await frame(site, app, options, signal);
    const library = libraryOf(content.lists.dimensions, content.lists.measures, content.visualizations);
    let pictures = 0;
    for (const [done, entry] of sheets.entries()) {
      signal.throwIfAborted();
      onProgress({ done, total: sheets.length, sheet: entry.qMeta?.title ?? '' });
      const tree = await app.propertyTree(entry.qInfo.qId);
      const values = options.data ? await readValues(app, tree, library, signal) : undefined;
      for (const picture of sheetPictures(options.app, keys, { ...content, sheets: [{ entry, tree }] }, values)) {
        await sink.write({ t: 'picture', scope: keys.of(options.app), ...picture });
        pictures += 1;
      }
    }
    onProgress({ done: sheets.length, total: sheets.length, sheet: '' });
    return pictures;
  } finally {
    await app.close();
  }
};

/** Which sheets are drawn, and what their charts may refer to. */
const frame = async (site: Site, app: OpenApp, options: PreviewOptions, signal: AbortSignal) => {
  const sheetIds =
    site.connection.crawl.sheetId === 'repository' ? await site.sheetRepositoryIds(options.app, signal) : undefined;
  const [entries, lists] = await Promise.all([app.objects(['sheet', 'masterobject'], DATA), app.lists()]);
  const all = entries.filter(({ qInfo }) => qInfo.qType === 'sheet');
  const asked = options.sheets;
  const wanted = asked === undefined ? all : all.filter(({ qInfo }) => asked.includes(qInfo.qId));
  if (wanted.length === 0 && asked !== undefined)
    throw new Fault('qlik.not_found', `App ${options.app} has none of the sheets that were asked for`, {
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
