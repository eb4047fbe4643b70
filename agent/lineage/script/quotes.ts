import { lineEnd, skipGap, wordEnd } from './gaps.ts';

/** What a quote, bracket or inline table that begins somewhere turned out to be. */
export type Quoted =
  | { readonly type: 'closed'; readonly end: number }
  /** Its closing character is missing: the statement can go on at `resume`, behind its line or before a new one. */
  | { readonly type: 'broken'; readonly resume: number };

export const CLOSING: ReadonlyMap<string, string> = new Map([
  ['[', ']'],
  ['"', '"'],
  ['`', '`'],
  ["'", "'"],
]);

/**
 * A line that a statement begins on for all that is known of scripts: found within a quote, the quote lacks its end. Words
 * that a text in quotes may well begin a line with (SELECT, FROM, WHERE, LOAD) are not among them.
 */
const STATEMENT_LINE = new RegExp(
  String.raw`(?:///\$tab\b|(?:set|let)[ \t]+[\w.%#$@()[\]]+[ \t]*=|end[ \t]?(?:if|sub|switch)\b|sub[ \t]+\w|next\b|` +
    String.raw`if\b[^;\r\n]{0,400}\bthen\b|for[ \t]+each\b|store\b[^;\r\n]{1,400}\binto\b|` +
    String.raw`drop[ \t]+(?:table|field)s?\b|(?:lib|odbc|oledb)[ \t]+connect|trace\b|call[ \t]+\w|` +
    String.raw`(?:[\w.%#$@()-]{1,100}|\[[^\]\r\n]{1,100}\]):[ \t]*(?:$|//|/\*|(?:mapping|noconcatenate|load|sql)\b))`,
  'imy',
);
/** Whether the line that begins at `at` is the first of a statement, whatever stands in front of it. */
export const beginsStatementLine = (text: string, at: number): boolean => {
  STATEMENT_LINE.lastIndex = at;
  return STATEMENT_LINE.test(text);
};

const TAB = /\/\/\/\$tab\b/iy;
/** What may stand behind a closing quote; anything else says that it was an opening one. */
const BEHIND_CLOSING = new Set(';,)(&+-*/=<>]|:');
const BEHIND_INLINE = /^\s*(?:[;(]|(?:where|while|group|order)\b|$)/i;
const WORDS_BEHIND_CLOSING = new Set(
  (
    'as from then and or not like xor to step with into using on where group order by resident while precedes follows ' +
    'is in end when asc desc pk fk union inner left right full join having limit arrayvaluealias else between then ' +
    'load sql select query body url httpheader'
  ).split(' '),
);

/** Rows that hold brackets are no longer than this. */
const LONGEST_ROWS = 50_000;

/**
 * Where the closing character of an inline table stands; -1: nowhere. Data may hold pairs of brackets, as expressions do
 * (`Sales, Sum([Net Sales])`): then nothing that a LOAD goes on with stands behind the first closing one.
 */
export const inlineEnd = (text: string, at: number): number => {
  const closing = CLOSING.get(text[at] ?? '') ?? '';
  const first = text.indexOf(closing, at + 1);
  if (closing !== ']' || first === -1 || behindInline(text, first)) return first;
  let depth = 1;
  for (let end = at + 1; end < text.length && end - at < LONGEST_ROWS; end++) {
    if (text[end] === '[') depth += 1;
    else if (text[end] === ']' && --depth === 0) return behindInline(text, end) ? end : first;
  }
  return first;
};

const behindInline = (text: string, end: number): boolean => BEHIND_INLINE.test(text.slice(end + 1, end + 200));

/**
 * Finds where quotes and brackets end, and notices those that never do. Looking for a missing end may read far ahead;
 * what that costs in all is bounded by the length of the text.
 */
export class Quotes {
  readonly #text: string;
  readonly #known = new Map<string, { readonly from: number; readonly at: number }>();
  #line = { start: 0, end: -1 };
  #fuel: number;

  constructor(text: string) {
    this.#text = text;
    this.#fuel = 4 * text.length + 10_000;
  }

  /** Of the quote or bracket at `at`. A doubled closing character stands for itself. */
  at(at: number): Quoted {
    const text = this.#text;
    const closing = CLOSING.get(text[at] ?? '') ?? '';
    const eol = this.#lineEnd(at);
    const end = this.#closed(at + 1, eol, closing);
    if (end !== undefined && (end <= eol || this.#plausible(eol, end, closing))) return { type: 'closed', end };
    return { type: 'broken', resume: this.#resume(at + 1, eol) };
  }

  /**
   * An inline table: nothing in it is doubled, nothing is code. When a section begins in it, its end may be missing: then
   * what seems to be its end has something behind it that no statement goes on with.
   */
  inline(at: number): Quoted {
    const text = this.#text;
    const end = inlineEnd(text, at);
    const tab = this.#lineOf(TAB, at, end === -1 ? text.length : end);
    if (tab !== undefined && (end === -1 || !behindInline(text, end))) return { type: 'broken', resume: tab };
    return end === -1 ? { type: 'broken', resume: text.length } : { type: 'closed', end: end + 1 };
  }

  /** Lines may be long, and full of quotes. */
  #lineEnd(at: number): number {
    if (at < this.#line.start || at > this.#line.end) this.#line = { start: at, end: lineEnd(this.#text, at) };
    return this.#line.end;
  }

  #closed(from: number, eol: number, closing: string): number | undefined {
    const text = this.#text;
    for (let at = this.#next(closing, from); at !== -1; at = this.#next(closing, at + 2)) {
      if (at > eol && at - eol > this.#fuel) return undefined;
      if (text[at + 1] === closing) continue;
      if (at > eol) this.#fuel -= at - eol;
      return at + 1;
    }
    this.#fuel -= text.length - eol;
    return undefined;
  }

  /** Like indexOf; what was looked for and not found nearby is not looked for again. */
  #next(closing: string, from: number): number {
    const known = this.#known.get(closing);
    if (known !== undefined && known.from <= from && (known.at === -1 || known.at >= from)) return known.at;
    const at = this.#text.indexOf(closing, from);
    this.#known.set(closing, { from, at });
    return at;
  }

  /** Whether a quote over several lines, from the end of its first line, is one. */
  #plausible(eol: number, end: number, closing: string): boolean {
    const text = this.#text;
    if (this.#lineOf(TAB, eol, end) !== undefined) return false;
    if (this.#lineOf(STATEMENT_LINE, eol, end) === undefined) return true;
    // No name in brackets is that long.
    if (closing === ']') return false;
    const behind = skipGap(text, end);
    if (behind >= text.length || BEHIND_CLOSING.has(text[behind] ?? '')) return true;
    return WORDS_BEHIND_CLOSING.has(text.slice(behind, wordEnd(text, behind)).toLowerCase());
  }

  /** The first line after `from` and before `to` that begins with the pattern. */
  #lineOf(pattern: RegExp, from: number, to: number): number | undefined {
    const text = this.#text;
    for (let at = lineEnd(text, from); at < to; at = lineEnd(text, at)) {
      while (at < to && text.charCodeAt(at) <= 32) at += 1;
      if (at >= to) return undefined;
      pattern.lastIndex = at;
      if (pattern.test(text)) return at;
    }
    return undefined;
  }

  /** Where a statement goes on whose quote has no end: at the `;` that ends a line, or at a line that begins another. */
  #resume(from: number, eol: number): number {
    const text = this.#text;
    for (let [at, end] = [from, eol]; ; ) {
      let last = end;
      while (last > at && text.charCodeAt(last - 1) <= 32) last -= 1;
      if (last > at && text[last - 1] === ';') return last - 1;
      const comment = text.slice(at, last).search(/;\s*\/\//);
      if (comment !== -1) return at + comment;
      at = end;
      while (at < text.length && text.charCodeAt(at) <= 32) at += 1;
      if (at >= text.length) return text.length;
      if (beginsStatementLine(text, at)) return at;
      end = lineEnd(text, at);
    }
  }
}
