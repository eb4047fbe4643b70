import type { KeySpec, KeyType } from '../connection/key-spec.ts';

const used = (path: string, type: KeyType, description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path,
  type,
  status: 'used',
  description,
  ...more,
});

/** Rules that a connection can have, too: there they bound this connection further, and widen nothing. */
const SHARED: readonly KeySpec[] = [
  used(
    'jobs',
    'any',
    'Kinds of jobs that may be asked for: crawl, test, inventory, preview, lineage; an empty list allows none. Default: all.',
  ),
  used(
    'hours',
    'any',
    'When jobs may begin, such as ["Mon-Fri 20:00-06:00", "Sat,Sun"]; what has begun ends. Default: always.',
  ),
  used('time_zone', 'string', 'Zone of the hours, such as Europe/Vienna; hours need it.', { oneLine: true }),
  used('scripts', 'boolean', 'False: load scripts are neither read nor sent.', { standard: true }),
  used('script_texts', 'boolean', 'False: load scripts are read for their lineage, and no text of them is sent.', {
    standard: true,
  }),
  used(
    'keep_scripts',
    'boolean',
    'False: nothing of apps is kept on this machine; lineage is made anew only by opening them.',
    { standard: true },
  ),
  used(
    'full_crawls',
    'boolean',
    'False: crawls read only what changed, as far as that is known; the catalog cannot ask for all.',
    {
      standard: true,
    },
  ),
  used('inventories', 'boolean', 'False: no lists of streams, apps and sheets that also name what a filter rejects.', {
    standard: true,
  }),
  used(
    'previews',
    'boolean',
    'True: previews of sheets may hold real values. Without a policy that says so they never do.',
    {
      standard: false,
    },
  ),
];

/** Keys of the policy file that `policy` of `agent.conf` names. */
export const POLICY_KEYS: readonly KeySpec[] = [
  ...SHARED,
  used('connections', 'any', 'Codes of connections that jobs may be asked for; * stands for any text. Default: all.'),
  used('jobs_per_hour', 'integer', 'Jobs that are begun in any hour at most.', { minimum: 0, maximum: 100_000 }),
  used('remote_log_level', 'boolean', 'False: the catalog cannot make the agent log more for a while.', {
    standard: true,
  }),
];

/** Keys of the block `policy` of a connection file. */
export const CONNECTION_POLICY_KEYS: readonly KeySpec[] = SHARED.map((key) => ({ ...key, path: `policy.${key.path}` }));
