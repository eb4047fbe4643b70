import type { Confidence, Role } from '../result.ts';

/** What a SELECT for a database or a connector reads and gives. */
export interface SqlAnalysis {
  /** In order. `name` as Qlik will call the field: without quotes, case kept. */
  readonly columns: readonly SqlColumn[];
  /** What joins, conditions, groups and the order of rows read: all columns depend on it alike, so none of them says it. */
  readonly rows?: readonly SqlOrigin[];
  /** There are columns beyond these: a `*` of objects whose columns are not known. */
  readonly open: boolean;
  /** The objects whose columns those are; absent: any of {@link objects}. */
  readonly beyond?: readonly string[];
  /** Everything that is read, as written, without quotes, also what only a subquery or a join names. */
  readonly objects: readonly string[];
  /**
   * `rest`: what each SELECT of a REST connector's statement reads. In Qlik all their columns land in one table: they are
   * among `columns`.
   */
  readonly tables: readonly SqlTable[];
  /** It changes something in the database and gives no rows: no table comes of it. */
  readonly rowless?: boolean;
  readonly how: 'parser' | 'rest' | 'fallback';
  /** A procedure is called: whether it gives any rows only the database knows. */
  readonly calls?: true;
  readonly diagnostics: readonly { readonly code: string; readonly message: string; readonly at: number }[];
}

export interface SqlColumn {
  readonly name: string;
  readonly from: readonly SqlOrigin[];
}

export interface SqlOrigin {
  /** As in {@link SqlAnalysis.objects}. */
  readonly object: string;
  readonly column: string;
  readonly role: Role;
  readonly confidence: Confidence;
  readonly reasons: readonly string[];
}

/** What a SELECT within a connector's statement reads: `name` is the array's. */
export interface SqlTable {
  readonly name: string;
  readonly columns: readonly SqlColumn[];
}

export interface SqlRequest {
  /** Without the leading SQL keyword and the final semicolon; unresolved `$(…)` still in it. */
  readonly text: string;
  /** Of the connection, as `dialectOf` calls it; undefined: not known. */
  readonly dialect: string | undefined;
  readonly defaults: { readonly database: string | undefined; readonly schema: string | undefined };
  /** Columns of an object, for `*`. */
  readonly columns: (object: string) => readonly string[] | undefined;
}

/** Analyses SELECTs. It never throws: what it cannot read it says in its diagnostics. */
export type AnalyseSql = (request: SqlRequest) => SqlAnalysis;
