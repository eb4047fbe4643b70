import { z } from 'zod';
import { ASSET_KINDS, PICTURE_SOURCES } from '#protocol/records.ts';

/** A picture of an asset, without its content: that is at `/api/v1/assets/picture?key=&source=`. */
export const Picture = z
  .object({
    key: z.string(),
    kind: z.enum(ASSET_KINDS),
    name: z.string(),
    source: z.enum(PICTURE_SOURCES),
    mediaType: z.string(),
    bytes: z.int(),
    /** Another one when the content is another. */
    version: z.string(),
    changedAt: z.iso.datetime(),
    /** Names of the first charts of a sheet: what it shows, in words. */
    charts: z.array(z.string()),
  })
  .meta({ id: 'Picture' });
export type Picture = z.infer<typeof Picture>;

/** Of an asset and the sheets below it; the first ones when there are very many. */
export const PictureList = z.object({ items: z.array(Picture) });
