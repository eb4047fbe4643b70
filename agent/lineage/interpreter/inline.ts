import type { Format } from '../script/syntax.ts';

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '[': ']' };

/** Names of the fields of an inline table, from its first line or by position. */
export const inlineFields = (body: string, format: Format): readonly string[] => {
  const lines = linesOf(body).slice(format.headerLines);
  const [head = ''] = lines;
  const cells = cellsOf(head, delimiterOf(format));
  return format.labels === 'none' ? cells.map((_, index) => `@${index + 1}`) : cells;
};

const MOST_ROWS = 5_000;

/** The cells of each row of an inline table, for what the script does with them: names of fields, tables and files. */
export const inlineRows = (body: string, format: Format): readonly (readonly string[])[] =>
  linesOf(body)
    .slice(format.headerLines + (format.labels === 'none' ? 0 : 1))
    .slice(0, MOST_ROWS)
    .map((line) => cellsOf(line, delimiterOf(format)));

const linesOf = (body: string): readonly string[] => body.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');

const delimiterOf = (format: Format): string => {
  switch (format.delimiter?.toLowerCase()) {
    case undefined:
    case '':
      return ',';
    case '\\t':
    case 'tab':
      return '\t';
    case 'spaces':
      return ' ';
    default:
      return format.delimiter ?? ',';
  }
};

const cellsOf = (line: string, delimiter: string): readonly string[] => {
  const cells: string[] = [];
  let [cell, at] = ['', 0];
  while (at < line.length) {
    const char = line[at] ?? '';
    const close = cell.trim() === '' ? CLOSING[char] : undefined;
    const end = close === undefined ? -1 : line.indexOf(close, at + 1);
    if (end !== -1) {
      cell = line.slice(at + 1, end);
      at = end + 1;
    } else if (line.startsWith(delimiter, at)) {
      cells.push(cell.trim());
      cell = '';
      at += delimiter.length;
    } else {
      cell += char;
      at += 1;
    }
  }
  cells.push(cell.trim());
  // A line that ends with its delimiter has no further field.
  if (cells.length > 1 && cells.at(-1) === '') cells.pop();
  return cells;
};
