import { CLOSING } from './quotes.ts';

/** What stands between the quotes or brackets that enclose the whole of a text, a doubled one as one; else the text, without blanks around it. */
export const withoutQuotes = (written: string): string => {
  const text = written.trim();
  const closing = CLOSING.get(text[0] ?? '');
  if (closing === undefined || text.length < 2 || !text.endsWith(closing)) return text;
  const inner = text.slice(1, -1).replaceAll(closing + closing, '\0');
  // `'a' & 'b'` begins and ends with a quote as well.
  if (inner.includes(closing) || (closing === ']' && inner.includes('['))) return text;
  return inner.replaceAll('\0', closing);
};
