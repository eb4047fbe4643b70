import { folded } from './fold.ts';
import { compileRegex, PatternError, type RegexOptions } from './regex.ts';

/** A part of a pattern with wildcards. */
export type GlobPart = string | { readonly wild: 'any' | 'one' };

/** What a whole text is matched with, in a time that grows with its length alone. */
export interface Pattern {
  /** Patterns with one identity match alike. */
  readonly identity: string;
  /** True: case does not count. */
  readonly fold: boolean;
  /** Literals and wildcards; undefined for a regular expression. */
  readonly glob: readonly GlobPart[] | undefined;
  /** What it takes at most for each character of a text, in steps of a regular expression. */
  readonly cost: number;
  matches(text: string): boolean;
}

/** So many comparisons of characters take as long as one step of a regular expression. */
const COMPARISONS_A_STEP = 32;

/** The longest pattern, in characters: of a name, with wildcards, or of a regular expression. */
export const PATTERN_CHARS = 500;

const checkLength = (text: string): void => {
  if (text.length > PATTERN_CHARS)
    throw new PatternError(
      `The pattern has ${text.length} characters, more than ${PATTERN_CHARS}.`,
      'Write several shorter ones.',
    );
};

/** Parts of a pattern with `*` for any text and `?` for any character; with `escapes` `\*`, `\?` and `\\` stand for themselves. */
const globParts = (text: string, escapes: boolean): readonly GlobPart[] => {
  const parts: GlobPart[] = [];
  let literal = '';
  const end = (): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
  };
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i] ?? '';
    const next = text[i + 1] ?? '';
    if (escapes && c === '\\' && '*?\\'.includes(next) && next !== '') {
      literal += next;
      i += 1;
    } else if (c === '*' || c === '?') {
      end();
      const wild = { wild: c === '*' ? 'any' : 'one' } as const;
      const last = parts.at(-1);
      if (!(wild.wild === 'any' && typeof last === 'object' && last.wild === 'any')) parts.push(wild);
    } else literal += c;
  }
  end();
  return parts;
};

/** One step of a pattern: a character, any one, or any text. */
type Step = string | 'one' | 'any';

/**
 * Whether steps match a whole text. After a mismatch only the last `*` takes one more character: so the time is at most
 * the product of both lengths, and a pattern is short.
 */
const matchesSteps = (steps: readonly Step[], text: string): boolean => {
  const characters = [...text];
  let at = 0;
  let step = 0;
  let star = -1;
  let from = 0;
  while (at < characters.length) {
    const wanted = steps[step];
    if (wanted === 'any') {
      star = step;
      step += 1;
      from = at;
    } else if (wanted === 'one' || (wanted !== undefined && wanted.slice(1) === characters[at])) {
      step += 1;
      at += 1;
    } else if (star >= 0) {
      from += 1;
      at = from;
      step = star + 1;
    } else return false;
  }
  while (steps[step] === 'any') step += 1;
  return step === steps.length;
};

/** A pattern with wildcards for a whole text. Throws {@link PatternError}. */
export const globPattern = (text: string, fold: boolean, escapes = true): Pattern => {
  checkLength(text);
  const glob = globParts(text, escapes);
  const identity = `glob ${fold} ${escapes} ${text}`;
  const normal = fold ? folded : (plain: string): string => plain;
  // A character has a mark before it, so that it is not taken for a wildcard.
  const steps = glob.flatMap<Step>((part) =>
    typeof part === 'string' ? [...normal(part)].map((c) => `=${c}`) : [part.wild],
  );
  const [only] = glob;
  if (glob.length === 0 || (glob.length === 1 && typeof only === 'string')) {
    const whole = normal(typeof only === 'string' ? only : '');
    return { identity, fold, glob, cost: 0, matches: (given) => normal(given) === whole };
  }
  const cost = steps.length / COMPARISONS_A_STEP;
  return { identity, fold, glob, cost, matches: (given) => matchesSteps(steps, normal(given)) };
};

/**
 * A pattern for names and ids, as a list of streams or apps has it: without case; `*` and `?` stand for any text and any
 * character; behind `regex:` stands a regular expression for the whole name. Throws {@link PatternError}.
 */
export const namePattern = (text: string): Pattern => {
  const regex = /^regex:/i.exec(text);
  return regex === null
    ? globPattern(text, true)
    : regexPattern(text.slice(6).trim(), { fold: true, dialect: 'plain' });
};

/** A text, exactly. Throws {@link PatternError}. */
export const exactPattern = (text: string, fold: boolean): Pattern => {
  checkLength(text);
  const normal = fold ? folded : (plain: string): string => plain;
  const whole = normal(text);
  return {
    identity: `exact ${fold} ${text}`,
    fold,
    glob: text === '' ? [] : [text],
    cost: 0,
    matches: (given) => normal(given) === whole,
  };
};

/** A regular expression for a whole text. Throws {@link PatternError}. */
export const regexPattern = (text: string, options: RegexOptions): Pattern => {
  checkLength(text);
  if (text === '')
    throw new PatternError(
      'The regular expression is empty: no name would match it.',
      'Write it behind regex:, or leave the pattern out.',
    );
  const { steps: cost, matches } = compileRegex(text, options);
  return { identity: `regex ${JSON.stringify(options)} ${text}`, fold: options.fold, glob: undefined, cost, matches };
};
