import { z } from 'zod';
import { ASSET_KINDS } from '#protocol/records.ts';

const Time = z.iso.datetime();

const Named = z.object({
  key: z.string(),
  kind: z.enum(ASSET_KINDS),
  name: z.string(),
  /** It is in the catalog now: there is a page of it. */
  exists: z.boolean(),
});

/** What the publish of one scope changed. The names are the first of each; the numbers are whole. */
export const Difference = z
  .object({
    /** It was not there before: what came is not named. */
    isFirst: z.boolean(),
    counts: z.object({ added: z.int(), changed: z.int(), removed: z.int() }),
    added: z.array(Named),
    changed: z.array(Named),
    removed: z.array(Named),
  })
  .meta({ id: 'Difference' });
export type Difference = z.infer<typeof Difference>;

/** What one crawl changed as a whole. */
export const Publish = z
  .object({
    job: z.string(),
    state: z.string(),
    createdAt: Time,
    finishedAt: Time.nullable(),
    createdBy: z.string(),
    mode: z.enum(['full', 'delta', 'some']),
    scopes: z.int(),
    /** Of those: in which something came, changed or went. */
    scopesChanged: z.int(),
    added: z.int(),
    changed: z.int(),
    removed: z.int(),
  })
  .meta({ id: 'Publish' });
export type Publish = z.infer<typeof Publish>;

export const PublishList = z.object({ items: z.array(Publish), next: z.string().nullable() });
