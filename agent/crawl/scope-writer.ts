import { setImmediate } from 'node:timers/promises';
import type { DraftRecord, RecordSink } from '#agent/spool/sink.ts';
import type { Fault } from '#protocol/errors.ts';
import type { AssetKind, EdgeKind, Missing, Outcome, PictureRecord, Reason } from '#protocol/records.ts';
import type { JsonObject } from './attributes.ts';

/** Some tenths of a millisecond of work. */
const YIELD_RECORDS = 16;

export interface Asset {
  readonly kind: AssetKind;
  readonly key: string;
  readonly name: string;
  readonly parent?: string;
  readonly attributes?: JsonObject;
  /** Attributes that are not given here were not read: what is known of them holds. */
  readonly sparse?: boolean;
}

/** Why a scope ends as it does. */
export interface Why {
  readonly missing?: readonly Missing[];
  readonly error?: Fault;
  /** Kinds of which all was written, though the scope lacks others. */
  readonly whole?: readonly AssetKind[];
  /** Kinds of assets and edges of which all was written in a scope of which else only differences are. */
  readonly anew?: readonly (AssetKind | EdgeKind)[];
}

/** What else an outcome says. */
export interface Ending {
  readonly reason?: Reason | undefined;
  readonly checkpoint?: string | undefined;
}

/**
 * Writes one scope and counts what it wrote. One call after the other: await each, or the stream would have another order.
 * What is written is redacted behind the sink, by the gate that everything passes before it leaves.
 */
export class ScopeWriter {
  readonly scope: string;
  readonly #sink: RecordSink;
  readonly #ending: (outcome: Outcome, why: Why) => Promise<Ending>;
  readonly #only: ReadonlySet<AssetKind | EdgeKind> | undefined;
  #records = 0;
  /** Assets and edges written since the scope was (re)opened, by kind. */
  readonly assets = new Map<AssetKind, number>();
  readonly edges = new Map<EdgeKind, number>();
  /** What the scope lacks, and what would give it; known when it has ended. */
  lacks: readonly Omit<Missing, 'message'>[] = [];

  /**
   * @param ending is asked before the outcome is written, when all else of the scope is
   * @param only kinds of assets and edges that are written at all; whatever else comes is passed over
   */
  constructor(
    sink: RecordSink,
    scope: string,
    ending: (outcome: Outcome, why: Why) => Promise<Ending> = () => Promise.resolve({}),
    only?: ReadonlySet<AssetKind | EdgeKind>,
  ) {
    this.#only = only;
    this.#sink = sink;
    this.scope = scope;
    this.#ending = ending;
  }

  /** Opens the scope, or opens it afresh: what was written of it before no longer counts. */
  async open(kind: 'site' | 'app', name: string): Promise<void> {
    this.#records = 0;
    this.assets.clear();
    this.edges.clear();
    await this.#sink.write({ t: 'scope', scope: this.scope, kind, name });
  }

  async asset({ kind, key, name, parent, attributes, sparse }: Asset): Promise<void> {
    if (this.#only?.has(kind) === false) return;
    await this.#count({
      t: 'asset',
      scope: this.scope,
      key,
      kind,
      name,
      ...(parent === undefined ? {} : { parent }),
      ...(attributes === undefined || Object.keys(attributes).length === 0 ? {} : { attributes }),
      ...(sparse === true ? { sparse } : {}),
    });
    this.assets.set(kind, (this.assets.get(kind) ?? 0) + 1);
  }

  async edge(kind: EdgeKind, from: string, to: string, attributes?: JsonObject): Promise<void> {
    if (this.#only?.has(kind) === false) return;
    const told = attributes === undefined || Object.keys(attributes).length === 0 ? {} : { attributes };
    await this.#count({ t: 'edge', scope: this.scope, kind, from, to, ...told });
    this.edges.set(kind, (this.edges.get(kind) ?? 0) + 1);
  }

  async listed(key: string, name: string): Promise<void> {
    await this.#count({ t: 'listed', scope: this.scope, key, name });
  }

  /** What an asset of this scope looks like. */
  async picture(picture: Omit<PictureRecord, 't' | 'scope'>): Promise<void> {
    await this.#count({ t: 'picture', scope: this.scope, ...picture });
  }

  /** An asset that is no longer there, in a scope of which only differences are written. */
  async gone(key: string): Promise<void> {
    await this.#count({ t: 'gone', scope: this.scope, key });
  }

  /** Ends the scope. */
  async outcome(outcome: Outcome, why: Why = {}): Promise<void> {
    const { reason, checkpoint } = await this.#ending(outcome, why);
    const { missing = [], error, whole = [], anew = [] } = why;
    const inside =
      error === undefined || outcome === 'gone' ? [] : [{ ...error.toJSON(), what: 'what is inside apps' }];
    this.lacks = [...inside, ...missing];
    await this.#sink.write({
      t: 'outcome',
      scope: this.scope,
      outcome,
      ...(why.missing === undefined || why.missing.length === 0 ? {} : { missing: [...why.missing] }),
      ...(why.error === undefined ? {} : { error: why.error.toJSON() }),
      ...(reason === undefined ? {} : { reason }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(whole.length === 0 ? {} : { whole: [...whole] }),
      ...(anew.length === 0 ? {} : { anew: [...anew] }),
    });
  }

  get records(): number {
    return this.#records;
  }

  async #count(record: DraftRecord): Promise<void> {
    this.#records += 1;
    // A sink that is quick never lets go of the thread, and other apps' answers would wait until this one is written.
    if (this.#records % YIELD_RECORDS === 0) await setImmediate();
    await this.#sink.write(record);
  }
}
