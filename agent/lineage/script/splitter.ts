import {
  commentEnd,
  isBlank,
  isWordPart,
  lineEnd,
  parenthesisEnd,
  skipBlanks,
  skipGap,
  skipSpaces,
  wordEnd,
} from './gaps.ts';
import { CONTROL, DATABASE, KINDS, PREFIXES, RAW, SOURCES } from './keywords.ts';
import { assignsAt, labelAt } from './labels.ts';
import { beginsStatementLine, CLOSING, Quotes } from './quotes.ts';

/** A statement or a step of a preceding load, found without its line. */
export interface Piece {
  readonly kind: string;
  readonly label: string | undefined;
  readonly start: number;
  readonly end: number;
  readonly broken: string | undefined;
  /** A LOAD that names no source: it reads what the next piece gives. */
  readonly open: boolean;
  /** It may take its source, or more, from an expansion. */
  readonly expands: boolean;
}

const INCLUDE = /\$\(\s{0,10}(?:must_)?include\b/iy;
const TAB = /\/\/\/\$tab\b/iy;
/** Forgotten `;`: no line of another statement begins like this. */
const SURELY_NEXT = /(?:end[ \t]?(?:if|sub|switch)[ \t]*(?:;|\/\/|$)|let[ \t]+[\w.%#$@()]+[ \t]*=)/imy;
const MOST_WORDS = 12;
const CONTINUED_LINES = 20;

/** Walks over the pieces of a script: statements, and the steps of preceding loads each for itself. */
export class Splitter implements Iterable<Piece> {
  readonly #text: string;
  readonly #quotes: Quotes;

  readonly #from: number;

  constructor(text: string, from = 0) {
    this.#text = text;
    this.#from = from;
    this.#quotes = new Quotes(text);
  }

  *[Symbol.iterator](): Generator<Piece> {
    const text = this.#text;
    for (let at = skipGap(text, this.#from); at < text.length; at = skipGap(text, at)) {
      if (text[at] === ';') {
        at += 1;
        continue;
      }
      const piece = this.#pieceAt(at);
      yield piece;
      at = Math.max(piece.end, at + 1);
    }
  }

  #pieceAt(start: number): Piece {
    const text = this.#text;
    INCLUDE.lastIndex = start;
    if (INCLUDE.test(text)) return plain('include', start, this.#includeEnd(start));
    const first = wordEnd(text, start);
    const word = text.slice(start, first).toLowerCase();
    if (RAW.has(word)) return this.#rawText(word, start);
    const label = labelAt(text, start);
    if (label !== undefined) {
      const body = skipGap(text, label.end);
      const next = text.slice(body, wordEnd(text, body)).toLowerCase();
      if (isLabelless(text, body, next)) return { ...plain('label', start, label.end), label: label.name };
      return this.#scan(start, body, label.name);
    }
    if (CONTROL.has(word) && text[skipBlanks(text, first)] !== '=') return this.#control(word, start, first);
    return this.#scan(start, start, undefined);
  }

  /** Behind the parenthesis that closes it, on the same line: there may be expansions in the path. */
  #includeEnd(start: number): number {
    const line = lineEnd(this.#text, start);
    return parenthesisEnd(this.#text, start + 1, line) ?? trimmed(this.#text, start, line);
  }

  #rawText(kind: string, start: number): Piece {
    const text = this.#text;
    const found = text.indexOf(';', start);
    const end = found === -1 ? text.length : found;
    for (let line = lineEnd(text, start); line < end; line = lineEnd(text, line)) {
      line = skipBlanks(text, line);
      TAB.lastIndex = line;
      if (line < end && TAB.test(text)) {
        return { ...plain(kind, start, trimmed(text, start, line)), broken: NO_SEMICOLON };
      }
    }
    return plain(kind, start, trimmed(text, start, end));
  }

  #control(word: string, start: number, first: number): Piece {
    const text = this.#text;
    const secondStart = skipSpaces(text, first);
    const second = text.slice(secondStart, wordEnd(text, secondStart)).toLowerCase();
    switch (word) {
      case 'else':
        if (second === 'if') return this.#condition('elseif', start, secondStart + second.length);
        return plain(word, start, first);
      case 'if':
      case 'elseif':
        return this.#condition(word, start, first);
      case 'end':
        if (second === 'if' || second === 'sub' || second === 'switch') {
          return plain(`end ${second}`, start, secondStart + second.length);
        }
        break;
      case 'endif':
      case 'endsub':
      case 'endswitch':
        return plain(`end ${word.slice(3)}`, start, first);
      case 'default':
        return plain(word, start, first);
    }
    const end = this.#lineOf(first);
    return { ...plain(word, start, end.at), broken: end.broken };
  }

  /** `IF … THEN` ends behind THEN, whatever follows on the line. */
  #condition(kind: string, start: number, from: number): Piece {
    const found = this.#lineOf(from, 'then');
    return { ...plain(kind, start, found.at), broken: found.broken };
  }

  /**
   * The end of a control statement: of its line, unless a parenthesis is open or a comma stands there; or behind `last`,
   * which may stand on one of the next lines.
   */
  #lineOf(from: number, last?: string): { readonly at: number; readonly broken: string | undefined } {
    const text = this.#text;
    let eol = lineEnd(text, from);
    let [depth, lines, end] = [0, 0, from];
    const firstLine = eol;
    let firstEnd: number | undefined;
    for (let at = from; ; ) {
      if (at >= eol) {
        const goesOn = at < text.length && lines < CONTINUED_LINES;
        const wanted = last !== undefined || depth > 0 || text[end - 1] === ',';
        firstEnd ??= end;
        if (!goesOn || !wanted) break;
        const next = skipBlanks(text, at);
        if (next >= text.length || this.#beginsStatement(next)) break;
        at = next;
        eol = lineEnd(text, at);
        lines += 1;
        continue;
      }
      const character = text[at] ?? '';
      if (character === ';') {
        firstEnd ??= end;
        if (last !== undefined && at > firstLine) break;
        return { at: end, broken: undefined };
      }
      const comment = commentEnd(text, at);
      if (comment !== undefined) {
        at = Math.max(comment, at + 1);
        if (at > eol) eol = lineEnd(text, at);
        continue;
      }
      if (CLOSING.has(character)) {
        const quoted = this.#quotes.at(at);
        if (quoted.type === 'broken')
          return { at: trimmed(text, from, Math.min(eol, quoted.resume)), broken: NO_QUOTE };
        at = quoted.end;
        end = at;
        if (at > eol) eol = lineEnd(text, at);
        continue;
      }
      const word = wordEnd(text, at);
      if (word > at) {
        end = word;
        if (last !== undefined && word - at === last.length && text.slice(at, word).toLowerCase() === last) {
          return { at: word, broken: undefined };
        }
        at = word;
        continue;
      }
      if (character === '(') depth += 1;
      else if (character === ')') depth = Math.max(0, depth - 1);
      at += 1;
      if (!isBlank(character.charCodeAt(0))) end = at;
    }
    // Neither THEN nor `)` came: the line is all that there is.
    return { at: depth > 0 || last !== undefined ? firstEnd : end, broken: undefined };
  }

  #beginsStatement(at: number): boolean {
    const text = this.#text;
    const end = wordEnd(text, at);
    const word = text.slice(at, end).toLowerCase();
    if (word === '') return text.startsWith('///$tab', at);
    return (
      CONTROL.has(word) || RAW.has(word) || word === 'let' || word === 'set' || word === 'load' || word === 'store'
    );
  }

  /** To the `;`, from `body` on. */
  #scan(start: number, body: number, label: string | undefined): Piece {
    const text = this.#text;
    const words: string[] = [];
    let [depth, at, end] = [0, body, body];
    let [expands, sourced, sql, isLoad, other, fresh] = [false, false, false, false, false, false];
    let broken: string | undefined;
    for (; at < text.length; ) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) {
        if (code === 10 || code === 13) fresh = true;
        at += 1;
        continue;
      }
      if (code === 59) break;
      const startsLine = fresh;
      fresh = false;
      if (isWordPart(code)) {
        const wordFrom = at;
        at = wordEnd(text, at);
        if (startsLine && this.#isNext(wordFrom, words, expands && !other)) {
          broken = words.length > 0 ? NO_SEMICOLON : undefined;
          at = wordFrom;
          break;
        }
        end = at;
        // Behind LOAD only what may be its source counts.
        if (depth > 0 || (isLoad ? sql || !beginsSource(code) : words.length >= MOST_WORDS)) continue;
        const word = text.slice(wordFrom, at).toLowerCase();
        if (words.length === 0) sql = DATABASE.has(word);
        if (!isLoad) words.push(word);
        if (word === 'load') isLoad = true;
        else if (isLoad && !sql && SOURCES.has(word) && opensSource(text, at)) {
          sourced = true;
          if (word !== 'inline') continue;
          const table = skipGap(text, at);
          if (!CLOSING.has(text[table] ?? '')) continue;
          const quoted = this.#quotes.inline(table);
          if (quoted.type === 'broken') {
            broken = NO_QUOTE;
            at = quoted.resume;
            end = trimmed(text, table, at);
            break;
          }
          at = quoted.end;
          end = at;
        } else if (word === 'select' && words.every((one) => PREFIXES.has(one) || one === 'select')) sql = true;
        continue;
      }
      const comment = commentEnd(text, at);
      if (comment !== undefined) {
        TAB.lastIndex = at;
        if (startsLine && TAB.test(text)) {
          broken = NO_SEMICOLON;
          break;
        }
        at = comment;
        continue;
      }
      // A comment of the database: an apostrophe in it opens nothing.
      if (sql && code === 45 && text.charCodeAt(at + 1) === 45) {
        const semicolon = text.indexOf(';', at);
        const line = lineEnd(text, at);
        at = semicolon === -1 ? line : Math.min(line, semicolon);
        end = at;
        continue;
      }
      const character = text[at] ?? '';
      if (CLOSING.has(character) && !(code === 39 && words[0] === 'set' && isWordPart(text.charCodeAt(at - 1)))) {
        const quoted = this.#quotes.at(at);
        if (quoted.type === 'broken') {
          broken = NO_QUOTE;
          at = quoted.resume;
          end = trimmed(text, start, at);
          break;
        }
        at = quoted.end;
        end = at;
        other = true;
        continue;
      }
      if (code === 40) depth += 1;
      else if (code === 41) depth = Math.max(0, depth - 1);
      else if (code === 36 && text.charCodeAt(at + 1) === 40) expands = true;
      if (depth === 0 && code !== 36 && code !== 41) other = true;
      at += 1;
      end = at;
    }
    const kind = label === undefined && assignsAt(text, body) ? 'let' : kindOf(words, expands);
    return { kind, label, start, end, broken, open: isLoad && !sourced && broken === undefined, expands };
  }

  /** Whether a line begins another statement although no `;` was seen. */
  #isNext(at: number, words: readonly string[], onlyExpansions: boolean): boolean {
    const text = this.#text;
    const code = text.charCodeAt(at) | 32;
    // An expansion that was written without `;`, as includes are: what it stands for ends by itself.
    if (onlyExpansions && words.length === 0) {
      return CONTROL.has(text.slice(at, wordEnd(text, at)).toLowerCase());
    }
    // What LET is given is an expression, which no line of this kind goes on.
    if (words[0] === 'let' && words.length > 1) return beginsStatementLine(text, at);
    if (code !== 101 && code !== 108) return false;
    SURELY_NEXT.lastIndex = at;
    return SURELY_NEXT.test(text);
  }
}

const NO_SEMICOLON = 'the ; at its end is missing';
const NO_QUOTE = 'a quote or bracket in it is never closed';

const plain = (kind: string, start: number, end: number): Piece => ({
  kind,
  label: undefined,
  start,
  end,
  broken: undefined,
  open: false,
  expands: false,
});

/** `end` without the blanks in front of it. */
const trimmed = (text: string, start: number, end: number): number => {
  let at = end;
  while (at > start + 1 && isBlank(text.charCodeAt(at - 1))) at -= 1;
  return at;
};

/** Whether what follows a label, if anything does, is nothing that could have one. */
const isLabelless = (text: string, body: number, word: string): boolean =>
  body >= text.length ||
  CONTROL.has(word) ||
  RAW.has(word) ||
  ((word === 'let' || word === 'set') && labelAt(text, body) === undefined);

/** A source keyword, and not a field that is called like one. */
const opensSource = (text: string, at: number): boolean => {
  const next = skipGap(text, at);
  if (next >= text.length || ',;)=+-*/&<>'.includes(text[next] ?? '')) return false;
  return text.slice(next, wordEnd(text, next)).toLowerCase() !== 'as';
};

/** FROM, FROM_FIELD, RESIDENT, INLINE, AUTOGENERATE, EXTENSION, by their first letters. */
const beginsSource = (code: number): boolean => {
  const lower = code | 32;
  return lower === 102 || lower === 114 || lower === 105 || lower === 97 || lower === 101;
};

const kindOf = (words: readonly string[], expands: boolean): string => {
  const [first = ''] = words;
  if (first === 'mapping') return 'mapping';
  const guarded = first === 'when' || first === 'unless';
  // A label may stand behind prefixes.
  if (PREFIXES.has(first) && !guarded && words.includes('load')) return 'load';
  for (const word of words) {
    if (word === 'lib' || word === 'odbc' || word === 'oledb' || word === 'custom') continue;
    if (word === 'connect32' || word === 'connect64') return 'connect';
    if (KINDS.has(word)) return word;
    // What follows is the database's: its SET is none of ours.
    if (word === 'sql') return DATABASE.has(words[1] ?? '') ? (words[1] ?? '') : 'other';
    if (guarded && (word === 'exit' || word === 'call')) return word;
    if (!PREFIXES.has(word) && !guarded) break;
  }
  return words.length === 0 && expands ? 'macro' : 'other';
};
