import { z } from 'zod';

/** The kinds of jobs that this release knows. */
export const JOB_KINDS = ['crawl', 'test', 'inventory', 'preview', 'lineage'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

const MOST_PATTERNS = 200;
const Pattern = z.string().min(1).max(500);
const Patterns = z.array(Pattern).max(MOST_PATTERNS);
const Id = z.string().min(1).max(200);

/** What becomes of assets that are gone from the site: removed, kept with a mark and its date, or kept as they were. */
export const DELETION_POLICIES = ['delete', 'flag', 'keep'] as const;
export type DeletionPolicy = (typeof DELETION_POLICIES)[number];

/**
 * Settings of a connection that may be set in the catalog, too. What the connection's file gives wins; filters of both apply
 * together, so that the catalog can only narrow what the file allows. A pattern is a name or an id, compared without case; `*` and
 * `?` stand for any text and any character, and `regex:` begins a regular expression for the whole name.
 */
export const ConnectorSettings = z.object({
  includeStreams: Patterns.optional(),
  excludeStreams: Patterns.optional(),
  includeApps: Patterns.optional(),
  excludeApps: Patterns.optional(),
  /** False leaves out apps that are not published (personal work). */
  unpublishedApps: z.boolean().optional(),
  /** False leaves out sheets that are not published. */
  unpublishedSheets: z.boolean().optional(),
  /** False leaves streams out as assets; apps then belong to the site. */
  streams: z.boolean().optional(),
  /** An expression in Zeenea's filter grammar. */
  filter: z.string().max(10_000).optional(),
  deletion: z.enum(DELETION_POLICIES).optional(),
});
export type ConnectorSettings = z.infer<typeof ConnectorSettings>;

/** Options of a job of kind `crawl`; all are missing in jobs of an older catalog. */
export const CrawlOptions = z.object({
  /** `full` reads every app, whatever is known of it. */
  mode: z.enum(['delta', 'full']).default('delta'),
  /** The checkpoint that the catalog knows; null when it knows none; absent when it cannot keep one. */
  checkpoint: z.string().max(100).nullable().optional(),
  /** The last job of kind `lineage` that the catalog published; null when there is none. */
  lineageJob: z.string().max(100).nullable().optional(),
  /** Only these apps and the apps of these streams (ids); nothing else is touched or deleted. */
  only: z.object({ streams: z.array(Id).max(200).default([]), apps: z.array(Id).max(200).default([]) }).optional(),
  settings: ConnectorSettings.optional(),
  /** The catalog takes `picture` records. */
  pictures: z.boolean().default(false),
});
export type CrawlOptions = z.infer<typeof CrawlOptions>;

/** Options of a job of kind `lineage`: makes the lineage of apps anew from what the agent kept of them; none is opened. */
export const LineageOptions = z.object({
  /** Only these apps and the apps of these streams (ids). */
  only: CrawlOptions.shape.only,
  /**
   * Only apps whose lineage was made with something that is another thing now; absent: all. The value names what changed
   * (`lineage` of a connection's state), so that the catalog asks for it once.
   */
  changed: z.string().max(100).optional(),
  /** As of a crawl: what the catalog has of the connection. */
  checkpoint: CrawlOptions.shape.checkpoint,
  lineageJob: CrawlOptions.shape.lineageJob,
  settings: ConnectorSettings.optional(),
});
export type LineageOptions = z.infer<typeof LineageOptions>;

/** Options of a job of kind `test`. */
export const TestOptions = z.object({
  /** Also checks the agent's own way to the catalog, besides the connection. */
  link: z.boolean().default(false),
  /** Also sends what Qlik needs for the connection, as records `settings`: whoever asks can read them. */
  settings: z.boolean().default(false),
});

/** Options of a job of kind `inventory`. */
export const InventoryOptions = z.object({
  /** Also lists sheets, from the repository's list of objects. */
  sheets: z.boolean().default(true),
  /** As they would be for a crawl: also to try out what is not saved yet. */
  settings: ConnectorSettings.optional(),
});
export type InventoryOptions = z.infer<typeof InventoryOptions>;

/** Options of a job of kind `preview`: draws the sheets of one app anew. */
export const PreviewOptions = z.object({
  /** Id of the app. */
  app: Id,
  /** Engine ids of sheets; all when absent. */
  sheets: z.array(Id).max(200).optional(),
  /** With small real values, for which the app is opened with its data: only where the policy of the agent allows it. */
  data: z.boolean().default(false),
  settings: ConnectorSettings.optional(),
});
export type PreviewOptions = z.infer<typeof PreviewOptions>;
