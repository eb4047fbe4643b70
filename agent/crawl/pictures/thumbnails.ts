import type { ContainerEntry, PropertyEntry } from '#agent/qlik/engine/calls.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { PictureRecord } from '#protocol/records.ts';
import { textAt, treeAt } from '../properties.ts';

/** A picture that Qlik keeps of an app or a sheet. */
export interface Thumbnail {
  /** Engine id of the sheet; undefined for the app. */
  readonly sheet: string | undefined;
  readonly mediaType: PictureRecord['mediaType'];
  readonly bytes: Buffer;
}

/** A thumbnail has some kilobytes; what is larger is somebody's photograph. */
const MOST_BYTES = 256 * 1024;
/** Of one app: they are asked for one after the other, in the time that the app has. */
const MOST_SHEETS = 40;

const BEGINNINGS: readonly (readonly [PictureRecord['mediaType'], RegExp])[] = [
  ['image/png', /^\x89PNG\r\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
];

/** What a file is by its first bytes, whatever its server says; undefined for what is none of these, SVG among them. */
export const mediaTypeOf = (bytes: Buffer): PictureRecord['mediaType'] | undefined => {
  const beginning = bytes.subarray(0, 16).toString('latin1');
  return BEGINNINGS.find(([, pattern]) => pattern.test(beginning))?.[0];
};

/** The thumbnails of an app that was read, where Qlik has them. Throws only when `signal` ends it. */
export const readThumbnails = async (
  site: Site,
  row: QrsApp,
  sheets: readonly { readonly entry: ContainerEntry; readonly tree: PropertyEntry }[],
  signal: AbortSignal,
): Promise<readonly Thumbnail[]> => {
  const wanted = [
    { sheet: undefined, address: row.thumbnail },
    ...sheets.map(({ entry, tree }) => ({
      sheet: entry.qInfo.qId,
      address: textAt(treeAt(tree.qProperty, 'thumbnail', 'qStaticContentUrlDef'), 'qUrl'),
    })),
  ].filter(({ address }) => (address ?? '') !== '');
  const found: Thumbnail[] = [];
  for (const { sheet, address } of wanted.slice(0, MOST_SHEETS)) {
    const bytes = await site.staticContent(address ?? '', MOST_BYTES, signal);
    const mediaType = bytes === undefined ? undefined : mediaTypeOf(bytes);
    if (bytes !== undefined && mediaType !== undefined) found.push({ sheet, mediaType, bytes });
  }
  return found;
};
