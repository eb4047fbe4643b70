import type { Role } from '../result.ts';
import { looksLikeVariable, type NameUse, type Uses, usesOf } from './uses.ts';
import { isField } from './words.ts';

/** What the names in an app's expressions may stand for. */
export interface KnownNames {
  /** Undefined: not known. */
  readonly fields: ReadonlySet<string> | undefined;
  /** Definitions of variables by name. */
  readonly variables: ReadonlyMap<string, string>;
  /** Master measures by their labels and titles. */
  readonly measures: ReadonlyMap<string, { readonly id: string; readonly expression: string }>;
  /** All three are known whole: a name that is none of them is missing. */
  readonly complete: boolean;
  /** What was read already: charts of an app say the same again and again. */
  readonly readBefore?: Map<string, ReadExpression>;
}

/** What an expression uses: with the variables that it names put in, and as it is written. */
interface ReadExpression {
  readonly uses: Uses;
  readonly written: Uses;
}

/** An expression and what it is to the thing that it belongs to. */
export interface Part {
  readonly text: string;
  readonly role: Role;
}

/** A field that expressions use. */
export interface UsedField {
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
  /** It stands there itself, and not only in something that is named there. */
  readonly direct: boolean;
  /** Through what, when it does not: `variable:vTop`, `measure:Margin`, `column:Margin`. */
  readonly reasons: readonly string[];
}

export interface Resolved {
  readonly fields: readonly UsedField[];
  /** Names that are nothing that the app has. */
  readonly missing: readonly string[];
  /** Names of which it is not known whether they are fields. */
  readonly unsure: readonly string[];
  readonly variables: readonly string[];
  /** Ids of the master measures that are named. */
  readonly measures: readonly string[];
  /** A part of it is known only to the engine. */
  readonly unresolved: boolean;
}

/** Labels of measures that name others, and so on: each is read again. */
const MOST_READ = 200;
const MOST_REASONS = 5;
/** Of one app, and the longest: others are read each time. */
const MOST_KEPT = 500;
const LONGEST_KEPT = 500;

/**
 * What the expressions of one thing refer to in its app. A name is a field that there is or that it is derived from, else
 * the label of a master measure, else a column of the same chart, else a variable; within an aggregation it is no label.
 *
 * @param columns expressions of the same chart by the names of its columns
 */
export const resolve = (
  parts: readonly Part[],
  known: KnownNames,
  columns: ReadonlyMap<string, string> = new Map(),
): Resolved => {
  const resolution = new Resolution(known, columns);
  for (const { text, role } of parts) resolution.read(text, role, [], new Set());
  return resolution.found();
};

/** The field that a name stands for: itself, or the one that it is derived from (`Date.autoCalendar.Year`). */
export const knownField = (fields: ReadonlySet<string> | undefined, name: string): string | undefined => {
  if (fields === undefined) return undefined;
  if (fields.has(name)) return name;
  for (let dot = name.lastIndexOf('.'), tries = 0; dot > 0 && tries < 20; tries++) {
    const base = name.slice(0, dot);
    if (fields.has(base)) return base;
    dot = name.lastIndexOf('.', dot - 1);
  }
  return undefined;
};

interface Gathered {
  readonly name: string;
  readonly roles: Set<Role>;
  readonly reasons: Set<string>;
  direct: boolean;
}

class Resolution {
  readonly #known: KnownNames;
  readonly #columns: ReadonlyMap<string, string>;
  readonly #fields = new Map<string, Gathered>();
  readonly #missing = new Set<string>();
  readonly #unsure = new Set<string>();
  readonly #variables = new Set<string>();
  readonly #measures = new Set<string>();
  #unresolved = false;
  #read = 0;

  constructor(known: KnownNames, columns: ReadonlyMap<string, string>) {
    this.#known = known;
    this.#columns = columns;
  }

  found(): Resolved {
    return {
      fields: [...this.#fields.values()].map(({ name, roles, reasons, direct }) => ({
        ...{ name, roles, direct },
        reasons: direct ? [] : [...reasons].slice(0, MOST_REASONS),
      })),
      missing: [...this.#missing],
      unsure: [...this.#unsure],
      variables: [...this.#variables],
      measures: [...this.#measures],
      unresolved: this.#unresolved,
    };
  }

  /** @param via what led here from the expression itself, and `within` the same for the cycle guard */
  read(text: string, role: Role, via: readonly string[], within: ReadonlySet<string>): void {
    this.#read += 1;
    if (this.#read > MOST_READ) {
      this.#unresolved = true;
      return;
    }
    const { uses, written } = this.#usesOf(text, role);
    const names = new Set(written.names.map(({ name }) => name));
    const expanded = [...via, ...uses.variables.map((name) => `variable:${name}`)];
    for (const use of uses.names) this.#name(use, names.has(use.name) ? via : expanded, within);
    if (via.length > 0) return;
    for (const name of uses.variables) if (this.#known.variables.has(name)) this.#variables.add(name);
    this.#unresolved ||= uses.unknown;
  }

  #usesOf(text: string, role: Role): ReadExpression {
    const { readBefore, variables } = this.#known;
    const key = `${role} ${text}`;
    const before = readBefore?.get(key);
    if (before !== undefined) return before;
    const uses = usesOf(text, { role, definition: (name) => variables.get(name) });
    const found = { uses, written: uses.variables.length === 0 ? uses : usesOf(text, { role }) };
    if (readBefore !== undefined && text.length <= LONGEST_KEPT && readBefore.size < MOST_KEPT)
      readBefore.set(key, found);
    return found;
  }

  #name(use: NameUse, via: readonly string[], within: ReadonlySet<string>): void {
    const { name, role, aggregated, quoted } = use;
    const { fields, measures, variables, complete } = this.#known;
    const direct = via.length === 0;
    const field = knownField(fields, name);
    if (field !== undefined) {
      this.#field(field, role, via);
      return;
    }
    const measure = measures.get(name);
    const column = this.#columns.get(name);
    const definition = variables.get(name);
    if (!aggregated && measure !== undefined && fields !== undefined) {
      if (direct) this.#measures.add(measure.id);
      this.#follow(`measure:${name}`, measure.expression, role, via, within);
    } else if (!aggregated && column !== undefined) this.#follow(`column:${name}`, column, role, via, within);
    else if (definition !== undefined) {
      if (direct) this.#variables.add(name);
      // Named so, a variable gives its value, and only a formula's value comes from fields.
      if (/^\s*=/.test(definition)) this.#follow(`variable:${name}`, definition, role, via, within);
    } else if (measure !== undefined || column !== undefined || !isField(name) || !direct) return;
    else if (!complete) this.#unsure.add(name);
    else if (quoted || aggregated || !looksLikeVariable(use)) this.#missing.add(name);
  }

  #follow(reason: string, expression: string, role: Role, via: readonly string[], within: ReadonlySet<string>): void {
    if (!within.has(reason)) this.read(expression, role, [...via, reason], new Set([...within, reason]));
  }

  #field(name: string, role: Role, via: readonly string[]): void {
    const known = this.#fields.get(name) ?? { name, roles: new Set(), reasons: new Set(), direct: false };
    this.#fields.set(name, known);
    known.roles.add(role);
    known.direct ||= via.length === 0;
    for (const reason of via) known.reasons.add(reason);
  }
}
