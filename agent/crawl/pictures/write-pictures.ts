import { setImmediate } from 'node:timers/promises';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { PICTURE_CHARS, type PictureRecord } from '#protocol/records.ts';
import type { AppContent } from '../app-content.ts';
import type { Keys } from '../keys.ts';
import { textAt, treeAt } from '../properties.ts';
import type { ScopeWriter } from '../scope-writer.ts';
import { drawSheet } from './sheet-picture.ts';
import { libraryOf, planSheet, type Values } from './sheet-plan.ts';
import type { Thumbnail } from './thumbnails.ts';

/** What a sheet is drawn from. */
export type Drawn = Pick<AppContent, 'sheets' | 'visualizations' | 'sheetIds'> & {
  readonly lists: Pick<AppContent['lists'], 'dimensions' | 'measures'>;
};

type Picture = Omit<PictureRecord, 't' | 'scope'>;

/** Pictures of the sheets of an app, one after the other; an app has many, and each is drawn when it is wanted. */
export function* sheetPictures(
  appId: string,
  keys: Keys,
  content: Drawn,
  values?: ReadonlyMap<string, Values>,
): Generator<Picture> {
  const library = libraryOf(content.lists.dimensions, content.lists.measures, content.visualizations);
  for (const { entry, tree } of content.sheets) {
    const id = entry.qInfo.qId;
    const title = textAt(treeAt(tree.qProperty, 'qMetaDef'), 'title') || (entry.qMeta?.title ?? '');
    const svg = drawSheet(planSheet(title, tree, library, values));
    const base64 = Buffer.from(svg).toString('base64');
    // The bounds on objects and texts keep it far below.
    if (base64.length > PICTURE_CHARS) continue;
    yield {
      key: keys.of(appId, content.sheetIds?.get(id) ?? id),
      source: values === undefined ? 'layout' : 'data',
      mediaType: 'image/svg+xml',
      content: base64,
    };
  }
}

/** The pictures of an app that was read, into its scope: behind the assets that they belong to. */
export const writePictures = async (
  out: ScopeWriter,
  row: QrsApp,
  keys: Keys,
  content: Drawn,
  thumbnails: readonly Thumbnail[],
): Promise<void> => {
  for (const { sheet, mediaType, bytes } of thumbnails)
    await out.picture({
      key: sheet === undefined ? keys.of(row.id) : keys.of(row.id, content.sheetIds?.get(sheet) ?? sheet),
      source: 'thumbnail',
      mediaType,
      content: bytes.toString('base64'),
    });
  for (const picture of sheetPictures(row.id, keys, content)) {
    await out.picture(picture);
    // A few milliseconds of work each: answers for other apps wait no longer than that.
    await setImmediate();
  }
};
