/** A stretch of the text that was parsed, in UTF-16 code units; `end` is behind the last one. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * An expression of a load script or of a chart. Both have one grammar; what a bare name means is the reader's affair
 * (`mode` of the parser says which words are keywords). A dollar expansion that nobody could resolve stays in the text as
 * it was written and is an {@link Expansion}, or a part of a name.
 */
export type Expression = NumberLiteral | TextLiteral | Name | Expansion | Unary | Binary | Call | Unreadable;

export interface NumberLiteral {
  readonly type: 'number';
  readonly value: number;
  readonly span: Span;
}

/** `'…'`: a doubled apostrophe stands for one. */
export interface TextLiteral {
  readonly type: 'text';
  readonly value: string;
  readonly span: Span;
}

/** A field, a variable or a label. `quote`: how it was written; a name without quotes has ''. */
export interface Name {
  readonly type: 'name';
  readonly name: string;
  readonly quote: '' | '[' | '"' | '`' | "'";
  readonly span: Span;
}

/** `$(…)` that is still there: the text between its parentheses. */
export interface Expansion {
  readonly type: 'expansion';
  readonly text: string;
  readonly span: Span;
}

export interface Unary {
  readonly type: 'unary';
  /** In lower case: `-`, `+`, `not`, `bitnot`. */
  readonly operator: string;
  readonly operand: Expression;
  readonly span: Span;
}

export interface Binary {
  readonly type: 'binary';
  /** In lower case: `+`, `&`, `and`, `like`, `precedes`, … */
  readonly operator: string;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

/** A function, an aggregation or a parenthesis: the last has an empty name and one argument. */
export interface Call {
  readonly type: 'call';
  /** In lower case. A name with an expansion in it keeps it: `$(fn)`. */
  readonly name: string;
  readonly args: readonly Expression[];
  readonly distinct: boolean;
  /** `TOTAL`, and the fields in `TOTAL <a, b>`. */
  readonly total: readonly Name[] | undefined;
  /** `{…}` in front of the arguments, or in front of the call itself. */
  readonly set: SetExpression | undefined;
  /** Of Aggr: how a dimension is sorted is no argument; the words are here. */
  readonly sorting: readonly string[];
  readonly span: Span;
}

/** What the parser could not read; the rest of the expression is parsed all the same. */
export interface Unreadable {
  readonly type: 'unreadable';
  readonly text: string;
  readonly why: string;
  readonly span: Span;
}

/** `{ $ - 1 <Year = {2020}> * BM01 }`: the operators do not matter to lineage, what stands between them does. */
export interface SetExpression {
  readonly entities: readonly SetEntity[];
  readonly span: Span;
}

export interface SetEntity {
  /** `$`, `1`, `$1`, `BM01`, a state; '' when only a modifier was written. */
  readonly identifier: string;
  readonly modifiers: readonly SetModifier[];
  readonly span: Span;
}

/** `Year = {2020, "20*"}`, `Year = Other`, `Year -= P({1} Customer)`. */
export interface SetModifier {
  readonly field: Name | Expansion;
  /** `=`, `+=`, `-=`, `*=`, `/=`, or '' when the field stands alone. */
  readonly operator: string;
  readonly values: readonly SetValue[];
  readonly span: Span;
}

export type SetValue =
  /** A value, a search (`"20*"`), a range; nothing that lineage needs. */
  | { readonly type: 'value'; readonly text: string; readonly span: Span }
  /** `{"=Sum(Sales) > 5"}` and `{"$(=Max(Year))"}`: expressions with fields of their own. */
  | { readonly type: 'search'; readonly expression: Expression; readonly span: Span }
  /** The elements of another field. */
  | { readonly type: 'field'; readonly field: Name; readonly span: Span }
  /** `P(…)` and `E(…)`; without a field they are about the field on the left. */
  | {
      readonly type: 'possible';
      readonly set: SetExpression | undefined;
      readonly field: Name | undefined;
      readonly span: Span;
    };
