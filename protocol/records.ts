import { z } from 'zod';
import { CheckRecord, SettingsRecord } from './checks.ts';
import { ErrorShape } from './errors.ts';
import { InventoryRecord, ItemRecord } from './inventory.ts';

/**
 * What the stream of a job carries: one JSON object a line. Every record of a crawl names its scope, so that the records of
 * apps that are read side by side may interleave. Within a scope the order is: one `scope` record, assets and edges, one
 * `outcome` record. A `scope` record for a scope that is already open starts it afresh (a crawl resumed after a crash).
 */
export const ASSET_KINDS = [
  'site',
  'stream',
  'app',
  'sheet',
  'chart',
  'chartDimension',
  'chartMeasure',
  'masterDimension',
  'masterMeasure',
  'masterVisualization',
  'variable',
  'bookmark',
  'story',
  'script',
  'scriptSection',
  'table',
  'field',
  'dataConnection',
  'reloadTask',
  'extension',
  'user',
  'tag',
  'customProperty',
  'dataset',
  'column',
] as const;
export type AssetKind = (typeof ASSET_KINDS)[number];

export const EDGE_KINDS = ['contains', 'uses', 'derives', 'produces', 'loads', 'owns'] as const;
export type EdgeKind = (typeof EDGE_KINDS)[number];

/** The most of a name: a sender cuts what is longer behind one character less and puts an ellipsis there. */
export const NAME_CHARS = 4_001;

const Key = z.string().min(1).max(4096);
/** Attributes are JSON; names are camelCase, times ISO 8601 in UTC, sizes end in `Bytes`, durations in `Ms`. */
const Attributes = z.record(z.string().max(200), z.json());

/** Opens (or restarts) a scope: the site itself, or one app. `scope` is the key of that site or app. */
export const ScopeRecord = z.object({
  t: z.literal('scope'),
  scope: Key,
  kind: z.enum(['site', 'app']),
  name: z.string(),
});
export type ScopeRecord = z.infer<typeof ScopeRecord>;

/**
 * One asset. `parent` is its place in the containment tree (absent only for the site); the catalog derives the
 * `contains` edge from it. `sanitized` says that U+0000 or lone surrogates were replaced by U+FFFD.
 */
export const AssetRecord = z.object({
  t: z.literal('asset'),
  scope: Key,
  key: Key,
  kind: z.enum(ASSET_KINDS),
  name: z.string(),
  parent: Key.optional(),
  attributes: Attributes.optional(),
  /**
   * Only a part of the attributes could be read: those that are not here keep the values that the catalog has of them, and
   * those that are null are not there any more. So a crawl that could not open an app does not empty what an earlier one
   * read inside it.
   */
  sparse: z.literal(true).optional(),
  sanitized: z.literal(true).optional(),
});
export type AssetRecord = z.infer<typeof AssetRecord>;

/** One edge besides the containment tree: `table contains field`, `chart uses masterVisualization`, … */
export const EdgeRecord = z.object({
  t: z.literal('edge'),
  scope: Key,
  kind: z.enum(EDGE_KINDS),
  from: Key,
  to: Key,
  attributes: Attributes.optional(),
});
export type EdgeRecord = z.infer<typeof EdgeRecord>;

/**
 * In the site scope only: this app exists. When the site scope is complete, or says that all apps are listed, an app scope
 * that is not listed is gone; the catalog removes it in the transaction that ends the job.
 */
export const ListedRecord = z.object({ t: z.literal('listed'), scope: Key, key: Key, name: z.string() });
export type ListedRecord = z.infer<typeof ListedRecord>;

/** In a scope whose outcome is `updated`: this asset is no longer there, nor is what lies below it, nor are its edges. */
export const GoneRecord = z.object({ t: z.literal('gone'), scope: Key, key: Key });
export type GoneRecord = z.infer<typeof GoneRecord>;

/** The most of a picture, in characters of base64: a drawn sheet has a tenth of it, a thumbnail of Qlik a fifth. */
export const PICTURE_CHARS = 512 * 1024;
/** Where a picture comes from: drawn from the sheet's grid, drawn with small real values, or kept by Qlik. */
export const PICTURE_SOURCES = ['layout', 'data', 'thumbnail'] as const;
export type PictureSource = (typeof PICTURE_SOURCES)[number];

/**
 * What an asset looks like: an app or a sheet. One of each source, replaced when another comes. In a crawl it belongs to
 * its scope, as an asset does; in a job of kind `preview` it stands alone and is stored as it comes.
 */
export const PictureRecord = z.object({
  t: z.literal('picture'),
  scope: Key,
  /** Of the asset. */
  key: Key,
  source: z.enum(PICTURE_SOURCES),
  mediaType: z.enum(['image/svg+xml', 'image/png', 'image/jpeg', 'image/gif', 'image/webp']),
  /** Base64. Whoever shows it lets nothing in it run and loads nothing that it names. */
  content: z.base64().max(PICTURE_CHARS),
});
export type PictureRecord = z.infer<typeof PictureRecord>;

/** Something that a scope lacks: what, why, and what would give it. */
export const Missing = z.object({
  what: z.string(),
  code: z.string(),
  message: z.string(),
  advice: z.string(),
});
export type Missing = z.infer<typeof Missing>;

/**
 * What became of a scope. The catalog then: `complete` replaces the scope (what was not seen is gone); `updated` takes what
 * came, removes what `gone` records name and keeps the rest; `unchanged` keeps all of it, with what was known to be missing
 * and why; `partial`, `denied` and `failed` update what came and delete nothing (a denied app still sends its own asset, from
 * the list of apps) but, of a `partial` one, what is not there of kinds that came whole; `gone` deletes it by the connection's deletion policy.
 */
export const OUTCOMES = ['complete', 'updated', 'unchanged', 'partial', 'denied', 'failed', 'gone'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Why a scope was read, or why it was not; the codes are open, the message is for people. */
export const REASON_CHARS = 500;
export const Reason = z.object({ code: z.string().min(1).max(60), message: z.string().max(REASON_CHARS) });
export type Reason = z.infer<typeof Reason>;

/**
 * Ends a scope. `records` counts the asset, edge, listed, gone and picture records since the `scope` record, `sha256` is over their lines in
 * order, each with its `\n` (hex); the catalog refuses to publish a scope that does not agree.
 */
export const OutcomeRecord = z.object({
  t: z.literal('outcome'),
  scope: Key,
  outcome: z.enum(OUTCOMES),
  records: z.int().nonnegative(),
  sha256: z.string().length(64),
  missing: z.array(Missing).optional(),
  error: ErrorShape.optional(),
  reason: Reason.optional(),
  /**
   * Of the site's scope: the name of the state that the agent wrote down in this crawl. When the job is published without a
   * refused scope, the catalog keeps it for the connection and names it in the next crawl: from there on only differences
   * are read.
   */
  checkpoint: z.string().min(1).max(100).optional(),
  /**
   * Of a scope that is `partial`: the kinds of which all came, whatever else is missing. What the catalog has of these in
   * this scope and did not come is gone; in the site's scope `app` stands for the apps that `listed` records name.
   */
  whole: z.array(z.enum(ASSET_KINDS)).max(ASSET_KINDS.length).optional(),
  /**
   * Of an app's scope that is `updated` or `partial`: the kinds of assets and edges of which all came. What the catalog has of
   * these in this scope and did not come is gone: so lineage is made anew while all else of the app stays. Of one that is
   * `partial` an edge is gone only when others of its kind came from where it leads from: the rest may be in what was not read.
   */
  anew: z
    .array(z.enum([...ASSET_KINDS, ...EDGE_KINDS]))
    .max(ASSET_KINDS.length + EDGE_KINDS.length)
    .optional(),
});
export type OutcomeRecord = z.infer<typeof OutcomeRecord>;

/**
 * Opens the list of checks of a job of kind `test`, or opens it afresh: what came before counts for nothing. Then
 * `check` records follow, one for each check as it is found, and `settings` records if the job asks for them.
 */
export const TestRecord = z.object({ t: z.literal('test') });
export type TestRecord = z.infer<typeof TestRecord>;

export const StreamRecord = z.discriminatedUnion('t', [
  ScopeRecord,
  AssetRecord,
  EdgeRecord,
  ListedRecord,
  OutcomeRecord,
  TestRecord,
  CheckRecord,
  SettingsRecord,
  GoneRecord,
  PictureRecord,
  InventoryRecord,
  ItemRecord,
]);
export type StreamRecord = z.infer<typeof StreamRecord>;
