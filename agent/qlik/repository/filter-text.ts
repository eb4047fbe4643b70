import type { Condition, Test } from '#config/filter/condition.ts';
import type { Filter } from '#config/filter/filter.ts';
import { filterKey } from '#config/filter/keys.ts';

/** What to ask the repository for: all rows, none, or those that a filter of its own lets through. */
export type PushedDown =
  | { readonly type: 'all' }
  | { readonly type: 'none' }
  | { readonly type: 'some'; readonly filter: string };

/** Longer filters make addresses that servers on the way cut or refuse; then more rows come, and are judged here. */
const MOST_CHARS = 1_500;

const ALL: PushedDown = { type: 'all' };
const NONE: PushedDown = { type: 'none' };

/** Where QRS has what a filter asks for, in rows of apps. */
const PATHS: Readonly<Record<string, string>> = {
  app: 'name',
  app_id: 'id',
  description: 'description',
  stream: 'stream.name',
  stream_id: 'stream.id',
  owner_id: 'owner.userId',
  owner_directory: 'owner.userDirectory',
  owner_name: 'owner.name',
  tags: 'tags.name',
  published: 'published',
};
/** What rows of objects say of their app, below `app`. */
const OF_OBJECTS: ReadonlySet<string> = new Set(['app', 'app_id', 'stream', 'stream_id', 'published']);
const IDS: ReadonlySet<string> = new Set(['app_id', 'stream_id']);
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Texts that the repository surely compares as a filter does. It has its own idea of the case of other letters; a backslash
 * may quote what follows it; a text that looks like a date may be compared as one.
 */
const comparable = (text: string): boolean => /^[ -[\]-~]+$/.test(text) && !/^\d{4}-\d\d-\d\d/.test(text);

const compared = (path: string, operator: 'eq' | 'sw' | 'ew' | 'so', text: string): PushedDown =>
  comparable(text) ? { type: 'some', filter: `${path} ${operator} '${text.replaceAll("'", "''")}'` } : ALL;

const joined = (word: 'and' | 'or', parts: readonly PushedDown[]): PushedDown => {
  const [dull, decisive] = word === 'and' ? (['all', 'none'] as const) : (['none', 'all'] as const);
  if (parts.some(({ type }) => type === decisive)) return decisive === 'all' ? ALL : NONE;
  const said = [...new Set(parts.flatMap((part) => (part.type === 'some' ? [part.filter] : [])))];
  if (said.length === 0) return dull === 'all' ? ALL : NONE;
  if (said.length === 1) return { type: 'some', filter: said[0] ?? '' };
  // Of an `and` as much as fits is still true of what is wanted; an `or` is all or nothing.
  const kept: string[] = [];
  let chars = 2;
  for (const filter of said) {
    chars += filter.length + 5;
    if (chars <= MOST_CHARS) kept.push(filter);
    else if (word === 'or') return ALL;
  }
  if (kept.length === 0) return ALL;
  return { type: 'some', filter: kept.length === 1 ? (kept[0] ?? '') : `(${kept.join(` ${word} `)})` };
};

const ofPattern = (path: string, test: Test & { readonly how: 'pattern' }): PushedDown => {
  const { glob } = test.pattern;
  if (glob === undefined || glob.length === 0) return ALL;
  const [first] = glob;
  if (glob.length === 1 && typeof first === 'string') return compared(path, 'eq', first);
  return joined(
    'and',
    glob.flatMap((part, i) =>
      typeof part === 'string' ? [compared(path, i === 0 ? 'sw' : i === glob.length - 1 ? 'ew' : 'so', part)] : [],
    ),
  );
};

const ofFlag = (path: string, test: Test, positive: boolean): PushedDown => {
  const [yes, no] = ['true', 'false'].map((text) =>
    test.how === 'pattern'
      ? test.pattern.matches(text)
      : test.how === 'equals' && (test.fold ? test.value.toLowerCase() : test.value) === text,
  );
  if (test.how !== 'pattern' && test.how !== 'equals') return ALL;
  const wanted = [yes === positive ? ['true'] : [], no === positive ? ['false'] : []].flat();
  if (wanted.length === 0) return NONE;
  return wanted.length === 2 ? ALL : { type: 'some', filter: `${path} eq ${wanted[0] ?? ''}` };
};

const ofTest = (
  { key, test, open }: Condition & { readonly type: 'test' },
  prefix: string,
  positive: boolean,
): PushedDown => {
  const own = PATHS[key];
  if (own === undefined || (prefix !== '' && !OF_OBJECTS.has(key))) return ALL;
  const path = `${prefix}${own}`;
  if (key === 'published') return ofFlag(path, test, positive);
  // What the repository says of rows that lack a value is not known well enough to ask for the contrary of something.
  if (!positive || test.how === 'null' || open === true) return ALL;
  if (test.how === 'pattern' && !IDS.has(key)) return ofPattern(path, test);
  if (IDS.has(key)) {
    const [literal, ...more] = test.how === 'pattern' ? (test.pattern.glob ?? []) : [test.value];
    const whole = test.how === 'pattern' || test.how === 'equals';
    if (!whole || typeof literal !== 'string' || more.length > 0) return ALL;
    // Ids of the repository are GUIDs, every one of them: what is no GUID is nothing's id, and may be a name.
    return GUID.test(literal) ? { type: 'some', filter: `${path} eq ${literal}` } : NONE;
  }
  if (test.how === 'pattern') return ALL;
  const operators = { equals: 'eq', startsWith: 'sw', endsWith: 'ew', contains: 'so' } as const;
  return compared(path, operators[test.how], test.value);
};

const wordOf = (type: 'and' | 'or', positive: boolean): 'and' | 'or' => ((type === 'and') === positive ? 'and' : 'or');

/** All parts that one word joins, whatever brackets stand between them; each with whether it or its contrary is meant. */
function* partsOf(
  condition: Condition,
  positive: boolean,
  word: 'and' | 'or',
): Generator<readonly [Condition, boolean]> {
  if (condition.type === 'not') yield* partsOf(condition.of, !positive, word);
  else if ((condition.type === 'and' || condition.type === 'or') && wordOf(condition.type, positive) === word)
    for (const part of condition.of) yield* partsOf(part, positive, word);
  else yield [condition, positive];
}

/** What every row fulfils that may fulfil the condition, or with `positive` false its contrary. */
const pushed = (condition: Condition, prefix: string, positive: boolean): PushedDown => {
  switch (condition.type) {
    case 'always':
      return positive ? ALL : NONE;
    case 'never':
      return positive ? NONE : ALL;
    case 'not':
      return pushed(condition.of, prefix, !positive);
    case 'and':
    case 'or': {
      const word = wordOf(condition.type, positive);
      return joined(
        word,
        [...partsOf(condition, positive, word)].map(([part, meant]) => pushed(part, prefix, meant)),
      );
    }
    case 'test':
      return ofTest(condition, prefix, positive);
    case 'each': {
      const { of, quantifier, name, list } = condition;
      const names = filterKey(list)?.names[0];
      return positive && quantifier === 'any' && of.type === 'test' && of.key === name && names === 'tags'
        ? ofTest({ ...of, key: 'tags' }, prefix, true)
        : ALL;
    }
    default:
      return condition satisfies never;
  }
};

/**
 * A filter in the grammar of QRS, as much of it as can be said there: rows that do not pass it are not kept, rows that pass
 * it may still be rejected and have to be judged. `app`: for rows of apps; `sheet`: for rows of their objects.
 */
export const toQrs = (filter: Filter, kind: 'app' | 'sheet'): PushedDown => {
  const result = pushed(filter.wanted, kind === 'app' ? '' : 'app.', true);
  return result.type === 'some' && result.filter.length > MOST_CHARS ? ALL : result;
};
