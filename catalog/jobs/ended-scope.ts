import type { ErrorInfo } from '#protocol/errors.ts';
import type { AssetKind, EdgeKind, Missing, Outcome, Reason } from '#protocol/records.ts';

/** A scope whose outcome came. */
export interface EndedScope {
  readonly key: string;
  readonly kind: 'site' | 'app';
  readonly name: string;
  readonly outcome: Outcome;
  readonly records: number;
  readonly missing: readonly Missing[];
  readonly error: ErrorInfo | undefined;
  /** Why it was read, or why not. */
  readonly reason: Reason | undefined;
  /** Of the site's scope: the state that the agent keeps of this crawl. */
  readonly checkpoint: string | undefined;
  /** Of a scope that is not complete: the kinds of assets and edges of which all came all the same. */
  readonly whole: readonly (AssetKind | EdgeKind)[];
  /** Why nothing of it may be published: it does not agree with its own counts, or held bad records. */
  readonly refused: ErrorInfo | undefined;
  /** Some of its rows were staged before: it began earlier than those at hand. */
  readonly isStaged: boolean;
}
