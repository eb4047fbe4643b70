import { matches } from '../interpreter/functions.ts';
import type { Surroundings } from '../result.ts';

type Variables = NonNullable<Surroundings['variables']>;

/** A variable of an app after its last reload. */
export interface EngineVariable {
  readonly qName: string;
  readonly qDefinition?: string | undefined;
  readonly qIsScriptCreated?: boolean | undefined;
}

const MOST_VARIABLES = 5_000;
const MOST_VALUE = 4_000;

/**
 * Values of variables that a script does not set itself, whoever knows them best: the administrator, then the log of the
 * last reload, then the engine. What people made in the app and formulas are no values that a script had.
 */
export const surroundingVariables = ({
  mapping,
  log,
  engine = [],
}: {
  readonly mapping?: Variables | undefined;
  /** As the statements of the log left them. */
  readonly log?: ReadonlyMap<string, string> | undefined;
  readonly engine?: readonly EngineVariable[] | undefined;
}): Variables => {
  const found = new Map<string, { readonly value: string; readonly from: 'log' | 'engine' | 'mapping' }>();
  for (const { qName, qDefinition = '', qIsScriptCreated } of engine)
    if (qIsScriptCreated !== false && !qDefinition.trimStart().startsWith('=') && fits(qDefinition, found.size))
      found.set(qName, { value: qDefinition, from: 'engine' });
  for (const [name, value] of log ?? []) if (fits(value, found.size)) found.set(name, { value, from: 'log' });
  for (const [name, value] of mapping ?? []) found.set(name, value);
  return found;
};

const fits = (value: string, count: number): boolean => value.length <= MOST_VALUE && count < MOST_VARIABLES;

/**
 * Names of the known files that a pattern with `*` and `?` fits, spelled as the pattern spells their folder; undefined when
 * none is known: that says nothing. `place` gives one text for each file, however it is spelled.
 */
export const filesMatching = (
  pattern: string,
  known: Iterable<string>,
  place: (path: string) => string | undefined,
): readonly string[] | undefined => {
  const cut = Math.max(pattern.lastIndexOf('/'), pattern.lastIndexOf('\\')) + 1;
  const folder = pattern.slice(0, cut);
  const name = pattern.slice(cut);
  const home = /[*?]/.test(folder) ? undefined : place(`${folder}x`)?.replace(/x$/i, '');
  if (home === undefined || name === '') return undefined;
  const found = new Set<string>();
  for (const path of known) {
    const own = path.split(/[\\/]/).at(-1) ?? '';
    if (matches(own, name) && place(path) === place(`${folder}${own}`)) found.add(`${folder}${own}`);
  }
  return found.size === 0 ? undefined : [...found].sort();
};
