import { AGGREGATIONS, KEYWORDS, NAMED_BY_TEXT } from './words.ts';

/** What an expression of a chart refers to, as far as its text tells. */
export interface References {
  /** Names in the place of a field, each once, in the order in which they stand there; at most {@link MOST_NAMES}. */
  readonly names: readonly string[];
  /** Those of them that stand outside of every aggregation, too: they may be labels of measures or variables instead. */
  readonly outside: ReadonlySet<string>;
  /** Variables that a dollar expansion names. */
  readonly variables: readonly string[];
  /** Parts of it are known only to the engine: dollar expansions, or a text that ends within a name or a parenthesis. */
  readonly unknown: boolean;
}

const MOST_NAMES = 200;
/** Searches within searches: more are not written by people. */
const DEEPEST = 6;
/** Parentheses within parentheses. */
const MOST_FRAMES = 2_000;

/**
 * Where the scanner stands. `expression`: a parenthesis, or the whole; `set`: between braces; `modifier`: between `<` and
 * `>` of a set; `chosen`: behind its `=`; `values`: a list of values; `possible`: within `P()` and `E()`; `total`: the
 * fields behind TOTAL; `text`: a text in which only dollar expansions count.
 */
type Place = 'expression' | 'set' | 'modifier' | 'chosen' | 'values' | 'possible' | 'total' | 'text';

interface Frame {
  readonly place: Place;
  /** In lower case; empty for a plain parenthesis. */
  readonly called: string;
  readonly aggregated: boolean;
  /** Words here say how to sort: `(NUMERIC, ASCENDING)` of Aggr. */
  readonly sorts: boolean;
  argument: number;
}

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '"': '"', '`': '`', "'": "'" };
const WORD = /(?:[\p{L}_%#@]|\$(?!\())(?:[\p{L}\p{M}\p{N}_%#@.]|\$(?!\())*/uy;
const NUMBER = /\d+(?:\.\d+)?(?:e[+-]?\d+)?/iy;
const BLANK = /\s*/y;
const VARIABLE = /[^()=\r\n$]*/y;
/** What the parenthesis of a sorted dimension of Aggr is called here; no function has such a name. */
const SORTED = '(aggr';
const NEXT_EXPANSION = /\$\(/g;

/**
 * Names the fields that an expression refers to, without knowing which there are. It looks at each character a bounded
 * number of times, whatever stands there: strangers write expressions. Where the text does not tell, `unknown` is set; a
 * name that an expansion is a part of is not given at all.
 */
export const referencesOf = (expression: string): References => {
  const scan = new Scan();
  scan.read(expression, 'expression', 0);
  return {
    names: [...scan.names],
    outside: scan.outside,
    variables: [...scan.variables],
    unknown: scan.unknown,
  };
};

class Scan {
  readonly names = new Set<string>();
  readonly outside = new Set<string>();
  readonly variables = new Set<string>();
  unknown = false;

  read(text: string, start: Place, depth: number): void {
    const frames: Frame[] = [{ place: start, called: '', aggregated: depth > 0, sorts: false, argument: 0 }];
    let at = 0;
    const top = (): Frame => frames[frames.length - 1] as Frame;
    const push = (place: Place, called = '', sorts = false): void => {
      const { aggregated } = top();
      // Labels of measures may stand in Aggr, which makes rows of its own.
      const aggregates = called !== 'aggr' && (aggregated || AGGREGATIONS.has(called));
      if (frames.length < MOST_FRAMES) frames.push({ place, called, sorts, aggregated: aggregates, argument: 0 });
      else this.unknown = true;
    };
    const pop = (...places: readonly Place[]): boolean => {
      if (frames.length === 1 || !places.includes(top().place)) return false;
      frames.pop();
      return true;
    };
    const match = (pattern: RegExp): string => {
      pattern.lastIndex = at;
      return pattern.exec(text)?.[0] ?? '';
    };
    const skipBlanks = (): void => {
      at += match(BLANK).length;
    };

    while (at < text.length) {
      const character = text[at] ?? '';
      const { place } = top();
      if (character === '$' && text[at + 1] === '(') {
        this.unknown = true;
        at += 2;
        push('expression');
        if (text[at] === '=') {
          at += 1;
          continue;
        }
        if (text[at] === '#') at += 1;
        const variable = match(VARIABLE);
        at += variable.length;
        if (variable.trim() !== '' && this.variables.size < MOST_NAMES) this.variables.add(variable.trim());
        continue;
      }
      if (place === 'text') {
        NEXT_EXPANSION.lastIndex = at;
        at = NEXT_EXPANSION.exec(text)?.index ?? text.length;
        continue;
      }
      if (character === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
        const closing = text[at + 1] === '/' ? '\n' : '*/';
        const end = text.indexOf(closing, at + 2);
        at = end === -1 ? text.length : end + closing.length;
        continue;
      }
      const closing = CLOSING[character];
      if (closing !== undefined) {
        const end = endOf(text, at + 1, closing);
        if (end === -1) {
          this.unknown = true;
          return;
        }
        const name = text.slice(at + 1, end).replaceAll(closing + closing, closing);
        at = end + 1;
        this.#quoted(character, name, top(), depth);
        continue;
      }
      const number = match(NUMBER);
      if (number !== '') {
        at += number.length;
        const word = match(WORD);
        if (word !== '') this.unknown = true;
        at += word.length;
        continue;
      }
      const word = match(WORD);
      if (word !== '') {
        const before = text[at - 1];
        at += word.length;
        // `Sales$(v)` and `$(v)Sales`: a part of a name.
        if ((text[at] === '$' && text[at + 1] === '(') || (before === ')' && this.unknown)) {
          this.unknown = true;
          continue;
        }
        skipBlanks();
        const called = text[at] === '(';
        const lower = word.toLowerCase();
        if (place === 'expression' && called) {
          at += 1;
          push('expression', lower);
        } else if (place === 'expression' && lower === 'total' && text[at] === '<') {
          at += 1;
          push('total');
        } else if (place === 'chosen' && called && (lower === 'p' || lower === 'e')) {
          at += 1;
          push('possible');
        } else if (called && place === 'chosen') {
          this.unknown = true;
        } else if (place === 'modifier' || place === 'possible' || place === 'total' || place === 'chosen') {
          this.#field(word, true);
        } else if (place === 'expression' && !KEYWORDS.has(lower) && !isSortWord(top())) {
          this.#field(word, top().aggregated);
        }
        continue;
      }
      at += 1;
      switch (character) {
        case '(':
          if (place === 'expression') {
            const { called, argument, sorts } = top();
            // Aggr(…, (Field, (NUMERIC, ASCENDING))): the inner parenthesis has words of its own.
            const structured = called === 'aggr' && argument > 0 ? SORTED : '';
            push('expression', structured, sorts || (called === SORTED && argument > 0));
          } else if (place === 'chosen') push('chosen');
          break;
        case ')':
          if (!pop('expression', 'possible', 'chosen')) this.unknown ||= place !== 'set';
          break;
        case ',':
          if (place === 'chosen') frames.pop();
          else top().argument += 1;
          break;
        case '{':
          if (place === 'expression' || place === 'possible') push('set');
          else if (place === 'chosen') push('values');
          break;
        case '}':
          if (!pop('set', 'values')) this.unknown = true;
          break;
        case '<':
          if (place === 'set') push('modifier');
          break;
        case '>':
          if (place === 'chosen') frames.pop();
          pop('modifier', 'total');
          break;
        case '=':
          if (place === 'modifier') push('chosen');
          break;
      }
    }
    if (frames.length > 1) this.unknown = true;
  }

  /** A text in quotes of some kind, at a place where it may be a name, a value or a search. */
  #quoted(quote: string, text: string, frame: Frame, depth: number): void {
    const expands = text.includes('$(');
    if (frame.place === 'values' || quote === "'" || frame.place === 'set') {
      if (quote === '"' && text.startsWith('=')) this.#inner(text.slice(1), 'expression', depth);
      else if (expands) this.#inner(text, 'text', depth);
      const named = quote === "'" && frame.place === 'expression' && frame.argument === 0;
      if (named && NAMED_BY_TEXT.has(frame.called) && !expands) this.#field(text, true);
      return;
    }
    if (expands) {
      this.#inner(text, 'text', depth);
      this.unknown = true;
      return;
    }
    if (text.startsWith('=')) {
      this.#inner(text.slice(1), 'expression', depth);
      return;
    }
    this.#field(text, frame.place !== 'expression' || frame.aggregated);
  }

  #inner(text: string, place: Place, depth: number): void {
    if (depth >= DEEPEST) this.unknown = true;
    else this.read(text, place, depth + 1);
  }

  #field(name: string, aggregated: boolean): void {
    if (name === '') return;
    if (this.names.size >= MOST_NAMES && !this.names.has(name)) {
      this.unknown = true;
      return;
    }
    this.names.add(name);
    if (!aggregated) this.outside.add(name);
  }
}

const isSortWord = ({ sorts, called, argument }: Frame): boolean => sorts || (called === SORTED && argument > 0);

/** Where a quoted text ends; a doubled closing character stands for itself. -1 when it does not end. */
const endOf = (text: string, from: number, closing: string): number => {
  for (let at = text.indexOf(closing, from); at !== -1; at = text.indexOf(closing, at + 2)) {
    if (text[at + 1] !== closing) return at;
  }
  return -1;
};
