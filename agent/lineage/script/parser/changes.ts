import type {
  AliasStatement,
  DropStatement,
  MapStatement,
  QualifyStatement,
  RenameStatement,
  StoreStatement,
} from '../syntax.ts';
import { takeFormat } from './format.ts';
import { takeFields } from './load.ts';
import type { Reader } from './reader.ts';

/** What is done to tables and fields that are there. Each function stands on the statement's first word. */

/** `STORE [fields FROM] table INTO path [(format)]`. Several tables (parquet) are several statements. */
export const takeStore = (reader: Reader): StoreStatement[] => {
  const start = reader.position;
  reader.expectWord('store');
  const fields = hasFrom(reader) ? takeStored(reader) : [];
  const tables: string[] = [];
  do tables.push(reader.name('the table to store'));
  while (reader.skip(','));
  reader.expectWord('into');
  const path = reader.path();
  const format = takeFormat(reader);
  reader.expectDone();
  return tables.map((table) => ({ type: 'store', fields, table, path, format, span: reader.spanFrom(start) }));
};

const takeStored = (reader: Reader) => {
  const fields = takeFields(reader, () => reader.word() === 'from' && reader.word(1) !== 'as' && !reader.is(',', 1));
  reader.expectWord('from');
  return fields;
};

/** A field list ends at a FROM in front of INTO. */
const hasFrom = (reader: Reader): boolean => {
  for (let ahead = 0; reader.at + ahead < reader.tokens.length; ahead++) {
    const word = reader.word(ahead);
    if (word === 'into') return false;
    if (word === 'from' && ahead > 0) return true;
  }
  return false;
};

export const takeDrop = (reader: Reader): DropStatement => {
  const start = reader.position;
  reader.expectWord('drop');
  const what = takeWhat(reader);
  const names = takeNames(reader);
  const from = reader.takeWord('from') === undefined ? [] : takeNames(reader);
  reader.expectDone();
  return { type: 'drop', what, names, from, span: reader.spanFrom(start) };
};

const takeNames = (reader: Reader): string[] => {
  const names: string[] = [];
  do names.push(reader.name('a name'));
  while (reader.skip(','));
  return names;
};

/** TABLE, TABLES, FIELD or FIELDS. */
export const takeWhat = (reader: Reader): 'table' | 'field' =>
  reader.expectWord('table', 'tables', 'field', 'fields').startsWith('table') ? 'table' : 'field';

export const takeRename = (reader: Reader): RenameStatement => {
  const start = reader.position;
  reader.expectWord('rename');
  const what = takeWhat(reader);
  if (reader.takeWord('using') !== undefined) {
    const using = reader.name('the map');
    reader.expectDone();
    return { type: 'rename', what, pairs: [], using, span: reader.spanFrom(start) };
  }
  const pairs = takePairs(reader, 'to');
  return { type: 'rename', what, pairs, using: undefined, span: reader.spanFrom(start) };
};

export const takeAlias = (reader: Reader): AliasStatement => {
  const start = reader.position;
  reader.expectWord('alias');
  const pairs = takePairs(reader, 'as');
  return { type: 'alias', pairs, span: reader.spanFrom(start) };
};

const takePairs = (reader: Reader, between: string): { readonly from: string; readonly to: string }[] => {
  const pairs: { from: string; to: string }[] = [];
  do {
    const from = reader.name('the old name');
    reader.expectWord(between);
    pairs.push({ from, to: reader.name('the new name') });
  } while (reader.skip(','));
  reader.expectDone();
  return pairs;
};

export const takeQualify = (reader: Reader): QualifyStatement => {
  const start = reader.position;
  const type = reader.expectWord('qualify', 'unqualify') as 'qualify' | 'unqualify';
  const names = reader.names('a field');
  reader.expectDone();
  return { type, names, span: reader.spanFrom(start) };
};

export const takeMap = (reader: Reader): MapStatement => {
  const start = reader.position;
  const type = reader.expectWord('map', 'unmap') as 'map' | 'unmap';
  const names = reader.names('a field');
  if (type === 'map') reader.expectWord('using');
  const using = type === 'map' ? reader.name('the map') : undefined;
  reader.expectDone();
  return { type, names, using, span: reader.spanFrom(start) };
};
