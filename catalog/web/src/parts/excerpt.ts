/** How much of a long line is shown on each side of the place that is wrong. */
const SIDE = 60;

/** The part of the line around the column, and the caret's line: tabs stay tabs, so that the caret stands right. */
export const excerptWithCaret = (
  excerpt: string,
  column: number | undefined,
): { readonly line: string; readonly caret: string } => {
  const flat = excerpt.replace(/[\r\n]/g, ' ');
  if (column === undefined) {
    const long = flat.length > 3 * SIDE;
    return { line: long ? `${flat.slice(0, 3 * SIDE)}…` : flat, caret: '' };
  }
  const at = Math.min(column - 1, flat.length);
  const from = at > 2 * SIDE ? at - SIDE : 0;
  const to = flat.length > at + 2 * SIDE ? at + SIDE : flat.length;
  const before = `${from > 0 ? '…' : ''}${flat.slice(from, at)}`;
  const line = `${before}${flat.slice(at, to)}${to < flat.length ? '…' : ''}`;
  return { line, caret: `${before.replace(/[^\t]/g, ' ')}^` };
};
