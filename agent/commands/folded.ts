/** Behind these a word may be broken: a path goes on in the next line. */
const BREAKS = /[/\\,;#&?=]/;

/**
 * Lines of at most `width` columns: `text` behind `head`, what does not fit below it, behind `indent` blanks. Broken at
 * blanks; within a word that is too long for a line behind a slash or the like, and else anywhere. Nothing is left out.
 */
export const folded = (head: string, text: string, width: number, indent: number): string[] => {
  const lines: string[] = [];
  let [before, rest] = [head, text.trim()];
  for (;;) {
    const room = Math.max(10, width - before.length);
    const at = rest.length <= room ? rest.length : breakAt(rest, room, width - indent);
    lines.push(`${before}${rest.slice(0, at).trimEnd()}`.trimEnd());
    rest = rest.slice(at).trimStart();
    if (rest === '') return lines;
    before = ' '.repeat(indent);
  }
};

/** Where the first line of `text` ends, which has `room`; the next ones have room for `wide`. */
const breakAt = (text: string, room: number, wide: number): number => {
  const blank = text.lastIndexOf(' ', room);
  const word = text.slice(blank + 1);
  const end = word.indexOf(' ');
  const length = end === -1 ? word.length : end;
  // A word that fits into a line of its own stays whole.
  if (blank > 0 && length <= wide) return blank;
  for (let at = room; at > Math.max(blank + 1, 0); at--) if (BREAKS.test(text[at - 1] ?? '')) return at;
  if (blank > 0) return blank;
  return isLowSurrogate(text.charCodeAt(room)) ? room - 1 : room;
};

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
