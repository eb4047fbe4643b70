import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import {
  CrawlOptions,
  InventoryOptions,
  type JobKind,
  LineageOptions,
  PreviewOptions,
  TestOptions,
} from '#protocol/job-options.ts';
import { canonicalJson } from './canonical.ts';

const OPTIONS = {
  crawl: CrawlOptions,
  test: TestOptions,
  inventory: InventoryOptions,
  preview: PreviewOptions,
  lineage: LineageOptions,
} as const satisfies Record<JobKind, unknown>;

/** What is kept free in the text of a job for what its lease adds: connector settings, a checkpoint, the attempt. */
const ADDED_CHARACTERS = 9_000;

/** Whether two jobs of a kind ask for the same; what is not said is what it is by default. */
export const sameOptions = (kind: JobKind, a: unknown, b: unknown): boolean => {
  const [left, right] = [OPTIONS[kind].safeParse(a), OPTIONS[kind].safeParse(b)];
  return left.success && right.success && canonicalJson(ordered(left.data)) === canonicalJson(ordered(right.data));
};

/** Lists of ids and patterns say the same in any order. */
const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered).sort();
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, ordered(member)]));
};

/**
 * Checks what only the catalog knows of options.
 *
 * @throws Fault `api.invalid_request` for a run that names nothing, or names more than the text of a job holds
 */
export const checkOptions = (kind: JobKind, options: Readonly<Record<string, unknown>>): void => {
  const { only, settings, ...others } = options;
  if ((kind === 'crawl' || kind === 'lineage') && only !== undefined) {
    const { streams, apps } = CrawlOptions.shape.only.unwrap().parse(only);
    if (streams.length + apps.length === 0)
      throw new Fault('api.invalid_request', 'only: names neither a stream nor an app', {
        advice: 'Name at least one stream or app by its id, or leave `only` out for the whole site.',
      });
  }
  const { length } = canonicalJson({ ...others, only });
  if (length > LIMITS.specChars - ADDED_CHARACTERS)
    throw new Fault('api.invalid_request', 'More streams, apps or sheets are named than fit into one job.', {
      advice: 'Name their stream instead of many apps, or ask for several jobs one after the other.',
    });
};
