import type { Role } from '../result.ts';
import type { SyntaxDiagnostic } from '../syntax/cursor.ts';
import type { Call, Expression, Name, SetExpression } from '../syntax/expression.ts';
import { expansionsIn } from '../syntax/lexer.ts';
import { parseExpression } from '../syntax/parser.ts';
import { argumentsOf, expanded } from './expansion.ts';
import { AGGREGATIONS, isField, KEYWORDS, NAMED_BY_TEXT } from './words.ts';

/** A name in the place of a field. */
export interface NameUse {
  readonly name: string;
  readonly role: Role;
  /** Within an aggregation, a set or a list of dimensions: there it is no label of a measure. */
  readonly aggregated: boolean;
  /** All that an aggregation, a set or a dimension names there; no part of a larger expression. */
  readonly alone: boolean;
  readonly quoted: boolean;
}

/** What an expression refers to, as far as its text and the variables that are known tell. */
export interface Uses {
  /** Each once for every role and place, in the order in which they stand there; at most {@link MOST}. */
  readonly names: readonly NameUse[];
  /** Variables that dollar expansions name. */
  readonly variables: readonly string[];
  /** Those of them whose definition is not known. */
  readonly unresolved: readonly string[];
  /** Parts of it are known only to the engine: expansions, or a text that ends within a name or a parenthesis. */
  readonly unknown: boolean;
  /** Offsets are into the expression when it names no known variables. */
  readonly diagnostics: readonly SyntaxDiagnostic[];
}

export interface UseOptions {
  /** What the whole of the expression is to the thing that it belongs to. */
  readonly role?: Role;
  readonly definition?: (variable: string) => string | undefined;
}

const MOST = 1_000;
/** Expressions in expansions in expressions: each reads its text again. */
const DEEPEST = 6;
const DERIVED = /^(.+?)\.autoCalendar\./;
const NOTHING = (): undefined => undefined;

/**
 * Names what an expression of a chart refers to, and in which role: what an aggregation takes is a `value`, the left side of
 * a set modifier and everything in a search a `filter`, a dimension of Aggr or TOTAL a `dimension`, what only decides a
 * `condition`, what only orders a `sort`. Never throws; time grows with the length.
 */
export const usesOf = (expression: string, { role = 'value', definition = NOTHING }: UseOptions = {}): Uses => {
  const { text, variables, unresolved } = expanded(expression, definition);
  const collector = new Collector(variables, unresolved);
  collector.read(text, { role, aggregated: false, alone: false, depth: 0 });
  return collector.found();
};

/** As people name variables, by a convention as old as QlikView: `vTop`, `v_From`, `_vMode`. */
const VARIABLE = /^_*v(?:\p{Lu}|[_.\d])/u;

/** Whether a name that may be a field is rather a variable: by how it is written and where it stands. */
export const looksLikeVariable = ({ name, alone, quoted }: NameUse): boolean =>
  !alone && !quoted && VARIABLE.test(name);

interface Context {
  readonly role: Role;
  readonly aggregated: boolean;
  readonly alone: boolean;
  /** Expressions in texts around this one. */
  readonly depth: number;
}

interface Task {
  readonly expression: Expression;
  readonly context: Context;
}

class Collector {
  readonly #names = new Map<string, NameUse>();
  readonly #variables: Set<string>;
  readonly #unresolved: Set<string>;
  readonly #diagnostics: SyntaxDiagnostic[] = [];
  /** What is yet to be looked at; the next one last. Expressions may be deep, so nothing here calls itself. */
  readonly #tasks: Task[] = [];
  #unknown = false;

  constructor(variables: readonly string[], unresolved: readonly string[]) {
    this.#variables = new Set(variables);
    this.#unresolved = new Set(unresolved);
  }

  found(): Uses {
    return {
      names: [...this.#names.values()],
      variables: [...this.#variables],
      unresolved: [...this.#unresolved],
      unknown: this.#unknown,
      diagnostics: this.#diagnostics,
    };
  }

  read(text: string, context: Context): void {
    this.#parse(text, context);
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) this.#look(task);
  }

  #parse(text: string, context: Context): void {
    if (context.depth > DEEPEST) {
      this.#unknown = true;
      return;
    }
    if (text.trim() === '') return;
    const { expression, diagnostics } = parseExpression(text, { mode: 'chart' });
    if (diagnostics.length > 0) this.#unknown = true;
    if (context.depth === 0) this.#diagnostics.push(...diagnostics);
    this.#tasks.push({ expression, context });
  }

  #look({ expression, context }: Task): void {
    switch (expression.type) {
      case 'number':
      case 'text':
        this.#expansions(expression.type === 'text' ? expression.value : '', context);
        return;
      case 'unreadable':
        this.#unknown = true;
        return;
      case 'name':
        this.#name(expression, context);
        return;
      case 'expansion':
        this.#expansion(expression.text, context);
        return;
      case 'unary':
        this.#next([{ expression: expression.operand, context: { ...context, alone: false } }]);
        return;
      case 'binary': {
        const part = { ...context, alone: false };
        this.#next([
          { expression: expression.left, context: part },
          { expression: expression.right, context: part },
        ]);
        return;
      }
      case 'call':
        this.#call(expression, context);
        return;
      default:
        expression satisfies never;
    }
  }

  #call(call: Call, context: Context): void {
    const { name, args, total, set } = call;
    const tasks: Task[] = [];
    if (set !== undefined) this.#set(set, context.depth, tasks);
    for (const field of total ?? []) tasks.push({ expression: field, context: dimensionIn(context) });
    if (name.includes('$(')) this.#expansions(name, context);
    args.forEach((arg, index) => {
      const inner = argumentContext(call, index, context);
      if (name === 'aggr' && index > 0 && arg.type === 'call' && arg.name === '') {
        // `(Field, (NUMERIC, ASCENDING))`, or sorted by an expression.
        arg.args.forEach((part, at) => {
          tasks.push({ expression: part, context: at === 0 ? inner : { ...inner, role: under(context, 'sort') } });
        });
      } else if (arg.type === 'text' && index === 0 && NAMED_BY_TEXT.has(name) && arg.value !== '') {
        tasks.push({ expression: { type: 'name', name: arg.value, quote: "'", span: arg.span }, context: inner });
      } else tasks.push({ expression: arg, context: inner });
    });
    this.#next(tasks);
  }

  #set({ entities }: SetExpression, depth: number, tasks: Task[]): void {
    const context: Context = { role: 'filter', aggregated: true, alone: true, depth };
    for (const { identifier, modifiers } of entities) {
      if (identifier.includes('$(')) this.#expansions(identifier, context);
      for (const { field, values } of modifiers) {
        tasks.push({ expression: field, context });
        for (const value of values) {
          if (value.type === 'search') {
            tasks.push({ expression: value.expression, context: { ...context, aggregated: false, alone: false } });
          } else if (value.type === 'field') tasks.push({ expression: value.field, context });
          else if (value.type === 'possible') {
            if (value.set !== undefined) this.#set(value.set, depth, tasks);
            if (value.field !== undefined) tasks.push({ expression: value.field, context });
          }
        }
      }
    }
  }

  #name({ name, quote }: Name, context: Context): void {
    if (name.includes('$(')) {
      this.#unknown = true;
      this.#expansions(name, context);
      return;
    }
    if (quote !== '' && /^\s*=/.test(name)) {
      // `[=Year(Date)]`: a calculated dimension in the place of a field.
      this.#parse(name, { ...context, aggregated: false, alone: false, depth: context.depth + 1 });
      return;
    }
    if (name === '' || (quote === '' && KEYWORDS.has(name.toLowerCase())) || !isField(name)) return;
    const { role, aggregated, alone } = context;
    const base = DERIVED.exec(name)?.[1] ?? name;
    const key = `${role} ${aggregated} ${base}`;
    const known = this.#names.get(key);
    if (known === undefined && this.#names.size >= MOST) this.#unknown = true;
    else if (known === undefined || (alone && !known.alone)) {
      this.#names.set(key, { name: base, role, aggregated, alone, quoted: quote !== '' });
    }
  }

  /** `$(…)` within a text or a name. */
  #expansions(text: string, context: Context): void {
    for (const { start, end } of expansionsIn(text)) this.#expansion(text.slice(start + 2, end - 1), context);
  }

  #expansion(inner: string, context: Context): void {
    this.#unknown = true;
    const outside = { ...context, aggregated: false, alone: false, depth: context.depth + 1 };
    if (/^\s*=/.test(inner)) {
      this.#parse(inner, outside);
      return;
    }
    const open = inner.indexOf('(');
    const name = (open === -1 ? inner : inner.slice(0, open)).replace('#', '').trim();
    if (name.includes('$')) this.#expansions(inner, context);
    else if (name !== '') {
      this.#variables.add(name);
      this.#unresolved.add(name);
      for (const argument of argumentsOf(inner).toReversed()) this.#parse(argument, outside);
    }
  }

  #next(tasks: readonly Task[]): void {
    for (let i = tasks.length - 1; i >= 0; i--) this.#tasks.push(tasks[i] as Task);
  }
}

/** What filters, filters with all that it consists of; other roles are those of the innermost place. */
const under = (outer: Context, role: Role): Role => (outer.role === 'filter' ? 'filter' : role);

const dimensionIn = (context: Context): Context => ({
  role: under(context, 'dimension'),
  aggregated: true,
  alone: true,
  depth: context.depth,
});

const argumentContext = ({ name }: Call, index: number, context: Context): Context => {
  const part = { ...context, alone: name === '' && context.alone };
  switch (name) {
    case 'aggr':
      // Aggr makes rows of its own: labels of measures may stand in it.
      return index === 0 ? { ...part, aggregated: false } : dimensionIn(context);
    case 'if':
    case 'pick':
      return index === 0 ? { ...part, role: under(context, 'condition') } : part;
    case 'firstsortedvalue':
      return {
        ...part,
        aggregated: true,
        ...(index === 1 ? { role: under(context, 'sort') } : { alone: index === 0 }),
      };
    case 'concat':
      return {
        ...part,
        aggregated: true,
        ...(index === 2 ? { role: under(context, 'sort') } : { alone: index === 0 }),
      };
    default:
      return AGGREGATIONS.has(name) || (index === 0 && NAMED_BY_TEXT.has(name))
        ? { ...part, aggregated: true, alone: true }
        : part;
  }
};
