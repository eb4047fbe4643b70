import { randomBytes } from 'node:crypto';
import type { Connection } from '#config/connection/connection.ts';
import type { CrawlOptions as AskedOptions } from '#protocol/job-options.ts';
import type { Reason } from '#protocol/records.ts';
import type { EarlierLists } from '../lists/site-list.ts';
import {
  type Checkpoint,
  type Identity,
  type KnownApp,
  type KnownSite,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoint.ts';
import { connectionDigest } from './connection-digest.ts';
import { digestOf } from './fingerprint.ts';
import { Journal, type Noted, readJournal } from './journal.ts';
import { reason } from './reasons.ts';
import { readRemade, withRemade } from './remade-notes.ts';

/** Where a crawl keeps what the next one goes on from. */
export interface CheckpointPlace {
  readonly folder: string;
  /** Names the job: a crawl of the same job goes on where it ended. */
  readonly job: string;
  /** The catalog and the agent, or where else the records go. */
  readonly owner: string;
  /** The release that crawls. */
  readonly crawler: string;
  /** Resolves when all records that were written are durable: the checkpoint must not know more. */
  readonly flush?: (() => Promise<void>) | undefined;
}

export interface DeltaOptions {
  readonly connection: Connection;
  readonly asked: AskedOptions | undefined;
  readonly place: CheckpointPlace | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Digest of the filter in force. */
  readonly filter: string;
  /** What else changes what is read. */
  readonly options: unknown;
}

/** Raised when something else is read or written of an app that did not change. */
const FORMAT = 2;
/** Ids of all lists are compared at least this often. */
const IDS_EVERY_MS = 7 * 86_400_000;
/** Everything is read again after this time unless the connection says another. */
const FULL_EVERY_MS = 7 * 86_400_000;

const FULL_ASKED = reason('full_asked', 'Everything was asked for.');
const OWN_JOB = reason('resumed', 'The crawl goes on that was broken off; what it left out is read.');

/** What is known from before, and what the next crawl shall know. */
export class Delta {
  /** What the crawl goes on from; undefined when it reads everything. */
  readonly base: Checkpoint | undefined;
  /** Why everything is read. */
  readonly reason: Reason;
  /** What the same job noted before it was broken off, and others since the checkpoint. */
  readonly noted: Noted;
  /** Whether the ids of all lists are compared in any case. */
  readonly comparesIds: boolean;
  readonly nowMs: number;
  readonly #name: string;
  readonly #options: DeltaOptions;
  readonly #journal: Journal | undefined;
  readonly #earlier: Checkpoint | undefined;

  private constructor(
    options: DeltaOptions,
    decided: { base: Checkpoint | undefined; reason: Reason },
    noted: Noted,
    earlier: Checkpoint | undefined,
    opened: { nowMs: number; name: string; journal: Journal | undefined },
  ) {
    this.#options = options;
    this.base = decided.base;
    this.reason = decided.reason;
    this.noted = noted;
    this.nowMs = opened.nowMs;
    this.comparesIds = this.base === undefined || opened.nowMs - Date.parse(this.base.idsAt) >= IDS_EVERY_MS;
    this.#name = opened.name;
    this.#journal = opened.journal;
    this.#earlier = earlier;
  }

  /** Finds out whether a crawl can go on from an earlier one, and begins to note what it does. */
  static async open(options: DeltaOptions): Promise<Delta> {
    const { connection, asked, place } = options;
    const nowMs = options.nowMs();
    const nothing: Noted = { own: undefined, apps: new Map(), interrupted: new Set(), isSiteUnsure: false };
    // A catalog that cannot keep the name of a checkpoint never asks for differences.
    if (place === undefined || (asked?.checkpoint === undefined && asked?.only === undefined))
      return new Delta(options, { base: undefined, reason: FULL_ASKED }, nothing, undefined, {
        nowMs,
        name: '',
        journal: undefined,
      });
    const { folder, job } = place;
    const loaded = await loadCheckpoint(folder, connection.code);
    const remade = await readRemade(folder, connection.code);
    // What the catalog did not publish it does not have.
    const known = loaded.type === 'checkpoint' ? withRemade(loaded.checkpoint, remade, asked?.lineageJob) : undefined;
    let noted = await readJournal(folder, connection.code, job);
    // It ended well, but was broken off before the catalog heard of it.
    if (noted.own === undefined && known?.job === job)
      noted = {
        ...noted,
        own: {
          begun: { t: 'begun', version: 1, code: known.code, job, name: known.name, mode: 'delta' },
          site: known.site,
        },
        apps: new Map(known.apps),
      };
    const own = noted.own?.begun;
    const decided =
      own?.mode === 'full'
        ? { base: undefined, reason: own.reason ?? OWN_JOB }
        : decide(loaded.type === 'damaged' ? loaded.why : known, options, nowMs);
    const name = own?.name ?? randomBytes(12).toString('hex');
    const mode = asked?.only === undefined ? (decided.base === undefined ? 'full' : 'delta') : 'only';
    const journal = await Journal.open(folder, {
      code: connection.code,
      job,
      name,
      mode,
      ...(decided.base === undefined ? { reason: decided.reason } : {}),
    });
    return new Delta(options, decided, noted, known, { nowMs, name, journal });
  }

  /**
   * What the last crawl that left a state knew of the lists that apps are written with, though this one may not go on from
   * it. Users are known by ids that no other site has; names of extensions may mean others elsewhere.
   */
  get earlierLists(): EarlierLists | undefined {
    const { place, connection } = this.#options;
    const earlier = this.#earlier;
    if (place === undefined || earlier?.identity.owner !== place.owner) return undefined;
    const isSameSite = earlier.identity.connection === connectionDigest(connection);
    const { people, extensions, connections } = earlier.site;
    return { people, extensions: isSameSite ? extensions : [], connections: isSameSite ? connections : [] };
  }

  /** Milliseconds since 1970, now. */
  clock(): number {
    return this.#options.nowMs();
  }

  /** Whether the next crawl may go on from this one. */
  get isKept(): boolean {
    return this.#journal !== undefined && this.#options.asked?.only === undefined;
  }

  /** The name of the checkpoint to come; undefined when there will be none. */
  get name(): string | undefined {
    return this.isKept ? this.#name : undefined;
  }

  /** Notes what is written of the site's scope, before its end is. */
  async site(site: KnownSite): Promise<void> {
    if (this.isKept) await this.#journal?.site(site);
  }

  /** Notes as what an app was read, before the end of its scope is written. */
  async app(id: string, app: KnownApp): Promise<void> {
    await this.#journal?.app(id, app);
  }

  /** Writes the checkpoint of a crawl that ended well. */
  async finish(state: Pick<Checkpoint, 'site' | 'apps' | 'otherObjects' | 'rejected'>): Promise<void> {
    const { place, connection } = this.#options;
    if (place === undefined || !this.isKept) return;
    await place.flush?.();
    const now = new Date(this.nowMs).toISOString();
    const resumed = this.#earlier?.job === place.job ? this.#earlier : undefined;
    await saveCheckpoint(place.folder, {
      version: 1,
      name: this.#name,
      code: connection.code,
      job: place.job,
      writtenAt: new Date(this.clock()).toISOString(),
      fullAt: resumed?.fullAt ?? this.base?.fullAt ?? now,
      idsAt: resumed?.idsAt ?? (this.comparesIds ? now : (this.base?.idsAt ?? now)),
      identity: identityOf(this.#options, place),
      ...state,
    });
    await this.#journal?.done();
  }

  /** Leaves what was noted where it is. */
  async close(): Promise<void> {
    await this.#journal?.close();
  }
}

const identityOf = ({ connection, filter, options }: DeltaOptions, place: CheckpointPlace): Identity => ({
  crawler: `${place.crawler}/${FORMAT}`,
  owner: place.owner,
  connection: connectionDigest(connection),
  filter,
  options: digestOf(options),
});

const IDENTITY_REASONS: readonly (readonly [part: keyof Identity, reason: Reason])[] = [
  ['owner', reason('catalog_changed', 'The last crawl was for another catalog or by another agent.')],
  ['crawler', reason('version_changed', 'Another release of Culvert crawled the last time.')],
  [
    'connection',
    reason('connection_changed', 'The connection leads elsewhere or has another user than the last time.'),
  ],
  ['filter', reason('filter_changed', 'The filter is another than the last time.')],
  ['options', reason('options_changed', 'Options that change what is read are others than the last time.')],
];

/** @param known the last checkpoint, or why it cannot be used */
const decide = (
  known: Checkpoint | string | undefined,
  delta: DeltaOptions & { place?: CheckpointPlace | undefined },
  nowMs: number,
): { base: Checkpoint | undefined; reason: Reason } => {
  const { asked, connection, place } = delta;
  const full = (why: Reason) => ({ base: undefined, reason: why });
  if (place === undefined || asked?.mode === 'full' || asked?.only !== undefined) return full(FULL_ASKED);
  const named = asked?.checkpoint ?? null;
  if (typeof known === 'string')
    return full(reason('state_damaged', `The state of the last crawl is damaged: ${known}.`));
  if (known === undefined)
    return full(
      named === null
        ? reason('first', 'There was no crawl to go on from.')
        : reason('state_lost', 'The state of the last crawl is not on this machine.'),
    );
  if (named === null) return full(reason('catalog_changed', 'The catalog knows no crawl to go on from.'));
  if (known.name !== named)
    return full(
      reason('state_lost', 'The state on this machine is not that of the crawl that the catalog published last.'),
    );
  const identity = identityOf(delta, place);
  const other = IDENTITY_REASONS.find(([part]) => known.identity[part] !== identity[part]);
  if (other !== undefined) return full(other[1]);
  const sinceMs = nowMs - Date.parse(known.fullAt);
  // A clock that was set back must not put it off for ever.
  const everyMs = connection.crawl.fullEveryMs ?? FULL_EVERY_MS;
  if (sinceMs >= everyMs || sinceMs < -everyMs)
    return full(reason('full_due', `Everything was read last on ${known.fullAt}; it is time again.`));
  return { base: known, reason: FULL_ASKED };
};
