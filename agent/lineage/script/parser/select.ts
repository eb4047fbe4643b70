import type { Prefix, SelectStep } from '../syntax.ts';
import type { Reader } from './reader.ts';

/** What goes to the current connection, as it stands there; the reader stands on SQL, SELECT, DIRECT or SQLTABLES. */
export const takeSelect = (reader: Reader, prefixes: readonly Prefix[]): SelectStep => {
  const start = reader.position;
  const sql = reader.takeWord('sql') !== undefined;
  const first = reader.word();
  const kind = kindOf(first);
  if (reader.done) reader.fail('nothing follows SQL');
  // DIRECT is followed by QUERY, and that by DIMENSION.
  if (!sql && first === 'direct' && reader.word(1) !== 'query') reader.fail('QUERY is missing behind DIRECT');
  const text = reader.text.slice(reader.position, reader.end).trim();
  reader.at = reader.tokens.length;
  return { type: 'select', prefixes, kind, text, span: { start, end: reader.end } };
};

const kindOf = (word: string): SelectStep['kind'] => {
  switch (word) {
    case 'sqltables':
    case 'sqlcolumns':
    case 'sqltypes':
    case 'direct':
      return word;
    default:
      return 'select';
  }
};
