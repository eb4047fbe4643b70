import type { Log } from '#agent/qlik/log.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import type { Filter } from '#config/filter/filter.ts';
import type { ZonedHours } from '#config/policy/policy.ts';
import type { CrawlOptions as AskedOptions } from '#protocol/job-options.ts';
import type { CheckpointPlace } from './delta/delta.ts';
import type { LineageMeans } from './lineage/site-lineage.ts';
import type { CrawlProgress } from './progress.ts';

/** What a crawl is told besides its site and connection; each is optional. */
export interface CrawlOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when an app begins to be read and after each scope. */
  readonly onProgress?: ((progress: CrawlProgress) => void) | undefined;
  /** Keys of scopes that were published by an earlier attempt of the same job: they are neither read nor written. */
  readonly skipScopes?: ReadonlySet<string> | undefined;
  /** The quiet hours as they are now; what the connection said when the crawl began is what holds otherwise. */
  readonly quietHours?: (() => ZonedHours | undefined) | undefined;
  /** False: load scripts are neither read nor written; the policy forbids it. Default true. */
  readonly scripts?: boolean | undefined;
  /** What the job asks for: mode, checkpoint, `only`, pictures. Default: the whole site, in full. */
  readonly asked?: AskedOptions | undefined;
  /** Where the crawl leaves what the next one goes on from. Default: nowhere; everything is read. */
  readonly checkpoints?: CheckpointPlace | undefined;
  /** Which streams, apps and sheets are crawled. Default: all. */
  readonly filter?: Filter | undefined;
  /** What the lineage of apps is made with. Default: none is made. */
  readonly lineage?: LineageMeans | undefined;
  readonly log?: Log | undefined;
  readonly patience?: Patience | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds since 1970: quiet hours go by the clock, and weeks between full crawls. */
  readonly wallNow?: (() => number) | undefined;
}
