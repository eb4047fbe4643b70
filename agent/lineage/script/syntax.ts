import type { Expression, Span } from '../syntax/expression.ts';

/**
 * A statement of a load script after dollar expansion: expansions that nobody could resolve stand in names, paths and
 * texts as they were written. Spans are offsets into the expanded text of the statement, which knows where its pieces
 * come from.
 */
export type Statement =
  | LoadStatement
  | AssignStatement
  | StoreStatement
  | ConnectStatement
  | DropStatement
  | RenameStatement
  | AliasStatement
  | QualifyStatement
  | MapStatement
  | BinaryStatement
  | SectionStatement
  | DirectoryStatement
  | DeriveStatement
  | DescribeStatement
  | ControlStatement
  | IncludeStatement
  | MacroStatement
  | GuardedStatement
  | NeutralStatement
  | OpaqueStatement;

/**
 * LOAD and SELECT with all that stands in front. A preceding load is one statement with several {@link Step}s. The
 * prefixes in front of the first step are the statement's; when the last step names no source, none was written.
 */
export interface LoadStatement {
  readonly type: 'load';
  readonly label: string | undefined;
  /** In the order in which they were written. */
  readonly prefixes: readonly Prefix[];
  /** From the top: the last one reads a source, the others what the one below gives. Each may have prefixes too. */
  readonly steps: readonly Step[];
  readonly span: Span;
}

export type Prefix =
  | { readonly type: 'concatenate' | 'noconcatenate' | 'mapping' | 'generic'; readonly table?: string | undefined }
  | {
      readonly type: 'join' | 'keep';
      readonly side: 'inner' | 'left' | 'right' | 'outer';
      readonly table?: string | undefined;
    }
  /** `kept`: the fields in front that stay; NaN when an expansion that nobody could resolve says how many. */
  | { readonly type: 'crosstable'; readonly attribute: string; readonly data: string; readonly kept: number }
  | { readonly type: 'hierarchy'; readonly args: readonly string[] }
  | { readonly type: 'hierarchybelongsto'; readonly args: readonly string[] }
  | { readonly type: 'intervalmatch'; readonly field: string; readonly keys: readonly string[] }
  /** `args` of MERGE: sequence number field, variable; then the keys behind ON. */
  | {
      readonly type: 'add' | 'replace' | 'merge';
      readonly only: boolean;
      readonly table?: string | undefined;
      readonly args?: readonly string[];
      readonly keys?: readonly string[];
    }
  | {
      readonly type: 'first' | 'sample' | 'buffer' | 'bundle' | 'info' | 'semantic' | 'partial' | 'unless' | 'when';
      readonly condition?: Expression | undefined;
    }
  /** An expansion that nobody could resolve, where a prefix or a label may stand. */
  | { readonly type: 'macro'; readonly text: string };

export type Step = LoadStep | SelectStep;

export interface LoadStep {
  readonly type: 'load';
  readonly prefixes: readonly Prefix[];
  readonly distinct: boolean;
  readonly fields: readonly FieldItem[];
  /** Offsets of commas that have no field in front of them or behind; absent: none. */
  readonly strayCommas?: readonly number[];
  /** Undefined: the step below. */
  readonly source: LoadSource | undefined;
  readonly where: Expression | undefined;
  readonly while: Expression | undefined;
  readonly groupBy: readonly Expression[];
  readonly orderBy: readonly Expression[];
  readonly span: Span;
}

export type FieldItem =
  | { readonly type: 'all'; readonly span: Span }
  /** What stands between two commas and is no field; the others of the list are as they would be without it. */
  | { readonly type: 'unreadable'; readonly span: Span }
  | {
      readonly type: 'field';
      readonly expression: Expression;
      /** The name it gets: behind AS, the field itself, or the text of the expression. */
      readonly name: string;
      readonly aliased: boolean;
      readonly span: Span;
    };

export type LoadSource =
  | {
      readonly type: 'file';
      readonly path: string;
      /** Further files of a list; all are read as one. */
      readonly others: readonly string[];
      readonly format: Format;
      readonly span: Span;
    }
  | { readonly type: 'resident'; readonly table: string; readonly span: Span }
  | { readonly type: 'inline'; readonly body: string; readonly format: Format; readonly span: Span }
  | { readonly type: 'autogenerate'; readonly count: Expression | undefined; readonly span: Span }
  | {
      readonly type: 'fromField';
      readonly table: string;
      readonly field: string;
      readonly format: Format;
      readonly span: Span;
    }
  /** `EXTENSION plugin.function(script, table{fields})`. */
  | { readonly type: 'extension'; readonly name: string; readonly tables: readonly string[]; readonly span: Span };

/** `(ooxml, embedded labels, header is 2 lines, table is Sheet1)`. */
export interface Format {
  /** In lower case: `qvd`, `txt`, `ooxml`, `biff`, `json`, `parquet`, …; '' when none was written. */
  readonly kind: string;
  readonly table: string | undefined;
  readonly labels: 'embedded' | 'explicit' | 'none' | undefined;
  readonly delimiter: string | undefined;
  readonly headerLines: number;
  /** All of it, as written. */
  readonly text: string;
}

/** A SELECT for the current connection: its text goes to `sql/`. `kind`: `select`, `sqltables`, `sqlcolumns`, `sqltypes`, `direct`. */
export interface SelectStep {
  readonly type: 'select';
  readonly prefixes: readonly Prefix[];
  readonly kind: 'select' | 'sqltables' | 'sqlcolumns' | 'sqltypes' | 'direct';
  /** Without the leading SQL. */
  readonly text: string;
  readonly span: Span;
}

/** SET keeps its text; LET evaluates. `value` of LET is undefined when it could not be parsed, `text` is always there. */
export interface AssignStatement {
  readonly type: 'assign';
  readonly kind: 'set' | 'let';
  readonly name: string;
  readonly text: string;
  readonly value: Expression | undefined;
  readonly span: Span;
}

export interface StoreStatement {
  readonly type: 'store';
  readonly fields: readonly FieldItem[];
  readonly table: string;
  readonly path: string;
  readonly format: Format;
  readonly span: Span;
}

/** `LIB CONNECT TO 'x'`, `ODBC CONNECT TO [dsn; …]`, `DISCONNECT`. A connection string is never given in full. */
export interface ConnectStatement {
  readonly type: 'connect';
  readonly kind: 'lib' | 'odbc' | 'oledb' | 'custom' | 'plain' | 'disconnect';
  /** The library's name, or of a connection string its data source, server and database. */
  readonly name: string;
  readonly provider: string | undefined;
  readonly database: string | undefined;
  readonly span: Span;
}

export interface DropStatement {
  readonly type: 'drop';
  readonly what: 'table' | 'field';
  readonly names: readonly string[];
  readonly from: readonly string[];
  readonly span: Span;
}

export interface RenameStatement {
  readonly type: 'rename';
  readonly what: 'table' | 'field';
  readonly pairs: readonly { readonly from: string; readonly to: string }[];
  /** `RENAME FIELDS USING map`. */
  readonly using: string | undefined;
  readonly span: Span;
}

export interface AliasStatement {
  readonly type: 'alias';
  readonly pairs: readonly { readonly from: string; readonly to: string }[];
  readonly span: Span;
}

export interface QualifyStatement {
  readonly type: 'qualify' | 'unqualify';
  /** Names with wildcards. */
  readonly names: readonly string[];
  readonly span: Span;
}

/** `MAP a, b USING m` and `UNMAP a`. */
export interface MapStatement {
  readonly type: 'map' | 'unmap';
  readonly names: readonly string[];
  readonly using: string | undefined;
  readonly span: Span;
}

export interface BinaryStatement {
  readonly type: 'binary';
  readonly path: string;
  readonly span: Span;
}

export interface SectionStatement {
  readonly type: 'section';
  readonly section: 'access' | 'application';
  readonly span: Span;
}

export interface DirectoryStatement {
  readonly type: 'directory';
  readonly path: string;
  readonly span: Span;
}

/** `DECLARE FIELD DEFINITION` (one of `derived`: what it makes of its parameter) and `DERIVE FIELDS FROM … USING …`. */
export interface DeriveStatement {
  readonly type: 'declare' | 'derive';
  readonly name: string;
  readonly fields: readonly FieldItem[];
  /** Of DERIVE: fields, or tags behind `FROM FIELDS`, `FROM EXPLICIT TAGS`, `FROM IMPLICIT TAG`. */
  readonly from: readonly string[];
  readonly by: 'fields' | 'explicit tags' | 'implicit tag' | undefined;
  readonly span: Span;
}

/** COMMENT, TAG and UNTAG of fields and tables: for the catalog, no lineage. */
export interface DescribeStatement {
  readonly type: 'comment' | 'tag' | 'untag';
  readonly what: 'table' | 'field';
  readonly names: readonly string[];
  readonly text: string;
  readonly using: string | undefined;
  readonly span: Span;
}

export type ControlStatement =
  | { readonly type: 'if' | 'elseif'; readonly condition: Expression; readonly span: Span }
  | { readonly type: 'else' | 'endif' | 'endsub' | 'endswitch' | 'default'; readonly span: Span }
  | { readonly type: 'sub'; readonly name: string; readonly parameters: readonly string[]; readonly span: Span }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly span: Span }
  | {
      readonly type: 'for';
      readonly variable: string;
      readonly first: Expression;
      readonly last: Expression;
      readonly step: Expression | undefined;
      readonly span: Span;
    }
  | { readonly type: 'foreach'; readonly variable: string; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly type: 'next'; readonly variable: string | undefined; readonly span: Span }
  | {
      readonly type: 'do' | 'loop';
      readonly test: 'while' | 'until' | undefined;
      readonly condition: Expression | undefined;
      readonly span: Span;
    }
  | { readonly type: 'switch'; readonly value: Expression; readonly span: Span }
  | { readonly type: 'case'; readonly values: readonly Expression[]; readonly span: Span }
  | {
      readonly type: 'exit';
      readonly what: 'script' | 'sub' | 'for' | 'do';
      readonly test: 'when' | 'unless' | undefined;
      readonly condition: Expression | undefined;
      readonly span: Span;
    };

/** `$(Include=…)` and `$(Must_Include=…)`; the path as written, its own expansions done. */
export interface IncludeStatement {
  readonly type: 'include';
  readonly path: string;
  readonly must: boolean;
  readonly span: Span;
}

/** A statement that is an expansion and nothing else, and that nobody could resolve: what it does is not known. */
export interface MacroStatement {
  readonly type: 'macro';
  readonly text: string;
  readonly span: Span;
}

/** `WHEN a = b DROP TABLE t`: in front of LOAD it is a prefix, in front of everything else it holds what it guards. */
export interface GuardedStatement {
  readonly type: 'guarded';
  readonly test: 'when' | 'unless';
  readonly condition: Expression;
  readonly statement: Statement;
  readonly span: Span;
}

/** Understood, and without any effect on lineage: TRACE, SLEEP, REM, FLUSHLOG, EXECUTE, SEARCH, NULLASVALUE, STAR, … */
export interface NeutralStatement {
  readonly type: 'neutral';
  readonly keyword: string;
  readonly span: Span;
}

/** Not understood: what it seems to be, what its tokens still tell, and why. */
export interface OpaqueStatement {
  readonly type: 'opaque';
  readonly kind: string;
  readonly why: string;
  /** Where `why` was noticed. */
  readonly at: number;
  readonly label: string | undefined;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly residents: readonly string[];
  readonly span: Span;
}
