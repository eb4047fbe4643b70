import { PreviewOptions } from '#protocol/job-options.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { PlannedScope } from './crawl.ts';
import { CHECKS, inventoryOf, picturesOf } from './lists.ts';
import type { Site } from './site.ts';
import { AT_WORK, type AttemptName, keyOf, placeOf, type ScopeChange } from './store-leases.ts';
import type { StoreModel } from './store-model.ts';
import type { EndedScope, ScopeRow } from './store-rows.ts';
import type { AttemptRow, JobRow } from './store-tables.ts';

export interface JobWatchOptions {
  readonly fail: (rule: string, message: string) => void;
  readonly count: (name: string) => void;
  readonly siteOf: (jobId: string) => Site | undefined;
  readonly model: () => StoreModel | undefined;
  /** What the pass of a crawl or of lineage was to write. */
  readonly planOf: (pass: string) => readonly PlannedScope[] | undefined;
  /** Other machines with the same identity worked for the same jobs. */
  readonly mayBeStale: () => boolean;
}

const LINEAGE_ASSETS = new Set(['dataset', 'column']);
const LINEAGE_EDGES = new Set(['derives', 'loads', 'produces', 'owns']);

type Content = Pick<ScopeRow, 'assets' | 'edges' | 'pictures'>;

/**
 * Looks at jobs of every kind: whose turn it is on a connection, that each ends once and says the truth, that its list is
 * stored once and of one pass, and that it changes nothing which is not its own.
 */
export class JobWatch {
  readonly #options: JobWatchOptions;
  /** Passes of each attempt, in the order in which they began. */
  readonly #passes = new Map<string, string[]>();
  readonly #ended = new Map<string, string>();
  /** The scopes as they were told to have become. */
  #told: Map<string, Content> | undefined;

  constructor(options: JobWatchOptions) {
    this.#options = options;
  }

  /** A handler begins to work on an attempt. */
  begun(pass: string, key: string): void {
    this.#passes.set(key, [...(this.#passes.get(key) ?? []), pass]);
  }

  /** The store forgot its last commits. */
  forget(): void {
    this.#ended.clear();
    this.#told = undefined;
  }

  /** Something was asked of the store: what it did may not have touched what nobody was told of. */
  looked(): void {
    const model = this.#options.model();
    if (!model) return;
    const { jobs, scopes } = model.tables;
    const places = new Map<string, JobRow>();
    for (const job of jobs.values()) {
      if (!AT_WORK.includes(job.state)) continue;
      const place = `${job.connection} ${placeOf(job.kind)}`;
      const other = places.get(place);
      if (other) this.#options.fail('turn', `${job.kind} ${job.id} and ${other.kind} ${other.id} are at work at once`);
      places.set(place, job);
    }
    this.#told ??= new Map(scopes);
    for (const [key, row] of scopes) {
      const told = this.#told.get(key);
      if (told?.assets !== row.assets || told.edges !== row.edges || told.pictures !== row.pictures)
        this.#options.fail('owner', `${key} was changed by nobody`);
    }
    if (this.#told.size !== scopes.size) this.#options.fail('owner', 'a scope is gone, and nobody removed it');
  }

  /** A job was offered, or none was. */
  claimed(jobId: string | undefined): void {
    const { jobs } = this.#options.model()?.tables ?? {};
    const job = jobId === undefined ? undefined : jobs?.get(jobId);
    for (const other of jobs?.values() ?? []) {
      if (job && other.connection === job.connection && other.kind !== job.kind && AT_WORK.includes(other.state))
        this.#options.count(`beside.${job.kind}.${other.kind}`);
      if (!job && other.state === 'queued' && placeOf(other.kind) === 'crawl')
        for (const one of jobs?.values() ?? [])
          if (one.connection === other.connection && one.kind !== other.kind && AT_WORK.includes(one.state))
            if (placeOf(one.kind) === 'crawl') this.#options.count(`waited.${other.kind}`);
    }
  }

  published(ref: AttemptName, ended: EndedScope, { before, after }: ScopeChange): void {
    const job = this.#holding(ref, ended.key);
    this.#tell(ended.key, after);
    if (!job) return;
    const id = `${job.kind} ${keyOf(ref)} ${ended.key}`;
    if (job.kind === 'crawl') return;
    if (job.kind !== 'lineage' || ended.kind === 'site' || !before || !after) {
      this.#options.fail('owner', `${id} published what it does not own`);
      return;
    }
    this.#options.count(`lineage.${ended.outcome}`);
    for (const [key, asset] of before.assets) {
      const now = after.assets.get(key);
      const mayGo = LINEAGE_ASSETS.has(asset.kind);
      if (now !== asset && !mayGo && (asset.kind !== 'app' || !now || (now.isGone && !asset.isGone)))
        this.#options.fail('owner', `${id} changed or removed ${key}, a ${asset.kind}`);
    }
    for (const key of after.assets.keys())
      if (!before.assets.has(key) && !LINEAGE_ASSETS.has(after.assets.get(key)?.kind ?? '') && key !== ended.key)
        this.#options.fail('owner', `${id} brought ${key}`);
    for (const [name, edge] of before.edges)
      if (after.edges.get(name) !== edge && !LINEAGE_EDGES.has(edge.kind))
        this.#options.fail('owner', `${id} changed or removed the edge ${name}`);
    for (const [name, picture] of before.pictures)
      if (after.pictures.get(name) !== picture && after.assets.has(picture.key))
        this.#options.fail('owner', `${id} changed or removed the picture ${name}`);
  }

  /** An app went with a crawl that lists all. */
  unlisted(ref: AttemptName, { before, after }: ScopeChange & { readonly before: ScopeRow }): void {
    const job = this.#holding(ref, before.key);
    this.#tell(before.key, after);
    if (job && job.kind !== 'crawl') this.#options.fail('owner', `${job.kind} ${keyOf(ref)} removed ${before.key}`);
  }

  pictures(ref: AttemptName, { before, after }: ScopeChange & { readonly before: ScopeRow }): void {
    const job = this.#holding(ref, before.key);
    this.#tell(before.key, after);
    if (!job) return;
    const { app } = PreviewOptions.parse(optionsOf(job));
    const id = `${job.kind} ${keyOf(ref)}`;
    this.#options.count('store.pictures');
    if (job.kind !== 'preview' || before.key !== `${job.connection}/app-${app}`)
      this.#options.fail('owner', `${id} drew pictures of ${before.key}`);
    if (after?.assets !== before.assets || after.edges !== before.edges)
      this.#options.fail('owner', `${id} changed more of ${before.key} than pictures`);
    for (const name of before.pictures.keys())
      if (!after?.pictures.has(name)) this.#options.fail('owner', `${id} removed the picture ${name}`);
  }

  /** The list of an attempt has other lines. */
  list(ref: AttemptName): void {
    const job = this.#holding(ref, 'its list');
    if (job && job.kind !== 'test' && job.kind !== 'inventory')
      this.#options.fail('owner', `${job.kind} ${keyOf(ref)} has a list`);
  }

  ended(job: JobRow): void {
    const { fail, count, siteOf } = this.#options;
    const before = this.#ended.get(job.id);
    if (before !== undefined) fail('once', `${job.kind} ${job.id} ended as ${before}, and again as ${job.state}`);
    this.#ended.set(job.id, job.state);
    count(`ended.${job.kind}.${job.state}`);
    const site = siteOf(job.id);
    const attempt = this.#options.model()?.attempt({ jobId: job.id, attempt: job.attempt });
    if (job.error?.code === 'qlik.not_found' && site?.apps.has(Number(PreviewOptions.parse(optionsOf(job)).app)))
      fail('truth', `${job.id} says that an app is not there, which is`);
    if (job.state !== 'published' || !attempt || !site) return;
    if (job.kind === 'test') this.#checks(attempt);
    else if (job.kind === 'inventory') this.#items(attempt, site);
    else if (job.kind === 'preview') this.#drawn(job, attempt, site);
    else if (job.kind === 'lineage') this.#lineage(attempt);
  }

  /** An agent is told that an attempt is over, and whether its job was published by it. */
  closed(ref: AttemptName, published: boolean): void {
    const job = this.#options.model()?.tables.jobs.get(ref.jobId);
    const isPublished = job?.state === 'published' && job.attempt === ref.attempt;
    if (published !== isPublished)
      this.#options.fail(
        'truth',
        `${keyOf(ref)} is told as ${published ? '' : 'not '}published; its job is ${job?.state}`,
      );
  }

  /** Only the latest attempt of a job, while it has not ended, may make anything of what came. */
  #holding(ref: AttemptName, what: string): JobRow | undefined {
    const model = this.#options.model();
    const job = model?.tables.jobs.get(ref.jobId);
    const attempt = model?.attempt(ref);
    if (job?.attempt !== ref.attempt || attempt?.state !== 'active')
      this.#options.fail('fence', `${keyOf(ref)} changed ${what}, though its lease is lost`);
    return job;
  }

  #tell(key: string, row: ScopeRow | undefined): void {
    if (row) this.#told?.set(key, row);
    else this.#told?.delete(key);
  }

  /** All that is said was found in one pass, of this attempt. */
  #onePass(attempt: AttemptRow, passes: readonly string[]): void {
    const [pass = '', ...others] = new Set(passes);
    if (others.length > 0) this.#options.fail('mixed', `the list of ${keyOf(attempt)} is of ${passes.join(', ')}`);
    if (this.#passes.get(keyOf(attempt))?.includes(pass) !== true)
      this.#options.fail('mixed', `the list of ${keyOf(attempt)} is of ${pass}, which is another's`);
  }

  #checks(attempt: AttemptRow): void {
    const found = linesOf(attempt).flatMap((record) => (record.t === 'check' ? [record] : []));
    const names = found.map(({ check }) => check);
    if (names.join() !== CHECKS.join()) this.#options.fail('truth', `${keyOf(attempt)} tested ${names.join()}`);
    this.#onePass(
      attempt,
      found.map(({ seen }) => seen.replace(/\.$/, '')),
    );
  }

  #items(attempt: AttemptRow, site: Site): void {
    const found = linesOf(attempt).flatMap((record) => (record.t === 'item' ? [record] : []));
    const text = (all: readonly { readonly kind: string; readonly key: string }[]): string =>
      all
        .map(({ kind, key }) => `${kind} ${key}`)
        .sort()
        .join();
    if (text(found) !== text(inventoryOf(site)))
      this.#options.fail(
        'truth',
        `${keyOf(attempt)} lists ${found.length} items, the site has ${inventoryOf(site).length}`,
      );
    if (found.length > 0)
      this.#onePass(
        attempt,
        found.map(({ rule = '' }) => rule),
      );
  }

  #drawn(job: JobRow, attempt: AttemptRow, site: Site): void {
    const pass = this.#passes.get(keyOf(attempt))?.at(-1) ?? '';
    for (const { key, source, content } of picturesOf(site, pass, PreviewOptions.parse(optionsOf(job)))) {
      const drawn = attempt.drawn.get(`${key} ${source}`);
      if (drawn === undefined) this.#options.fail('truth', `${keyOf(attempt)} drew ${key}, which was not stored`);
      else if (drawn !== content && !this.#options.mayBeStale())
        this.#options.fail('mixed', `${keyOf(attempt)} left a picture of ${key} that an earlier pass drew`);
    }
  }

  /** What was made anew is what the catalog has of the lineage of these apps. */
  #lineage(attempt: AttemptRow): void {
    const { scopes } = this.#options.model()?.tables ?? {};
    const pass = this.#passes.get(keyOf(attempt))?.at(-1) ?? '';
    if (this.#options.mayBeStale()) return;
    for (const { scope, records, ending } of this.#options.planOf(pass) ?? []) {
      if (!attempt.published.has(scope)) this.#options.fail('whole', `${keyOf(attempt)} ended without ${scope}`);
      const row = scopes?.get(scope);
      if (ending.outcome !== 'updated' || !row) continue;
      for (const record of records) {
        if (record.t !== 'asset' || record.kind !== 'dataset') continue;
        const found = row.assets.get(record.key);
        if (found?.attributes['lineage'] !== record.attributes?.['lineage'])
          this.#options.fail('truth', `${keyOf(attempt)} left ${record.key} as it was`);
      }
    }
  }
}

const optionsOf = ({ spec }: JobRow): unknown => (JSON.parse(spec) as { options: unknown }).options;

const linesOf = ({ checks }: AttemptRow): readonly StreamRecord[] =>
  [...checks].sort(([a], [b]) => a - b).map(([, text]) => JSON.parse(text) as StreamRecord);
