import type { SiteContext, SiteList, SiteRow } from '../lists/site-list.ts';
import type { KnownSite } from './checkpoint.ts';
import { digestOf } from './fingerprint.ts';
import { HighWater } from './high-water.ts';

/** What is known of one list while it is read. */
export interface NotedList {
  readonly rows: Map<string, string>;
  readonly since: string | null;
  readonly signature: string | undefined;
}

/** Of a row and of what is written with it from elsewhere. */
export const rowDigest = (row: SiteRow, { people }: SiteContext): string =>
  digestOf([row, people.owner(row.owner), people.known(row.owner)]);

/** Notes what is written of the site's scope, for the next crawl to compare with. */
export class SiteNotes {
  readonly #lists = new Map<string, NotedList>();
  readonly #nowMs: number;
  /** False: no crawl will ever ask for it. */
  readonly isKept: boolean;
  /** Digest of what was written of the site itself. */
  self = '';

  /** @param nowMs when the crawl began, in ms since 1970 */
  constructor(nowMs: number, isKept: boolean, before?: KnownSite) {
    this.#nowMs = nowMs;
    this.isKept = isKept;
    for (const { entity, since, rows, signature } of before?.lists ?? [])
      this.#lists.set(entity, { since, rows: new Map(rows), signature });
    this.self = before?.self ?? '';
  }

  /** What is known of a list; undefined when it was never read. */
  known({ entity }: Pick<SiteList, 'entity'>): NotedList | undefined {
    return this.#lists.get(entity);
  }

  /** Takes what changed of a list. */
  took(
    list: Pick<SiteList, 'entity'>,
    { rows, gone, signature }: { rows: readonly SiteRow[]; gone: readonly string[]; signature: string | undefined },
    context: SiteContext,
  ): void {
    const before = this.#lists.get(list.entity);
    const high = new HighWater(this.#nowMs, before?.since);
    const noted = before?.rows ?? new Map<string, string>();
    for (const row of rows) {
      high.add(row.modifiedDate);
      noted.set(row.id, rowDigest(row, context));
    }
    for (const id of gone) noted.delete(id);
    this.#lists.set(list.entity, { rows: noted, since: high.since, signature });
  }

  /** Takes all of a list. */
  whole(list: Pick<SiteList, 'entity'>, rows: readonly SiteRow[], context: SiteContext, signature?: string): void {
    this.#lists.delete(list.entity);
    if (this.isKept) this.took(list, { rows, gone: [], signature }, context);
  }

  result(
    { people, extensions, connections }: SiteContext,
    rest: Pick<KnownSite, 'again' | 'appsSince' | 'objectsSince' | 'recentObjects'>,
  ): KnownSite {
    const lists = [...this.#lists].map(([entity, { since, rows, signature }]) => ({
      entity,
      since,
      rows: [...rows],
      ...(signature === undefined ? {} : { signature }),
    }));
    return {
      ...{ lists, people: people.all, extensions: [...extensions], connections: [...connections.values()] },
      ...{ self: this.self, ...rest },
    };
  }
}
