import { isBlank, parenthesisEnd, skipGap, skipSpaces, wordEnd } from './gaps.ts';
import { CONTROL, KINDS, PREFIXES, RAW } from './keywords.ts';
import { CLOSING } from './quotes.ts';

/** A table's label: its name without quotes, and where it ends, behind the colon. */
export interface Label {
  readonly name: string;
  readonly end: number;
}

const MOST = 500;
/** `:;'"[](),=` and the backtick end a name without quotes. */
const SEPARATES = new Uint8Array(128);
for (const character of ':;\'"[](),=`') SEPARATES[character.charCodeAt(0)] = 1;

/**
 * The label that begins at `at`, if one does: `Sales:`, `[Net Sales]:`, `'x' :`, `$(vTable):`, `x_$(y)_z:`. Several words
 * without quotes are one too where no statement begins like that.
 */
export const labelAt = (text: string, at: number): Label | undefined => {
  const quote = CLOSING.get(text[at] ?? '');
  const end = quote === undefined ? bareEnd(text, at) : quotedEnd(text, at, quote);
  if (end === undefined || end === at) return undefined;
  const colon = colonEnd(text, end);
  if (colon !== undefined) {
    const inner = quote === undefined ? '' : text.slice(at + 1, end - 1).trim();
    return {
      name: quote === undefined ? text.slice(at, end) : inner.replaceAll(quote + quote, quote),
      end: colon,
    };
  }
  return quote === undefined ? severalWords(text, at, end) : undefined;
};

/** Behind the name that begins at `at`, quotes and expansions in it included; `at` when none does. */
export const nameEndAt = (text: string, at: number): number => {
  const quote = CLOSING.get(text[at] ?? '');
  return (quote === undefined ? bareEnd(text, at) : quotedEnd(text, at, quote)) ?? at;
};

/** Whether a name and `=` begin at `at`: an assignment without LET. */
export const assignsAt = (text: string, at: number): boolean => {
  const end = nameEndAt(text, at);
  return end > at && text[skipGap(text, end)] === '=';
};

const quotedEnd = (text: string, at: number, quote: string): number | undefined => {
  for (let end = at + 1; end < text.length && end - at < MOST; end++) {
    const character = text[end];
    if (character === quote) {
      // A doubled one is part of the name.
      if (text[end + 1] !== quote) return end + 1;
      end += 1;
    }
    if (character === '\n' || character === '\r') return undefined;
  }
  return undefined;
};

/** Behind a name without quotes, which may hold expansions. */
const bareEnd = (text: string, at: number): number | undefined => {
  const limit = Math.min(text.length, at + MOST);
  let end = at;
  while (end < limit) {
    const code = text.charCodeAt(end);
    if (code === 36 && text.charCodeAt(end + 1) === 40) {
      const behind = parenthesisEnd(text, end + 1, Math.min(text.length, end + MOST));
      if (behind === undefined) return undefined;
      end = behind;
      continue;
    }
    if ((code < 128 && SEPARATES[code] === 1) || isBlank(code)) break;
    end += 1;
  }
  return end;
};

/** Behind the colon that follows, which begins no `://`. */
const colonEnd = (text: string, at: number): number | undefined => {
  const colon = skipSpaces(text, at);
  if (text[colon] !== ':') return undefined;
  return text[colon + 1] === '/' && text[colon + 2] === '/' && colon === at && isScheme(text, at)
    ? undefined
    : colon + 1;
};

const isScheme = (text: string, end: number): boolean => /(?:lib|https?|ftps?|file)$/i.test(text.slice(end - 5, end));

const severalWords = (text: string, at: number, first: number): Label | undefined => {
  const word = text.slice(at, wordEnd(text, at)).toLowerCase();
  if (word === '' || CONTROL.has(word) || RAW.has(word) || PREFIXES.has(word) || KINDS.has(word)) return undefined;
  let end = first;
  for (let count = 1; count < 6; count++) {
    const next = skipSpaces(text, end);
    const behind = bareEnd(text, next);
    if (behind === undefined || behind === next) return undefined;
    end = behind;
    const colon = colonEnd(text, end);
    if (colon !== undefined) return { name: text.slice(at, end), end: colon };
  }
  return undefined;
};
