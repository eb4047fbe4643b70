import { leavingText } from '#config/redaction/leaving.ts';

/** Nothing of a longer text can be seen in a picture. */
const MOST_CHARACTERS = 400;

// Line ends and other controls, what XML cannot hold, and marks that turn the text round for whatever follows it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what may not be drawn.
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;

/**
 * A text of the site as it may be drawn: without secrets, in one line, well-formed, not long. Secrets go before it is cut,
 * as half a secret would not be known for one.
 */
export const drawable = (text: string): string => {
  const clean = leavingText(text)
    .slice(0, MOST_CHARACTERS * 2)
    .toWellFormed()
    .replace(UNFIT, (found) => (/^[\u200e-\u2069\ufffe\uffff]/.test(found) ? '' : ' '))
    .replace(/ {2,}/g, ' ')
    .trim();
  return clean.length <= MOST_CHARACTERS ? clean : `${clean.slice(0, MOST_CHARACTERS).toWellFormed()}…`;
};

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text as it stands in XML. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? '');

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const NO_WIDTH = /^[\p{M}\p{Cf}]/u;
const SQUARE =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff00-\uff60])/u;
const PICTURE = /^\p{Extended_Pictographic}/u;
const NARROW = /^[iljtfrI.,:;'|!()[\] ]/;
const BROAD = /^[mwMW@%…—]/;
const UPPER = /^[\p{Lu}\d]/u;

/** About how wide a character is, in parts of the size of the type: fonts differ, so it errs on the wide side. */
const breadth = (character: string): number => {
  if (NARROW.test(character)) return 0.38;
  if (BROAD.test(character)) return 0.98;
  if (UPPER.test(character)) return 0.72;
  if (SQUARE.test(character)) return 1.02;
  if (PICTURE.test(character)) return 1.3;
  return NO_WIDTH.test(character) ? 0 : 0.62;
};

/** The beginning of a text that fits into `width`, with an ellipsis when something is left out; empty when nothing fits. */
export const fitted = (text: string, width: number, size: number): string => {
  const most = width / size;
  let used = 0;
  let kept = '';
  // Where to cut when the rest turns out not to fit: there is room for the ellipsis.
  let short = '';
  for (const { segment } of graphemes.segment(text)) {
    used += breadth(segment);
    if (used > most) return short === '' ? '' : `${short.trimEnd()}…`;
    kept += segment;
    if (used + breadth('…') <= most) short = kept;
  }
  return kept;
};

/** How many code units of a text fit into `width`. */
const room = (text: string, width: number, size: number): number => {
  let used = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    used += breadth(segment);
    if (used > width / size) return index;
  }
  return text.length;
};

/** A text in at most `lines` lines, broken between words where that is possible. */
export const wrapped = (text: string, width: number, size: number, lines: number): readonly string[] => {
  const made: string[] = [];
  for (let rest = text; rest !== '' && made.length < lines; ) {
    const most = room(rest, width, size);
    const isLast = made.length + 1 === lines || most === rest.length;
    const space = rest[most] === ' ' ? most : rest.lastIndexOf(' ', most);
    const line = isLast ? fitted(rest, width, size) : rest.slice(0, space > 0 ? space : most);
    if (line.trim() === '') break;
    made.push(line.trimEnd());
    rest = isLast ? '' : rest.slice(line.length).trimStart();
  }
  return made;
};

const RIGHT_TO_LEFT =
  /^\P{L}*(?:\p{Script=Hebrew}|\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko})/u;

/** Whether its first letter says that it is read from the right. */
export const readsFromRight = (text: string): boolean => RIGHT_TO_LEFT.test(text);

/** A whole number with groups of three, the same on every machine. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
