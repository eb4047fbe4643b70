import type { Confidence, Role } from '#protocol/lineage.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';

/** Towards the origins, or towards what depends on something. */
export type Direction = 'up' | 'down';

/** Tables and apps, or columns, fields and what is calculated from them. */
export type Level = 'table' | 'column';

/** Which edges count. An edge that says nothing of itself (a chart uses a master item) always does. */
export interface EdgeFilter {
  /** The least sure that counts. */
  readonly confidence?: Confidence | undefined;
  readonly roles?: readonly Role[] | undefined;
  /** Also what stands where a reload never comes. */
  readonly unreachable?: boolean | undefined;
}

/** One step from an asset to a neighbour. */
export interface Step {
  readonly near: string;
  readonly kind: EdgeKind;
  readonly other: string;
  /** Null of an edge that is certain by itself. */
  readonly confidence: Confidence | null;
  readonly conditional: boolean;
}

/** Steps by the key that they begin at. */
export interface Steps {
  readonly found: ReadonlyMap<string, readonly Step[]>;
  /** From these more may lead than can be gone on with: so many names are like theirs. */
  readonly cut: ReadonlySet<string>;
}

/** What is known of an asset on the way. An endpoint of an edge that nobody sent as an asset has no kind. */
export interface Place {
  readonly key: string;
  readonly kind: AssetKind | null;
  readonly name: string;
  readonly parent: string | null;
  readonly connection: string | null;
  /** The app that it lies in. */
  readonly app: string | null;
  readonly appName: string | null;
  readonly goneAt: Date | null;
}
