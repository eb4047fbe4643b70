/** What a catalog has of a site after the crawls that it published: by the meaning of outcomes, not by a catalog's code. */
import type { AssetRecord, EdgeRecord, OutcomeRecord, StreamRecord } from '#protocol/records.ts';

type Entry = AssetRecord | EdgeRecord;

const idOf = (entry: Entry): string => (entry.t === 'asset' ? entry.key : [entry.kind, entry.from, entry.to].join(' '));
/** In a difference an asset comes with these edges: those that lead from it, whose it is, and what made it. */
const bringerOf = ({ kind, from, to }: EdgeRecord): string => (kind === 'owns' || kind === 'produces' ? to : from);
const isOf = (entry: Entry, key: string): boolean =>
  entry.t === 'asset'
    ? entry.key === key || entry.key.startsWith(`${key}/`)
    : [entry.from, entry.to].some((end) => end === key);

export class Published {
  readonly #scopes = new Map<string, Map<string, Entry>>();
  readonly #site: string;

  /** @param site the key of the site's scope */
  constructor(site: string) {
    this.#site = site;
  }

  /** Publishes what a crawl wrote. */
  take(records: readonly StreamRecord[]): void {
    const came = new Map<string, StreamRecord[]>();
    for (const record of records)
      if ('scope' in record) came.set(record.scope, [...(came.get(record.scope) ?? []), record]);
    for (const [scope, all] of came) {
      const outcome = all.find((record) => record.t === 'outcome');
      if (outcome !== undefined) this.#publish(scope, all, outcome);
    }
    const site = came.get(this.#site) ?? [];
    if (!site.some((record) => record.t === 'outcome' && ['complete', 'updated'].includes(record.outcome))) return;
    const listed = new Set(site.flatMap((record) => (record.t === 'listed' ? [record.key] : [])));
    for (const scope of this.#scopes.keys()) if (scope !== this.#site && !listed.has(scope)) this.#scopes.delete(scope);
  }

  #publish(scope: string, records: readonly StreamRecord[], { outcome }: OutcomeRecord): void {
    if (outcome === 'gone') {
      this.#scopes.delete(scope);
      return;
    }
    if (outcome === 'unchanged') {
      if (!this.#scopes.has(scope)) throw new Error(`${scope} is said to be unchanged and was never published`);
      return;
    }
    const before = outcome === 'complete' ? new Map<string, Entry>() : (this.#scopes.get(scope) ?? new Map());
    const came = records.filter((record) => record.t === 'asset' || record.t === 'edge');
    if (outcome === 'updated') {
      const keys = new Set(came.flatMap((entry) => (entry.t === 'asset' ? [entry.key] : [])));
      for (const [id, entry] of before) if (entry.t === 'edge' && keys.has(bringerOf(entry))) before.delete(id);
      for (const gone of records)
        if (gone.t === 'gone') for (const [id, entry] of before) if (isOf(entry, gone.key)) before.delete(id);
    }
    for (const entry of came) before.set(idOf(entry), entry);
    this.#scopes.set(scope, before);
  }

  /** All of it, by what it is and where it was published. */
  get content(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#scopes].flatMap(([scope, entries]) =>
        [...entries].map(([id, entry]) => [`${id} of ${scope}`, JSON.stringify(entry)] as const),
      ),
    );
  }
}
