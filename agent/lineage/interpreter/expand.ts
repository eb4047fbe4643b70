import type { Value, World } from './values.ts';
import { hole, holeAt, joinWorlds, NOWHERE } from './values.ts';

/** What expansion needs to know. */
export interface Expander {
  /** The value of a variable and how often it was set; undefined: never. */
  readonly variable: (name: string) => { readonly value: Value; readonly version: number } | undefined;
  /** What `$(=…)` gives, its own expansions done. */
  readonly evaluate: (expression: string) => Value;
}

/** A text after expansion, in one of the worlds that it may be in. */
export interface Expanded {
  readonly text: string;
  readonly world: World;
  readonly pieces: readonly Piece[];
  /** Names whose values went in. */
  readonly used: readonly string[];
}

/** A stretch of the result and where it comes from. What a variable gave all comes from its `$(`. */
export interface Piece {
  readonly start: number;
  readonly from: number;
  readonly copied: boolean;
}

const MOST_DEPTH = 50;
const MOST_TEXT = 2_000_000;
/** Of all values that go into one statement, those in values included. */
const MOST_VALUES = 400_000;
/** Expansions in one statement likewise: two variables that name each other twice make 2^50. */
const MOST_RESOLVED = 5_000;
const INCLUDE = /^\s*(?:must_)?include\s*=/i;

/**
 * Replaces what stands in `$(…)`, inner ones first and results again, for every combination of alternatives that can
 * meet, at most `most`: beyond, those variables become holes. What nobody knows stays as a hole. `known`: choices that are made already.
 */
export const expandAll = (
  source: string,
  expander: Expander,
  most: number,
  known: World = NOWHERE,
): readonly Expanded[] => {
  if (!source.includes('$(')) return [{ text: source, world: known, pieces: WHOLE, used: [] }];
  const done: Expanded[] = [];
  const open: World[] = [known];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const full = done.length + open.length + 1 >= most;
    const run = new Expansion(source, expander, world, full);
    const branches = run.run();
    if (branches === undefined) done.push(run.result());
    else open.push(...branches.slice().reverse());
  }
  return done;
};

const WHOLE: readonly Piece[] = [{ start: 0, from: 0, copied: true }];

/** Whether there was nothing to expand. */
export const isAsWritten = ({ pieces }: Expanded): boolean => pieces === WHOLE;

/** Where in the source an offset of the result stands. */
export const originOf = (pieces: readonly Piece[], offset: number): number => {
  let found = WHOLE[0];
  for (const piece of pieces) {
    if (piece.start > offset) break;
    found = piece;
  }
  if (found === undefined) return offset;
  return found.copied ? found.from + offset - found.start : found.from;
};

class Branch {
  readonly worlds: readonly World[];
  constructor(worlds: readonly World[]) {
    this.worlds = worlds;
  }
}

class Expansion {
  readonly #source: string;
  readonly #expander: Expander;
  readonly #world: World;
  readonly #full: boolean;
  readonly #pieces: Piece[] = [];
  readonly #used = new Set<string>();
  readonly #parentheses = new Parentheses();
  #text = '';
  /** Of all texts that were looked through for expansions. */
  #read = 0;
  #resolved = 0;

  constructor(source: string, expander: Expander, world: World, full: boolean) {
    this.#source = source;
    this.#expander = expander;
    this.#world = world;
    this.#full = full;
  }

  /** Undefined when done; else the worlds between which it has to choose first. */
  run(): readonly World[] | undefined {
    try {
      let copied = 0;
      for (const at of dollars(this.#source)) {
        if (at < copied) continue;
        const end = this.#parentheses.closing(this.#source, at + 1);
        if (end === -1 || holeAt(this.#source, at) > 0) continue;
        this.#add(this.#source.slice(copied, at), copied, true);
        this.#add(this.#resolve(this.#source.slice(at + 2, end), 0), at, false);
        copied = end + 1;
      }
      this.#add(this.#source.slice(copied), copied, true);
      return undefined;
    } catch (error) {
      if (error instanceof Branch) return error.worlds;
      throw error;
    }
  }

  result(): Expanded {
    return { text: this.#text, world: this.#world, pieces: this.#pieces, used: [...this.#used] };
  }

  #add(text: string, from: number, copied: boolean): void {
    if (text === '') return;
    this.#pieces.push({ start: this.#text.length, from, copied });
    this.#text += text;
  }

  /** All `$(…)` in a value or between the parentheses of another one. */
  #nested(text: string, depth: number): string {
    if (!text.includes('$(') || depth > MOST_DEPTH || this.#text.length + text.length > MOST_TEXT) return text;
    this.#read += text.length;
    if (this.#read > MOST_VALUES || this.#resolved > MOST_RESOLVED) return text;
    let [result, at] = ['', 0];
    for (;;) {
      const found = text.indexOf('$(', at);
      if (found === -1) return result + text.slice(at);
      const frozen = holeAt(text, found);
      if (frozen > 0) {
        result += text.slice(at, found + frozen);
        at = found + frozen;
        continue;
      }
      const end = this.#parentheses.closing(text, found + 1);
      if (end === -1) return result + text.slice(at);
      result += text.slice(at, found) + this.#resolve(text.slice(found + 2, end), depth + 1);
      at = end + 1;
    }
  }

  /** What stands for `$(inner)`. */
  #resolve(inner: string, depth: number): string {
    this.#resolved += 1;
    const content = this.#nested(inner, depth + 1);
    const trimmed = content.trim();
    // A statement of its own; only the path in it is expanded.
    if (INCLUDE.test(trimmed)) return `$(${content})`;
    if (trimmed.startsWith('=')) return this.#valued(this.#expander.evaluate(trimmed.slice(1)), trimmed, 0, depth);
    const numeric = trimmed.startsWith('#');
    const name = numeric ? trimmed.slice(1).trim() : trimmed;
    const plain = this.#expander.variable(name);
    if (plain !== undefined) {
      this.#used.add(name);
      return this.#valued(plain.value, name, plain.version, depth);
    }
    const open = name.indexOf('(');
    if (open > 0 && name.endsWith(')')) {
      const called = name.slice(0, open).trim();
      const found = this.#expander.variable(called);
      if (found !== undefined) {
        this.#used.add(called);
        if (found.value.type === 'unknown') return hole(name, found.version);
        const body = this.#chosen(found.value);
        if (body === undefined) return hole(name, found.version);
        return this.#nested(withParameters(body, parameters(name.slice(open + 1, -1))), depth + 1);
      }
    }
    return name === '' ? '' : hole(name, 0);
  }

  #valued(value: Value, name: string, version: number, depth: number): string {
    if (value.type === 'unknown') return hole(name, version);
    const chosen = this.#chosen(value);
    return chosen === undefined ? hole(name, version) : this.#nested(chosen, depth + 1);
  }

  /** The one option that this world allows; undefined when there are more and no room to tell them apart. */
  #chosen(value: Exclude<Value, { readonly type: 'unknown' }>): string | undefined {
    if (value.type === 'text') return value.text;
    const possible = value.options.flatMap((option) => {
      const world = joinWorlds(this.#world, option.world);
      return world === undefined ? [] : [{ text: option.text, world }];
    });
    const [first] = possible;
    if (possible.length <= 1 || possible.every(({ world }) => world.size === this.#world.size)) return first?.text;
    if (this.#full) return undefined;
    throw new Branch(possible.map(({ world }) => world));
  }
}

/** Where `$(` stands outside of comments. */
function* dollars(source: string): Generator<number> {
  let quote = '';
  for (let at = 0; at < source.length; at++) {
    const char = source[at] ?? '';
    if (char === '$' && source[at + 1] === '(') yield at;
    else if (quote !== '') {
      // A quote seldom goes over several lines; one that was forgotten shall not hide the rest.
      if (char === quote || char === '\n') quote = '';
    } else if (char === '[') quote = ']';
    else if (char === '"' || char === "'" || char === '`') quote = char;
    else if (char === '/' && (source[at + 1] === '/' || source[at + 1] === '*')) {
      const line = source[at + 1] === '/';
      // `lib://Data/$(vName).qvd` without brackets is a path.
      if (line && /^[a-z]:\/\/\S$/i.test(source.slice(at - 2, at + 3))) {
        at += 1;
        continue;
      }
      const end = source.indexOf(line ? '\n' : '*/', at + 2);
      if (end === -1) return;
      at = line ? end : end + 1;
    }
  }
}

/** No expansion is longer. */
const MOST_REACH = 20_000;
/** What looking for parentheses that never come may cost in all: a text of nothing but `$(` has one for each. */
const MOST_IN_VAIN = 2_000_000;

class Parentheses {
  #inVain = 0;

  /** The parenthesis that closes the one at `open`, or -1. */
  closing(text: string, open: number): number {
    if (this.#inVain > MOST_IN_VAIN) return -1;
    let depth = 0;
    const end = Math.min(text.length, open + MOST_REACH);
    let at = open;
    for (; at < end; at++) {
      const char = text.charCodeAt(at);
      if (char === 40) depth += 1;
      else if (char === 41 && --depth === 0) return at;
      else if (char === 59 && depth === 1 && at - open > 2_000) break;
    }
    this.#inVain += at - open;
    return -1;
  }
}

/** Between commas that stand in no parenthesis and no quotes. */
const parameters = (list: string): readonly string[] => {
  const found: string[] = [];
  let [depth, from, quote] = [0, 0, ''];
  for (let at = 0; at < list.length; at++) {
    const char = list[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = list.indexOf(char, at + 1) === -1 ? '' : char;
    else if (char === '[') quote = list.indexOf(']', at + 1) === -1 ? '' : ']';
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === ',' && depth === 0) {
      found.push(list.slice(from, at));
      from = at + 1;
    }
  }
  found.push(list.slice(from));
  return found.map((parameter) => parameter.trim());
};

/** `$1` and so on; one that is not given stays, `$0` is how many there are. */
const withParameters = (body: string, given: readonly string[]): string => {
  let length = body.length;
  return body.replace(/\$(\d)/g, (whole, digit: string) => {
    const value = digit === '0' ? String(given.length) : given[Number(digit) - 1];
    if (value === undefined || length > MOST_TEXT) return whole;
    length += value.length;
    return value;
  });
};
