import type { Condition, Test } from './condition.ts';
import { type DecisionList, ruleText } from './decision.ts';
import { EXPRESSION_CHARS, ExpressionError, type Token, tokensOf } from './expression-lexer.ts';
import { filterKey, KNOWN_KEYS } from './keys.ts';
import { globPattern, type Pattern, regexPattern } from './pattern.ts';
import { PatternError } from './regex.ts';

/** Deeper or larger is nothing that a person writes. */
const MOST_DEPTH = 100;
const MOST_TESTS = 2_000;

const WORDS = new Set(
  'and or not always never all any in match starts ends with contains is null matches equals'.split(' '),
);
const COMPARISONS = "=, !=, in ('…', '…'), starts with, ends with, contains, is null, ~ or matches";
const BOOLEANS: ReadonlySet<string> = new Set(['published', 'sheet_published', 'sheet_approved']);

/** Reads an expression from its tokens, by recursive descent. */
class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #tests = 0;
  /** Names that stand for members of lists, the innermost last. */
  readonly #names: string[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Condition {
    if (this.#peek().type === 'end') return { type: 'always' };
    const condition = this.#either(0);
    const rest = this.#peek();
    if (rest.type === 'end') return condition;
    if (rest.type === 'sign' && rest.value === ')')
      throw new ExpressionError(rest.at, 'This ) closes nothing.', 'Take it out, or open it with ( before.');
    throw new ExpressionError(
      rest.at,
      `Nothing more was expected before ${shown(rest)}.`,
      this.#other(rest) ?? 'Join comparisons by and, or.',
    );
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  /** Takes the next token when it is one of these words or signs. */
  #took(...values: readonly string[]): boolean {
    const token = this.#peek();
    if ((token.type !== 'word' && token.type !== 'sign') || !values.includes(token.value)) return false;
    this.#next += 1;
    return true;
  }

  #expect(value: string, advice: string): void {
    if (this.#took(value)) return;
    const token = this.#peek();
    throw new ExpressionError(token.at, `${value} is missing before ${shown(token)}.`, this.#other(token) ?? advice);
  }

  /** Words are spelt in small letters; a word that only looks different is named. */
  #other(token: Token): string | undefined {
    if (token.type !== 'word' || WORDS.has(token.value) || !WORDS.has(token.value.toLowerCase())) return undefined;
    return `Write ${token.value.toLowerCase()} in small letters.`;
  }

  #deeper(depth: number): number {
    if (depth < MOST_DEPTH) return depth + 1;
    throw new ExpressionError(this.#peek().at, 'The expression is nested too deeply.', 'Take brackets out.');
  }

  #either(depth: number): Condition {
    const of = [this.#both(depth)];
    while (this.#took('or', '||')) of.push(this.#both(depth));
    return of.length === 1 ? (of[0] as Condition) : { type: 'or', of };
  }

  #both(depth: number): Condition {
    const of = [this.#negated(depth)];
    while (this.#took('and', '&&')) of.push(this.#negated(depth));
    return of.length === 1 ? (of[0] as Condition) : { type: 'and', of };
  }

  #negated(depth: number): Condition {
    let negative = false;
    while (this.#took('not', '!')) negative = !negative;
    const atom = this.#atom(this.#deeper(depth));
    return negative ? { type: 'not', of: atom } : atom;
  }

  #atom(depth: number): Condition {
    if (this.#took('(')) {
      const inner = this.#either(depth);
      this.#expect(')', 'Close the bracket with ).');
      return inner;
    }
    const token = this.#take();
    if (token.type !== 'word')
      throw new ExpressionError(
        token.at,
        `A key is missing before ${shown(token)}.`,
        `Write a comparison such as stream = 'Sales'. Keys: ${KNOWN_KEYS}.`,
      );
    if (token.value === 'always' || token.value === 'never') return { type: token.value };
    const [next, second] = [this.#peek(), this.#peek(1)];
    if ((token.value === 'all' || token.value === 'any') && next.type === 'word' && isWord(second, 'in'))
      return this.#each(token.value, depth);
    return this.#comparison(token);
  }

  #each(quantifier: 'all' | 'any', depth: number): Condition {
    const name = (this.#take() as Token & { readonly type: 'word' }).value;
    this.#expect('in', `Write ${quantifier} t in tags match t = 'finance'.`);
    const list = this.#take();
    const key = list.type === 'word' ? filterKey(list.value) : undefined;
    if (list.type !== 'word' || key?.list !== true)
      throw new ExpressionError(
        list.at,
        `${shown(list)} is no list.`,
        `Lists are tags and custom_properties: ${quantifier} t in tags match t = 'finance'.`,
      );
    this.#expect('match', `Write ${quantifier} ${name} in ${list.value} match ${name} = '…'.`);
    this.#names.push(name);
    const of = this.#atom(this.#deeper(depth));
    this.#names.pop();
    return { type: 'each', quantifier, name, list: key.names[0] ?? list.value, of };
  }

  /** The key as conditions call it. */
  #key(token: Token & { readonly type: 'word' }): { readonly key: string; readonly list: boolean } {
    if (this.#names.includes(token.value)) return { key: token.value, list: false };
    const key = token.value.startsWith('$') ? undefined : filterKey(token.value);
    if (key !== undefined) return { key: key.names[0] ?? token.value, list: key.list === true };
    throw new ExpressionError(
      token.at,
      `${shown(token)} is not a key of filters.`,
      this.#other(token) ?? `Keys: ${KNOWN_KEYS}.`,
    );
  }

  #comparison(token: Token & { readonly type: 'word' }): Condition {
    const { key, list } = this.#key(token);
    this.#tests += 1;
    if (this.#tests > MOST_TESTS)
      throw new ExpressionError(token.at, `The expression has more than ${MOST_TESTS} comparisons.`, 'Use patterns.');
    const at = this.#peek().at;
    if (this.#took('is')) {
      const negative = this.#took('not');
      this.#expect('null', `Write ${token.value} is null, or ${token.value} is not null.`);
      return negated({ type: 'test', key, test: { how: 'null' } }, negative);
    }
    if (list)
      throw new ExpressionError(
        token.at,
        `${token.value} is a list.`,
        `Write any t in ${token.value} match t = '…', or all t in ${token.value} match ….`,
      );
    if (this.#took('!=')) return negated(this.#equals(key), true);
    const negative = this.#took('not');
    const found = this.#operator(key);
    if (found !== undefined) return negated(found, negative);
    const odd = this.#peek();
    throw new ExpressionError(
      odd.type === 'end' ? at : odd.at,
      `A comparison is missing after ${token.value}${negative ? ' not' : ''}.`,
      this.#other(odd) ?? `Write ${BOOLEANS.has(key) ? `${token.value} = 'true'` : COMPARISONS}.`,
    );
  }

  #operator(key: string): Condition | undefined {
    if (this.#took('=', 'equals')) return this.#equals(key);
    if (this.#took('in')) {
      this.#expect('(', "Write in ('one', 'other').");
      const of = [this.#equals(key)];
      while (this.#took(',')) of.push(this.#equals(key));
      this.#expect(')', "Write in ('one', 'other').");
      return { type: 'or', of };
    }
    if (this.#took('starts')) {
      this.#expect('with', "Write starts with '…'.");
      return this.#texts(key, 'startsWith');
    }
    if (this.#took('ends')) {
      this.#expect('with', "Write ends with '…'.");
      return this.#texts(key, 'endsWith');
    }
    if (this.#took('contains')) return this.#texts(key, 'contains');
    if (this.#took('~', 'matches')) return { type: 'test', key, test: { how: 'pattern', pattern: this.#pattern() } };
    return undefined;
  }

  #texts(key: string, how: 'equals' | 'startsWith' | 'endsWith' | 'contains'): Condition {
    const test: Test = { how, value: this.#text().value, fold: false };
    return { type: 'test', key, test };
  }

  #equals(key: string): Condition {
    const { at } = this.#peek();
    const condition = this.#texts(key, 'equals');
    const { test } = condition as Condition & { readonly type: 'test' };
    if (BOOLEANS.has(key) && test.how === 'equals' && test.value !== 'true' && test.value !== 'false')
      throw new ExpressionError(at, `${key} is true or false.`, `Write ${key} = 'true' or ${key} = 'false'.`);
    return condition;
  }

  #text(): { readonly value: string } {
    const token = this.#take();
    if (token.type === 'text') return token;
    if (token.type === 'word' && (token.value === 'true' || token.value === 'false')) return token;
    throw new ExpressionError(
      token.at,
      `A text is missing before ${shown(token)}.`,
      token.type === 'regex'
        ? 'A regular expression stands after ~ or matches.'
        : `Put it in single quotes${token.type === 'word' ? `: '${token.value}'` : ''}.`,
    );
  }

  #pattern(): Pattern {
    const token = this.#peek();
    try {
      if (token.type !== 'regex') {
        const { value } = this.#text();
        if (/^(?:regex|glob):/i.test(value))
          throw new PatternError(
            `In an expression ${value.slice(0, value.indexOf(':') + 1)} has no meaning: names that begin with it would be looked for.`,
            'Write a regular expression between slashes, /Sales.*/, and a pattern with * and ? as it is.',
          );
        return globPattern(value, false);
      }
      this.#next += 1;
      return regexPattern(...javaRegex(token.value, token.flags));
    } catch (error) {
      if (error instanceof PatternError) throw new ExpressionError(token.at, error.message, error.advice);
      throw error;
    }
  }
}

/** Flags of Java's regular expressions as what they are here. */
const javaRegex = (text: string, flags: string): Parameters<typeof regexPattern> => {
  const odd = /[^dixmsuU]/.exec(flags)?.[0];
  if (odd !== undefined) throw new PatternError(`There is no flag ${odd}.`, 'Flags are i, m, s, x, d, u and U.');
  if (flags.includes('U') && /\\[wWdDsSbB]|\[:/.test(text))
    throw new PatternError(
      'The flag U, for which \\w, \\d, \\s and \\b take in letters of all languages, cannot be run here.',
      'Write \\p{L} for letters and \\p{Nd} for digits, without U.',
    );
  return [
    flags.includes('x') ? uncommented(text) : text,
    { fold: flags.includes('i'), dialect: 'java', dotAll: flags.includes('s'), multiline: flags.includes('m') },
  ];
};

/** What the flag x leaves of an expression: blanks and comments count only after a backslash. */
const uncommented = (text: string): string => text.replaceAll(/(\\[\s\S])|\s+|#[^\n]*/g, '$1');

const negated = (condition: Condition, negative: boolean): Condition =>
  negative ? { type: 'not', of: condition } : condition;

const isWord = (token: Token, value: string): boolean => token.type === 'word' && token.value === value;

const shown = (token: Token): string => {
  if (token.type === 'end') return 'the end';
  const text = token.type === 'text' ? `'${token.value}'` : token.type === 'regex' ? `/${token.value}/` : token.value;
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
};

/**
 * Reads an expression of Zeenea's filter grammar, with what its other connectors accept besides: `not contains`,
 * `not starts with`, `equals`. An empty one is `always`.
 *
 * @throws ExpressionError with the offset of what is wrong, and what to write instead
 */
export const parseExpression = (text: string): Condition => {
  if (text.length > EXPRESSION_CHARS)
    throw new ExpressionError(0, `The expression is longer than ${EXPRESSION_CHARS} characters.`, 'Use patterns.');
  return new Parser(tokensOf(text)).whole();
};

/** An expression as a list of rules: what it holds for is kept, everything else is not. None for an empty one. */
export const expressionList = (text: string, place: string): readonly DecisionList[] => {
  const when = parseExpression(text);
  if (when.type === 'always') return [];
  const rule = ruleText('filter', place);
  const decisions = [
    { text: rule, action: 'accept' as const, when },
    { text: rule, action: 'reject' as const, when: { type: 'always' as const } },
  ];
  return [{ decisions, otherwise: 'reject' }];
};
