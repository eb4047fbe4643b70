import type { ScriptLineage, Source } from '../result.ts';
import type { PlaceOf, TouchedRow } from './touched.ts';

/** Who else tells of an app's data than its script. Each may be missing. */
export interface Witnesses {
  /** Fields by table after the last reload, without what the engine makes for itself. */
  readonly model: ReadonlyMap<string, readonly string[]> | undefined;
  /** What the engine noted of the last reload. */
  readonly touched: readonly TouchedRow[];
  /** The lineage of the statements in the last reload's log. */
  readonly log: Pick<ScriptLineage, 'tables' | 'stores'> | undefined;
  /** Columns in the head of a QVD. */
  readonly columns: (source: Source) => readonly string[] | undefined;
  readonly place: PlaceOf;
}
