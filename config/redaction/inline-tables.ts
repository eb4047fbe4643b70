/** A table that stands in the script itself, behind the word `inline`. */
export interface InlineTable {
  /** Where the word begins, in UTF-16 code units. */
  readonly index: number;
  /** From the word to the table: blanks and comments. */
  readonly before: string;
  /** With its brackets or quotes; without the closing one when the text ends first. */
  readonly table: string;
  /** What follows says that the first row is no header. */
  readonly noLabels: boolean;
}

const WORD = /\binline/gi;
const BLANK = /\s*/y;
const NO_LABELS = /\s{0,100}\([^)]{0,200}\bno\s{1,20}labels\b/iy;
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '"': '"', "'": "'" };

/** Where a text stands next from some place on; asked for places that rise, it looks at each character once. */
const finder = (text: string, wanted: string): ((from: number) => number) => {
  let asked = 0;
  let found = -1;
  let known = false;
  return (from) => {
    if (known && from >= asked && (found === -1 || from <= found)) return found;
    asked = from;
    found = text.indexOf(wanted, from);
    known = true;
    return found;
  };
};

/** Comments within comments make gaps that pass each other by; more than this many at one place are not written by chance. */
const KEPT_GAPS = 4;

/** Whether a rising list holds a number. */
const holds = (rising: readonly number[], wanted: number): boolean => {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return rising[low] === wanted;
};

/**
 * The inline tables of a script, from left to right, in time that grows with its length whatever stands in it: strangers
 * write scripts, and one that repeats `//inline` must not hold the agent up.
 */
export function* inlineTables(text: string): Generator<InlineTable> {
  const nextLine = finder(text, '\n');
  const nextClose = finder(text, '*/');
  /** The last gaps: where their parts begin, and where they ended. A gap that meets a part of another ends where that did. */
  const gaps: { readonly heads: readonly number[]; readonly end: number }[] = [];
  const gapEnd = (from: number): number => {
    const heads: number[] = [];
    for (let at = from; ; ) {
      BLANK.lastIndex = at;
      BLANK.exec(text);
      at = BLANK.lastIndex;
      const met = gaps.find((gap) => holds(gap.heads, at));
      if (met) return met.end;
      heads.push(at);
      const comment = text.startsWith('//', at) ? nextLine(at) : text.startsWith('/*', at) ? nextClose(at + 2) : -1;
      if (comment === -1) {
        gaps.unshift({ heads, end: at });
        gaps.length = Math.min(gaps.length, KEPT_GAPS);
        return at;
      }
      at = comment + (text[comment] === '\n' ? 1 : 2);
    }
  };
  for (let from = 0; ; ) {
    WORD.lastIndex = from;
    const word = WORD.exec(text);
    if (word === null) return;
    const start = gapEnd(WORD.lastIndex);
    from = word.index + word[0].length;
    const closing = CLOSING[text[start] ?? ''];
    if (closing === undefined) continue;
    const close = text.indexOf(closing, start + 1);
    const end = close === -1 ? text.length : close + 1;
    NO_LABELS.lastIndex = end;
    yield {
      index: word.index,
      before: text.slice(word.index, start),
      table: text.slice(start, end),
      noLabels: NO_LABELS.test(text),
    };
    from = end;
  }
}
