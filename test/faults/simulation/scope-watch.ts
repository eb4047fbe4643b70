import type { StreamRecord } from '#protocol/records.ts';
import { type PlannedScope, passOf } from './crawl.ts';
import { itemsOf, type Site } from './site.ts';
import type { ScopeChange } from './store-leases.ts';
import type { AssetRow, EndedScope, ScopeRow } from './store-rows.ts';

interface Ref {
  readonly jobId: string;
  readonly attempt: number;
}

/** What one pass over a site was to write, and for which attempt. */
export interface Pass {
  readonly key: string;
  readonly plan: readonly PlannedScope[];
}

export interface ScopeWatchOptions {
  readonly fail: (rule: string, message: string) => void;
  readonly count: (name: string) => void;
  readonly siteOf: (jobId: string) => Site | undefined;
  /** Whose state the scopes of before are no longer known for certain: a machine was copied. */
  readonly mayBeStale: () => boolean;
}

const keyOf = ({ jobId, attempt }: Ref): string => `${jobId}/${attempt}`;
const textOf = (records: readonly StreamRecord[]): string => records.map((one) => `${JSON.stringify(one)}\n`).join('');

/**
 * Looks at every scope that is published: once, whole, from one pass; and at what it removed and kept, without regard to how
 * the store came to it. What the source still has is never removed, and nothing is but by a listing that was whole.
 */
export class ScopeWatch {
  readonly #options: ScopeWatchOptions;
  readonly #published = new Set<string>();
  readonly passes = new Map<string, Pass>();

  constructor(options: ScopeWatchOptions) {
    this.#options = options;
  }

  /** The store forgot its last commits: what they said may be said again. */
  forget(): void {
    this.#published.clear();
  }

  published(ref: Ref, ended: EndedScope, change: ScopeChange): void {
    const { fail, count } = this.#options;
    const { key: scope, outcome, records } = ended;
    const id = `${keyOf(ref)} ${scope}`;
    count('store.published');
    count(`store.published.${outcome}${ended.whole.length > 0 ? '.whole' : ''}`);
    if (this.#published.has(id)) fail('once', `${id} was published twice`);
    this.#published.add(id);
    this.#source(ref, id, ended);
    this.#kept(ref, ended, change);
    if (change.before && change.after && records.some(({ t }) => t === 'gone')) count('store.named');
  }

  /** An app went, since a whole list of apps does not name it. */
  unlisted(ref: Ref, { before, after, policy }: ScopeChange & { readonly before: ScopeRow }): void {
    const { fail, count, siteOf } = this.#options;
    count(`store.unlisted.${policy}`);
    const site = siteOf(ref.jobId);
    if (site?.only !== undefined)
      fail('removed', `${keyOf(ref)} was to read some apps alone, and removed ${before.key}`);
    if (site?.lists === 'some apps') fail('removed', `${keyOf(ref)} saw some apps alone, and removed ${before.key}`);
    if (site && [...site.apps.keys()].some((app) => before.key === `${site.connection}/app-${app}`))
      fail('removed', `${keyOf(ref)} removed ${before.key}, which the source has`);
    this.#policy(before, after, policy);
  }

  /** Whether a scope has what one pass over the source read, and was about to say. */
  #source(ref: Ref, id: string, { key: scope, outcome, records, text }: EndedScope): void {
    const { fail } = this.#options;
    const passes = new Set(records.flatMap((record) => passOf(record) ?? []));
    if (passes.size > 1) fail('mixed', `${id} holds records of ${[...passes].join(', ')}`);
    const [pass] = passes;
    if (pass === undefined) {
      // Nothing in it says whose it is: some pass for this attempt ends the scope so.
      const planned = [...this.passes.values()].some(
        ({ key, plan }) =>
          key === keyOf(ref) && plan.some((one) => one.scope === scope && one.ending.outcome === outcome),
      );
      if (!planned) fail('content', `${id} ends as ${outcome}, which nobody wrote`);
      return;
    }
    const found = this.passes.get(pass);
    if (!found) fail('mixed', `${id} holds records of ${pass}, which is unknown`);
    else if (found.key !== keyOf(ref)) fail('mixed', `${id} holds records of ${found.key}`);
    else {
      const planned = found.plan.find((one) => one.scope === scope);
      if (planned?.ending.outcome !== outcome)
        fail('content', `${id} ends as ${outcome}, not ${planned?.ending.outcome}`);
      if (textOf(planned?.records ?? []) !== text)
        fail('content', `${id} has ${records.length} records, the source ${planned?.records.length}`);
    }
  }

  #kept(ref: Ref, ended: EndedScope, { before, after, policy }: ScopeChange): void {
    const { fail, siteOf, mayBeStale } = this.#options;
    if (!before) return;
    const { key: scope, outcome, whole, records } = ended;
    const id = `${keyOf(ref)} ${scope} (${outcome})`;
    const came = new Set(records.flatMap((record) => (record.t === 'asset' ? [record.key] : [])));
    const named = records.flatMap((record) => (record.t === 'gone' ? [record.key] : []));
    const site = siteOf(ref.jobId);
    const fate = site?.fates.get(Number(scope.split('/app-')[1]));
    const there = new Set(
      site && fate !== 'vanishing'
        ? itemsOf(site, scope).flatMap((item) => (item.t === 'asset' ? [item.key] : []))
        : [],
    );
    const mayGo = ({ key, kind }: AssetRow): boolean =>
      outcome === 'complete' ||
      outcome === 'gone' ||
      (outcome === 'updated' && (named.includes(key) || whole.includes(kind))) ||
      (outcome === 'partial' && whole.includes(kind));
    for (const asset of before.assets.values()) {
      if (asset.isGone) continue;
      const now = after?.assets.get(asset.key);
      if (!now || now.isGone) {
        if (!mayGo(asset)) fail('removed', `${id} removed ${asset.key}, of which it knows nothing`);
        if (there.has(asset.key) && !mayBeStale()) fail('removed', `${id} removed ${asset.key}, which the source has`);
      } else if (!came.has(asset.key) && now !== asset) fail('kept', `${id} changed ${asset.key}, which did not come`);
    }
    for (const [name, edge] of before.edges) {
      if (after?.edges.has(name)) continue;
      const end = (key: string): boolean =>
        came.has(key) || named.includes(key) || (after !== undefined && !after.assets.has(key));
      const touched = end(edge.from) || end(edge.to) || whole.includes(edge.kind);
      if (outcome !== 'complete' && outcome !== 'gone' && !touched)
        fail('kept', `${id} removed the edge ${name}, of which it knows nothing`);
    }
    if (['unchanged', 'denied', 'failed'].includes(outcome) && after)
      if (before.edges.size > after.edges.size || before.pictures.size > after.pictures.size)
        fail('kept', `${id} removed edges or pictures`);
    if (outcome === 'updated' && after)
      for (const [name, { key }] of before.pictures)
        if (after.assets.has(key) && !after.pictures.has(name)) fail('kept', `${id} removed the picture ${name}`);
    this.#policy(before, after, policy);
  }

  /** What the connection's policy lets stay is there. */
  #policy(before: ScopeRow, after: ScopeRow | undefined, policy: ScopeChange['policy']): void {
    if (policy === 'delete') return;
    for (const [key, { isGone }] of before.assets) {
      const now = after?.assets.get(key);
      if (!now)
        this.#options.fail(
          'policy',
          `${key} was deleted though what is gone is to be ${policy === 'flag' ? 'marked' : 'kept'}`,
        );
      else if (policy === 'keep' && now.isGone && !isGone)
        this.#options.fail('policy', `${key} was marked though it is to be kept`);
    }
  }
}
