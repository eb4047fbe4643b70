import { referencesOf } from '#agent/lineage/expression/references.ts';
import type { AppContent } from './app-content.ts';
import { type JsonObject, present } from './attributes.ts';
import { titleOf } from './meta.ts';
import { textAt, treeAt } from './properties.ts';

const LISTS_PART = 'master items, variables and bookmarks';
const MOST_NAMES = 100;
const QUOTED = /^\s*=?\s*(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|`([^`]*)`)\s*$/;
const PLAIN = /^\s*=?\s*([\p{L}_%#@$][\p{L}\p{M}\p{N}_%#@$.]*)\s*$/u;

/**
 * The names that expressions of an app may use: its fields, the labels of its measures, its variables. Says which fields
 * an expression uses, and which names are none of them: only when all three were read, since else nobody can tell.
 */
export class FieldNames {
  /** Undefined: not known. */
  readonly #fields: ReadonlySet<string> | undefined;
  readonly #variables: ReadonlySet<string>;
  /** Ids of master measures by what they are called. */
  readonly #measures: ReadonlyMap<string, string>;
  readonly #complete: boolean;

  constructor({ model, lists, gaps }: Pick<AppContent, 'model' | 'lists' | 'gaps'>) {
    this.#fields = model.available ? new Set(model.fields.map(({ name }) => name)) : undefined;
    this.#variables = new Set(lists.variables.map(({ qName }) => qName));
    const measures = new Map<string, string>();
    for (const entry of lists.measures) {
      for (const name of [textAt(treeAt(entry.qData, 'measure'), 'qLabel'), titleOf(entry)]) {
        if (name !== '') measures.set(name, entry.qInfo.qId);
      }
    }
    this.#measures = measures;
    this.#complete = this.#fields !== undefined && !gaps.missing.some(({ what }) => what === LISTS_PART);
  }

  /** Whether a definition of a dimension is more than the name of a field. */
  calculated(definition: string): boolean {
    return definition.trim() !== '' && this.#field(definition) === undefined;
  }

  /**
   * Attributes that say which fields `expressions` and the `dimensions` (names of fields, or expressions) use:
   * `usedFields`, `missingFields` (names that the app has in no form), `usedVariables`, and `unresolved` when a part is
   * known only to the engine. `labels`: names that the columns of the same chart have.
   */
  of(
    expressions: readonly string[],
    dimensions: readonly string[] = [],
    labels: ReadonlySet<string> = new Set(),
  ): JsonObject {
    const [used, missing, variables] = [new Set<string>(), new Set<string>(), new Set<string>()];
    let unresolved = false;
    const add = (name: string): void => {
      const base = this.#known(name);
      if (base !== undefined) used.add(base);
      else if (this.#variables.has(name)) variables.add(name);
      else if (this.#measures.has(name) || labels.has(name) || name.startsWith('$') || name.startsWith('=')) return;
      else if (this.#complete) missing.add(name);
      else used.add(name);
    };
    const read = (expression: string): void => {
      const found = referencesOf(expression);
      for (const name of found.names) add(name);
      for (const name of found.variables) if (this.#variables.has(name)) variables.add(name);
      unresolved ||= found.unknown;
    };
    for (const definition of dimensions) {
      const field = this.#field(definition);
      if (field === undefined) read(definition);
      else add(field);
    }
    for (const expression of expressions) read(expression);
    return present({
      usedFields: [...used].slice(0, MOST_NAMES),
      missingFields: [...missing].slice(0, MOST_NAMES),
      usedVariables: [...variables].slice(0, MOST_NAMES),
      unresolved: unresolved || undefined,
    });
  }

  /** Ids of the master measures that an expression names by their labels, as it may outside of aggregations. */
  measuresIn(expression: string): readonly string[] {
    if (this.#measures.size === 0 || !this.#complete) return [];
    const ids = [...referencesOf(expression).outside].flatMap((name) => {
      const id = this.#known(name) === undefined ? this.#measures.get(name) : undefined;
      return id === undefined ? [] : [id];
    });
    return [...new Set(ids)];
  }

  /** The field that a name stands for: itself, or the one that it is derived from (`Date.autoCalendar.Year`). */
  #known(name: string): string | undefined {
    if (this.#fields === undefined) return undefined;
    if (this.#fields.has(name)) return name;
    for (let dot = name.lastIndexOf('.'), tries = 0; dot > 0 && tries < 20; tries++) {
      const base = name.slice(0, dot);
      if (this.#fields.has(base)) return base;
      dot = name.lastIndexOf('.', dot - 1);
    }
    return undefined;
  }

  /** The name of the field that a dimension is; undefined when it is an expression. */
  #field(definition: string): string | undefined {
    if (this.#fields?.has(definition) === true) return definition;
    const [, brackets, quotes, ticks] = QUOTED.exec(definition) ?? [];
    const quoted = brackets?.replaceAll(']]', ']') ?? quotes?.replaceAll('""', '"') ?? ticks;
    if (quoted !== undefined) return quoted.startsWith('=') || quoted.includes('$(') ? undefined : quoted;
    return PLAIN.exec(definition)?.[1];
  }
}
