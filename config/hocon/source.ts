import type { Place } from '../tree.ts';

/** The text of one file with the starts of its lines, to turn offsets into places. */
export class Source {
  readonly file: string;
  readonly text: string;
  readonly #starts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    const starts = [0];
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
    this.#starts = starts;
  }

  /** The place of an offset. A byte order mark does not count as a column: editors do not show it. */
  at(offset: number): Place {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const bom = low === 0 && offset > 0 && this.text.startsWith('\uFEFF') ? 1 : 0;
    return { file: this.file, line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 - bom };
  }

  /** A line without its end and without a byte order mark; empty when there is none. */
  line(number: number): string {
    const start = this.#starts[number - 1];
    if (start === undefined) return '';
    const end = this.text.indexOf('\n', start);
    return this.text
      .slice(start, end < 0 ? undefined : end)
      .replace(/\r$/, '')
      .replace(/^\uFEFF/, '');
  }
}
