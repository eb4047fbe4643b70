import { type KnownNames, type Part, resolve, type UsedField } from '#agent/lineage/expression/app-names.ts';
import type { AppContent } from './app-content.ts';
import { type JsonObject, present } from './attributes.ts';
import { titleOf } from './meta.ts';
import { textAt, treeAt } from './properties.ts';

const LISTS_PART = 'master items, variables and bookmarks';
const MOST_NAMES = 100;
/** Both of a text without blanks at its ends: blanks that two parts of a pattern may share are shared in all ways. */
const QUOTED = /^(?:=\s*)?(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|`([^`]*)`)$/;
const PLAIN = /^(?:=\s*)?([\p{L}_%#@$][\p{L}\p{M}\p{N}_%#@$.]*)$/u;

/** What expressions of one thing name. */
export interface Named {
  /**
   * Attributes: `usedFields`, `missingFields` (names that the app has in no form), `usedVariables`, and `unresolved` when
   * a part is known only to the engine.
   */
  readonly facts: JsonObject;
  /** Fields that the last reload left, with what they are used for. */
  readonly fields: readonly UsedField[];
  /** Ids of the master measures that are named by their labels. */
  readonly measures: readonly string[];
}

/**
 * The names that expressions of an app may use: its fields, the labels of its measures, its variables. Says which fields
 * an expression uses, and which names are none of them: only when all three were read, since else nobody can tell.
 */
export class FieldNames {
  readonly #known: KnownNames;
  /** Those that are assets. */
  readonly #own: ReadonlySet<string>;

  constructor({ model, lists, gaps }: Pick<AppContent, 'model' | 'lists' | 'gaps'>) {
    const fields = model.available ? new Set(model.fields.map(({ name }) => name)) : undefined;
    this.#own = new Set(
      model.available ? model.fields.filter((field) => !field.is_system).map(({ name }) => name) : [],
    );
    const measures = new Map<string, { id: string; expression: string }>();
    for (const entry of lists.measures) {
      const measure = treeAt(entry.qData, 'measure');
      const named = { id: entry.qInfo.qId, expression: textAt(measure, 'qDef') };
      for (const name of [textAt(measure, 'qLabel'), titleOf(entry)]) if (name !== '') measures.set(name, named);
    }
    this.#known = {
      fields,
      variables: new Map(lists.variables.map(({ qName, qDefinition }) => [qName, qDefinition ?? ''])),
      measures,
      readBefore: new Map(),
      complete: fields !== undefined && !gaps.missing.some(({ what }) => what === LISTS_PART),
    };
  }

  /** Whether a definition of a dimension is more than the name of a field. */
  calculated(definition: string): boolean {
    return definition.trim() !== '' && this.#field(definition) === undefined;
  }

  /** The definition of a dimension as an expression: it may be the name of a field as it is, with blanks in it. */
  dimension(definition: string): Part {
    const field = this.#field(definition);
    return { text: field === undefined ? definition : `[${field.replaceAll(']', ']]')}]`, role: 'dimension' };
  }

  /** @param columns expressions of the same chart by the names of its columns */
  of(parts: readonly Part[], columns?: ReadonlyMap<string, string>): Named {
    const { fields, missing, unsure, variables, measures, unresolved } = resolve(
      parts.filter(({ text }) => text !== ''),
      this.#known,
      columns,
    );
    const facts = present({
      usedFields: [...fields.map(({ name }) => name), ...unsure].slice(0, MOST_NAMES),
      missingFields: missing.slice(0, MOST_NAMES),
      usedVariables: variables.slice(0, MOST_NAMES),
      unresolved: unresolved || undefined,
    });
    return {
      facts,
      fields: fields.filter(({ name }) => this.#own.has(name)),
      measures: this.#known.complete ? measures : [],
    };
  }

  /** The name of the field that a dimension is; undefined when it is an expression. */
  #field(definition: string): string | undefined {
    if (this.#known.fields?.has(definition) === true) return definition;
    const text = definition.trim();
    const [, brackets, quotes, ticks] = QUOTED.exec(text) ?? [];
    const quoted = brackets?.replaceAll(']]', ']') ?? quotes?.replaceAll('""', '"') ?? ticks;
    if (quoted !== undefined) return quoted.startsWith('=') || quoted.includes('$(') ? undefined : quoted;
    return PLAIN.exec(text)?.[1];
  }
}
