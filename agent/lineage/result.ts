import { type Confidence, ROLES, type Role } from '#protocol/lineage.ts';

export { type Confidence, ROLES, type Role };

/**
 * What a load script says about where its data comes from. The interpreter makes it, other evidence confirms it, the crawl
 * and `culvert lineage` deliver it.
 */
export interface ScriptLineage {
  /** In the order of their making; mapping tables are not among them. */
  readonly tables: readonly TableLineage[];
  readonly stores: readonly StoreLineage[];
  /** Everything outside of the app that is read or written, each once. */
  readonly datasets: readonly DatasetUse[];
  /** Fields that come and go with values that only a reload knows, and other things that were not understood. */
  readonly diagnostics: readonly Diagnostic[];
  readonly statements: StatementCount;
  /** Variables at the end, for the expressions of charts: only what the text tells for certain. */
  readonly variables: ReadonlyMap<string, string>;
  /** There is a section access; its tables are not among `tables`. */
  readonly sectionAccess: boolean;
  /** What was asked of the surroundings and could not be had: included scripts, heads of QVD files, connections. */
  readonly wanted: readonly Wanted[];
  /** A limit that cut the work short; what stands here is right, and not all. */
  readonly cut: string | undefined;
}

/** Where something stands in the script that a person sees. */
export interface Place {
  /** '' for the script itself, else the path of the include as it was written. */
  readonly file: string;
  /** Of the statement's first and last line; 1-based. */
  readonly line: number;
  readonly endLine: number;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
}

/** Something that data is read from, as written after expansion. What could not be expanded stands there as `$(name)`. */
export type Source =
  | FileSource
  /** A table of a database, or an object of a connector. `connection`: the name of LIB CONNECT TO; '' when none is current. */
  | { readonly type: 'object'; readonly connection: string; readonly object: string; readonly holes?: Holes }
  | { readonly type: 'inline' | 'autogenerate' }
  /** A table that this text does not make. */
  | { readonly type: 'resident'; readonly table: string }
  | { readonly type: 'binary'; readonly path: string; readonly holes?: Holes }
  | { readonly type: 'extension'; readonly name: string };

/** As in {@link DatasetUse}; absent: none. Two places with different ones are two, however they are written. */
type Holes = readonly string[] | undefined;

/** Where a file is, as the script says it. */
export interface FilePlace {
  readonly path: string;
  /** What DIRECTORY said last, for a path that does not say where it begins. */
  readonly directory?: string | undefined;
  readonly holes?: Holes;
}

export interface FileSource extends FilePlace {
  readonly type: 'file';
  readonly table: string | undefined;
  readonly format: string;
}

/** One origin of a field, traced back to the outermost source. */
export interface Origin {
  readonly source: Source;
  /** Column of the source; `*` when all that is known is that it comes from there. */
  readonly field: string;
  readonly role: Role;
  readonly confidence: Confidence;
  /** Short codes that say why it is not surer: `star`, `variable:vPath`, `join-candidate`, `sql-fallback`, … */
  readonly reasons: readonly string[];
  /** Only under a condition that is not known here. */
  readonly conditional: boolean;
  /** Of the statement that brought it in. */
  readonly place: Place;
}

export interface FieldLineage {
  readonly name: string;
  readonly origins: readonly Origin[];
  /** The expression that made it, redacted, at most 1,000 characters; undefined for a plain copy. */
  readonly expression: string | undefined;
}

export interface TableLineage {
  readonly name: string;
  /** Of an open table the last is `*`: where the fields come from that nobody knows by name. */
  readonly fields: readonly FieldLineage[];
  /** What decides which rows there are and in which order, and belongs to no field: of WHERE, GROUP BY, ORDER BY, KEEP. */
  readonly influences?: readonly Origin[];
  /** It is in the app when the script has ended; false for a dropped one. */
  readonly final: boolean;
  /** It has fields beyond these: a `*` whose columns nobody knows. */
  readonly open: boolean;
  readonly conditional: boolean;
  readonly place: Place;
}

export interface StoreLineage {
  readonly target: string;
  /** Of `target`, as in {@link FilePlace}. */
  readonly directory?: string | undefined;
  readonly holes?: Holes;
  readonly format: string;
  readonly table: string;
  readonly fields: readonly FieldLineage[];
  readonly open: boolean;
  readonly conditional: boolean;
  readonly place: Place;
}

export interface DatasetUse {
  readonly source: Source;
  readonly reads: boolean;
  readonly writes: boolean;
  /** Names of unresolved expansions in it, each with the version of the variable that was meant (`vPath@2`): two of different versions are never one place. */
  readonly holes: readonly string[];
  readonly confidence: Confidence;
  readonly place: Place;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info';
  /** `lineage.<what>`: stable, for tests and for counting. */
  readonly code: string;
  /** For people; holds no value of the data and no secret. */
  readonly message: string;
  readonly place: Place;
}

export interface StatementCount {
  /** Executed at least once or looked at, by their place in the text: a loop counts once. */
  readonly total: number;
  readonly understood: number;
  readonly opaque: number;
}

export interface Wanted {
  readonly type: 'include' | 'qvd' | 'connection' | 'variable' | 'columns';
  readonly name: string;
}

/** What surrounds a script. Everything may be missing: the interpreter then says what it lacked. */
export interface Surroundings {
  /** Text of an included script, by its path after expansion (`lib://…` or a file's). */
  readonly include?: ((path: string) => string | undefined) | undefined;
  /** Columns of a file or database object, for `*`: from the head of a QVD, or another observation. */
  readonly columns?: ((source: Source) => readonly string[] | undefined) | undefined;
  /** Names of files that a pattern or FILELIST matches; undefined: not known. */
  readonly files?: ((pattern: string) => readonly string[] | undefined) | undefined;
  readonly connection?: ((name: string) => ConnectionFacts | undefined) | undefined;
  /** Values of variables from elsewhere: what they are and who says so (`log`, `engine`, `mapping`). */
  readonly variables?:
    | ReadonlyMap<string, { readonly value: string; readonly from: 'log' | 'engine' | 'mapping' }>
    | undefined;
  /** Fields of the app after its last reload, by table: what `*` can have become. */
  readonly model?: ReadonlyMap<string, readonly string[]> | undefined;
}

export interface ConnectionFacts {
  /** As the repository calls it: `QvOdbcConnectorPackage.exe`, `folder`, `OLEDB`, … */
  readonly type: string;
  readonly provider: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

/** Bounds on a script's interpretation; each that cuts is reported. */
export interface Limits {
  readonly steps: number;
  /** SUB calls and includes within each other. */
  readonly depth: number;
  readonly iterations: number;
  readonly timeMs: number;
  /** Fields of all tables together, so that a script cannot fill the memory. */
  readonly fields: number;
}
