import type { AssetKind, EdgeKind, Outcome } from '#protocol/records.ts';
import type { Slowed } from './pace/turnstile.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { type Shortfall, Shortfalls } from './shortfalls.ts';

/** What the scopes of a crawl wrote. */
interface Totals {
  /** Null until the apps were listed. */
  readonly appsTotal: number | null;
  readonly appsDone: number;
  /** Apps that were skipped because their scope had been published before. */
  readonly appsSkipped: number;
  readonly records: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly assets: Readonly<Partial<Record<AssetKind, number>>>;
  readonly edges: Readonly<Partial<Record<EdgeKind, number>>>;
}

/** How far a crawl is. */
export interface CrawlProgress extends Totals {
  /** Names of the apps that are being read. */
  readonly reading: readonly string[];
  /** Why it stands still, or goes more slowly than it may. */
  readonly slowed?: Slowed | undefined;
}

export interface CrawlSummary extends Totals {
  /** What scopes lack, and what would give it. */
  readonly missing: readonly Shortfall[];
  readonly appsTotal: number;
  readonly durationMs: number;
}

/** Adds up what the scopes of a crawl wrote, once each is done: a scope that is begun again counts once. */
export class Tally {
  appsTotal: number | null = null;
  appsSkipped = 0;
  #appsDone = 0;
  #records = 0;
  readonly #shortfalls = new Shortfalls();
  readonly #outcomes: Partial<Record<Outcome, number>> = {};
  readonly #assets: Partial<Record<AssetKind, number>> = {};
  readonly #edges: Partial<Record<EdgeKind, number>> = {};

  add(out: ScopeWriter, kind: 'site' | 'app', outcome: Outcome | undefined): void {
    if (kind === 'app') this.#appsDone += 1;
    this.#records += out.records;
    this.#shortfalls.add(out.lacks);
    if (outcome !== undefined) this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    for (const [asset, count] of out.assets) this.#assets[asset] = (this.#assets[asset] ?? 0) + count;
    for (const [edge, count] of out.edges) this.#edges[edge] = (this.#edges[edge] ?? 0) + count;
  }

  get missing(): readonly Shortfall[] {
    return this.#shortfalls.list();
  }

  totals(): Totals {
    return {
      appsTotal: this.appsTotal,
      appsDone: this.#appsDone,
      appsSkipped: this.appsSkipped,
      records: this.#records,
      outcomes: { ...this.#outcomes },
      assets: { ...this.#assets },
      edges: { ...this.#edges },
    };
  }
}
