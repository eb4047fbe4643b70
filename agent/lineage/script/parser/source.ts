import { CLOSING, inlineEnd } from '../quotes.ts';
import type { LoadSource } from '../syntax.ts';
import { takeFormat } from './format.ts';
import type { Reader } from './reader.ts';

/** Where a LOAD reads from: the reader stands on FROM, RESIDENT, INLINE, … */
export const takeSource = (reader: Reader): LoadSource => {
  const start = reader.position;
  const keyword = reader.expectWord('from', 'resident', 'inline', 'autogenerate', 'from_field', 'extension');
  switch (keyword) {
    case 'from': {
      const [path = '', ...others] = takePaths(reader);
      const format = takeFormat(reader);
      return { type: 'file', path, others, format, span: reader.spanFrom(start) };
    }
    case 'resident': {
      // `RESIDENT (T)` occurs.
      const enclosed = reader.skip('(');
      const table = reader.name('the table behind RESIDENT');
      if (enclosed) reader.expect(')');
      return { type: 'resident', table, span: reader.spanFrom(start) };
    }
    case 'inline': {
      const body = takeBody(reader);
      const format = takeFormat(reader);
      return { type: 'inline', body, format, span: reader.spanFrom(start) };
    }
    case 'autogenerate': {
      const count = reader.needed('the number behind AUTOGENERATE');
      return { type: 'autogenerate', count, span: reader.spanFrom(start) };
    }
    case 'from_field': {
      const [table = '', field = ''] = reader.arguments();
      if (table === '' || field === '') reader.fail('FROM_FIELD needs a table and a field');
      const format = takeFormat(reader);
      return { type: 'fromField', table, field, format, span: reader.spanFrom(start) };
    }
    default:
      return takeExtension(reader, start);
  }
};

/** One path, or several with commas between them. */
const takePaths = (reader: Reader): string[] => {
  const paths: string[] = [];
  do paths.push(reader.path());
  while (reader.skip(','));
  return paths;
};

/** An inline table: nothing in it is doubled, and nothing is code. */
const takeBody = (reader: Reader): string => {
  const start = reader.position;
  const { token } = reader;
  if (token?.kind === 'expansion') {
    reader.at += 1;
    return token.text;
  }
  const end = CLOSING.has(reader.text[start] ?? '') ? inlineEnd(reader.text, start) : -1;
  if (end === -1 || end >= reader.end) return reader.fail('the rows behind INLINE are missing');
  const body = reader.text.slice(start + 1, end);
  reader.seek(end + 1);
  return body;
};

/** `EXTENSION plugin.function(script, T1{a, b}, T2)`. */
const takeExtension = (reader: Reader, start: number): LoadSource => {
  const name = reader.name('the function behind EXTENSION');
  const tables: string[] = [];
  if (reader.is('(')) {
    let [depth, fresh] = [0, false];
    do {
      if (reader.is('(') || reader.is('{')) {
        depth += 1;
        fresh = depth === 1;
      } else if (reader.is(')') || reader.is('}')) depth -= 1;
      else if (reader.is(',')) fresh = depth === 1;
      else if (fresh) {
        fresh = false;
        // The first argument may be the text of a program.
        if (reader.token?.kind !== 'text') {
          tables.push(reader.name('a table'));
          continue;
        }
      }
      reader.at += 1;
    } while (depth > 0 && !reader.done);
  }
  return { type: 'extension', name, tables, span: reader.spanFrom(start) };
};
