/**
 * What a variable or an expression can be known to be. A `text` may be a template: it then holds holes, which stand in it
 * as `$(name)` with the version of the variable that was meant behind a mark, so that two holes of one name are never
 * taken for one. One of `alternatives` holds, which of them is not known; `unknown` says why.
 */
export type Value =
  /** `shown`: the text is the number of a date or a month, and how it is shown is another matter; `isNull`: it is no text. */
  | { readonly type: 'text'; readonly text: string; readonly shown?: Shown; readonly isNull?: true }
  | { readonly type: 'alternatives'; readonly options: readonly Option[] }
  /** `dual`: its number is known, and only how it is shown is not. */
  | { readonly type: 'unknown'; readonly reason: string; readonly dual?: Value };

/** How a number is shown: as the app's formats say, or as the text that it was read from. */
export type Shown = 'date' | 'month' | { readonly as: string };

/** One of several values, and the choices that lead to it. */
export interface Option {
  readonly text: string;
  readonly world: World;
}

/** Which arm of which open choice: two texts of different arms of one choice never meet. */
export type World = ReadonlyMap<number, number>;

export const NOWHERE: World = new Map();
/** More alternatives than these are no knowledge any more. */
export const MOST_ALTERNATIVES = 8;
/** A text that grows beyond this in a loop says nothing to anybody. */
const MOST_TEXT = 200_000;

/** Of the private use area: no script has it. */
const MARK = '\ue0f0';
/** Stands for `*` in what FILELIST and DIRLIST give: a name that nobody knows, of which functions tell nothing. */
const ANY = '\ue0f1';
const MARKS = new RegExp(`${MARK}\\d+`, 'g');
const VERSION = /\d+\)/y;

/** A text of somebody else's, in which nothing is taken for a mark of ours. */
export const unmarked = (content: string): string => content.replace(/[\ue0f0\ue0f1]/g, '\ufffd');

/** The hole of a variable that was never set, and nothing else. */
const UNSET = new RegExp(`^\\s*\\$\\([^${MARK}]*${MARK}0\\)\\s*$`);

export const text = (content: string): Value =>
  content.length > MOST_TEXT ? unknown('too-long') : { type: 'text', text: content };

/** What is certainly NULL, which anything but IsNull takes as an empty text. */
export const NULL: Value = { type: 'text', text: '', isNull: true };

export const unknown = (reason: string): Value => ({ type: 'unknown', reason });

/**
 * Equal options become one; a single one is plain text, too many are unknown. A variable that the script gives a value
 * where it has none is meant to have that value: the hole of the other arm goes.
 */
export const alternatives = (options: readonly Option[]): Value => {
  const distinct = new Map<string, Option>();
  const whole = options.some((option) => !hasHoles(option.text) && option.text !== '');
  for (const option of options) {
    if (whole && UNSET.test(option.text)) continue;
    const key = `${[...option.world].map(([choice, arm]) => `${choice}:${arm}`).join(',')}|${option.text}`;
    if (!distinct.has(key)) distinct.set(key, option);
  }
  const [first] = distinct.values();
  if (first === undefined) return unknown('nothing');
  if ([...distinct.values()].every((option) => option.text === first.text)) return text(first.text);
  return distinct.size > MOST_ALTERNATIVES
    ? unknown('alternatives')
    : { type: 'alternatives', options: [...distinct.values()] };
};

/** What stands in a text for a variable that nobody knows. `version`: how often it was set before. */
export const hole = (name: string, version: number): string => `$(${name.replace(MARKS, '')}${MARK}${version})`;

export const hasHoles = (content: string): boolean => content.includes(MARK);

/** Whether it depends on what only a reload knows: holes, or names of files behind a pattern. */
export const isUncertain = (content: string): boolean => hasHoles(content) || content.includes(ANY);

/** A pattern of files as the value of a loop over them. */
export const asPattern = (content: string): string => content.replaceAll('*', ANY);

/** As people read it: `$(vPath)`. */
export const withoutMarks = (content: string): string =>
  isUncertain(content) ? content.replace(MARKS, '').replaceAll(ANY, '*') : content;

interface Hole {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly version: string;
}

/** From mark to mark: a text may be full of `$(` that nothing closes. */
const holes = (content: string): readonly Hole[] => {
  const found: Hole[] = [];
  let from = 0;
  for (let mark = content.indexOf(MARK); mark !== -1; mark = content.indexOf(MARK, mark + 1)) {
    const start = content.indexOf('$(', from);
    if (start === -1) break;
    from = mark + 1;
    if (start > mark) continue;
    VERSION.lastIndex = mark + 1;
    const version = VERSION.exec(content)?.[0];
    if (version === undefined) continue;
    from = mark + 1 + version.length;
    found.push({ start, end: from, name: content.slice(start + 2, mark), version: version.slice(0, -1) });
  }
  return found;
};

/** `vPath@2` for each hole, in order, each once. */
export const holesIn = (content: string): readonly string[] =>
  hasHoles(content) ? [...new Set(holes(content).map(({ name, version }) => `${name}@${version}`))] : [];

/** What of a template is certain: before, between and behind its holes. */
const certain = (content: string): readonly string[] => {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end } of holes(content)) {
    pieces.push(content.slice(at, start));
    at = end;
  }
  return [...pieces, content.slice(at)];
};

/** A template without its holes. */
export const withoutHoles = (content: string): string => certain(content).join('');

/** Whether a template, whose holes may stand for anything, can have come out as `name`. */
export const canBe = (template: string, name: string): boolean => {
  const pieces = certain(template).flatMap((piece) => piece.split(ANY));
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  if (pieces.length === 1) return first === name;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const inner = name.slice(first.length, name.length - last.length);
  let at = 0;
  for (const piece of pieces.slice(1, -1)) {
    const found = inner.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return true;
};

/** The length of a hole that begins at `at`, or 0. */
export const holeAt = (content: string, at: number): number => {
  if (!content.startsWith('$(', at)) return 0;
  const mark = content.indexOf(MARK, at);
  if (mark === -1) return 0;
  VERSION.lastIndex = mark + 1;
  const version = VERSION.exec(content)?.[0].length ?? 0;
  if (version === 0) return 0;
  let depth = 0;
  for (let i = at + 2; i < mark; i++) {
    const code = content.charCodeAt(i);
    if (code === 40) depth += 1;
    else if (code === 41 && --depth < 0) return 0;
  }
  return mark + 1 + version - at;
};

/** Both, or undefined where they contradict each other. */
export const joinWorlds = (one: World, other: World): World | undefined => {
  if (one.size === 0) return other;
  if (other.size === 0) return one;
  const joined = new Map(one);
  for (const [choice, arm] of other) {
    const known = joined.get(choice);
    if (known !== undefined && known !== arm) return undefined;
    joined.set(choice, arm);
  }
  return joined;
};
