import type { Expression } from '../../syntax/expression.ts';
import { SOURCES } from '../keywords.ts';
import type { FieldItem, LoadSource, LoadStep, Prefix } from '../syntax.ts';
import { NotUnderstood, type Reader } from './reader.ts';
import { takeSource } from './source.ts';

/** LOAD with its fields, source and clauses; the reader stands on LOAD. */
export const takeLoad = (reader: Reader, prefixes: readonly Prefix[]): LoadStep => {
  const start = reader.position;
  reader.expectWord('load');
  const distinct = reader.takeWord('distinct') !== undefined;
  const fields = takeFields(reader, () => atClause(reader));
  const { strayCommas } = reader;
  let source: LoadSource | undefined;
  let where: Expression | undefined;
  let whileTrue: Expression | undefined;
  let groupBy: readonly Expression[] = [];
  let orderBy: readonly Expression[] = [];
  while (!reader.done) {
    const word = reader.word();
    if (source === undefined && SOURCES.has(word)) source = takeSource(reader);
    else if (word === 'where') where = takeCondition(reader);
    else if (word === 'while') whileTrue = takeCondition(reader);
    else if (word === 'group') groupBy = takeList(reader);
    else if (word === 'order') orderBy = takeList(reader);
    // It may stand for a clause, or for nothing: nobody knows.
    else if (reader.token?.kind === 'expansion') reader.at += 1;
    else reader.expectDone();
  }
  if (fields.length === 0) reader.fail('LOAD names no field');
  return {
    type: 'load',
    prefixes,
    distinct,
    fields,
    ...(strayCommas.length > 0 && { strayCommas }),
    source,
    where,
    while: whileTrue,
    groupBy,
    orderBy,
    span: reader.spanFrom(start),
  };
};

/** Whether a clause begins here, and no field that is called like one. */
const atClause = (reader: Reader): boolean => {
  const word = reader.word();
  if (word === 'group' || word === 'order') return reader.word(1) === 'by';
  if (!SOURCES.has(word) && word !== 'where' && word !== 'while') return false;
  const next = reader.tokens[reader.at + 1];
  if (next === undefined || reader.word(1) === 'as') return false;
  if ((word === 'where' || word === 'while') && SOURCES.has(reader.word(1))) return false;
  // AUTOGENERATE(10), FROM_FIELD(t, f); `WHERE -1`.
  if (next.kind === 'symbol') return next.text === '(' ? word !== 'from' : '-+.\\/'.includes(next.text);
  return true;
};

/**
 * Fields between commas, up to where `ends` says that they do. An expansion between two fields is one of its own; one that
 * cannot be read does not take the others with it.
 */
export const takeFields = (reader: Reader, ends: () => boolean): FieldItem[] => {
  const items: FieldItem[] = [];
  let failure: NotUnderstood | undefined;
  /** Of the comma that waits for a field. */
  let comma: number | undefined;
  while (!reader.done && !ends()) {
    const start = reader.position;
    if (reader.skip(',')) {
      if (items.length === 0 || comma !== undefined) reader.strayCommas.push(start);
      else comma = start;
      continue;
    }
    comma = undefined;
    if (reader.is('*') && (reader.at + 1 >= reader.tokens.length || behindStar(reader, ends))) {
      reader.at += 1;
      items.push({ type: 'all', span: reader.spanFrom(start) });
      continue;
    }
    const before = reader.at;
    try {
      items.push(...takeField(reader, ends));
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      const unreadable = skipField(reader, before, ends);
      if (unreadable === undefined) throw error;
      items.push(unreadable);
      failure ??= error;
    }
  }
  if (comma !== undefined) reader.strayCommas.push(comma);
  // Nothing but what cannot be read is no list of fields.
  if (failure !== undefined && !items.some(isReadable)) throw failure;
  return items;
};

/** Whether a field is one; what it is made of may still be partly beyond us. */
export const isReadable = (item: FieldItem): boolean =>
  item.type === 'all' || (item.type === 'field' && item.expression.type !== 'unreadable');

/** A field with its name, or several that an expansion holds together. */
const takeField = (reader: Reader, ends: () => boolean): FieldItem[] => {
  const start = reader.position;
  const expression = reader.needed('a field');
  // What it swallowed holds the clauses behind it: without them the statement would load nothing from nowhere.
  if (reader.gaveUp) reader.fail('no end of a field in it is found');
  const whole = reader.spanFrom(start);
  const alias = reader.takeWord('as') === undefined ? undefined : reader.name('the name behind AS');
  const pieces = split(expression);
  const items = pieces.map((piece, index): FieldItem => {
    const name = index === pieces.length - 1 ? alias : undefined;
    const written = pieces.length === 1 ? whole : piece.span;
    return {
      type: 'field',
      expression: piece,
      name: name ?? nameFor(piece, reader.text.slice(written.start, written.end)),
      aliased: name !== undefined,
      span: pieces.length === 1 ? reader.spanFrom(whole.start) : piece.span,
    };
  });
  const free = reader.token?.kind === 'expansion' || reader.tokens[reader.at - 1]?.kind === 'expansion';
  if (!reader.done && !reader.is(',') && !free && !ends()) {
    reader.fail('a comma is missing between fields');
  }
  return items;
};

/** Goes on behind a field that cannot be read; undefined when nothing tells where that is. What stands behind its AS names it still. */
const skipField = (reader: Reader, from: number, ends: () => boolean): FieldItem | undefined => {
  reader.at = from;
  const start = reader.position;
  let [depth, as] = [0, -1];
  while (!reader.done && !(depth === 0 && (reader.is(',') || ends()))) {
    if (reader.is('(')) depth += 1;
    else if (reader.is(')')) depth = Math.max(0, depth - 1);
    else if (depth === 0 && reader.word() === 'as') as = reader.at;
    reader.at += 1;
  }
  if (reader.done || reader.at === from) return undefined;
  const span = reader.spanFrom(start);
  const end = reader.at;
  if (as <= from || end !== as + 2) return { type: 'unreadable', span };
  reader.at = as + 1;
  const name = reader.atName ? reader.name('the name behind AS') : undefined;
  const named = reader.at === end;
  reader.at = end;
  if (name === undefined || !named) return { type: 'unreadable', span };
  const why = 'it is no expression';
  return { type: 'field', expression: { type: 'unreadable', text: '', why, span }, name, aliased: true, span };
};

const behindStar = (reader: Reader, ends: () => boolean): boolean => {
  reader.at += 1;
  const free = reader.is(',') || reader.token?.kind === 'expansion' || ends();
  reader.at -= 1;
  return free;
};

/** `a $(more) b`, with nothing between them: what the expansion stands for begins or ends with a comma. */
const split = (expression: Expression): readonly Expression[] => {
  if (expression.type !== 'binary' || expression.operator !== '') return [expression];
  return [...split(expression.left), ...split(expression.right)];
};

/** A field without AS is called as it was, an expression by its text. */
const nameFor = (expression: Expression, written: string): string =>
  expression.type === 'name' ? expression.name : written.trim();

const takeCondition = (reader: Reader): Expression => {
  reader.at += 1;
  return reader.needed('a condition');
};

/** `GROUP BY a, b` and `ORDER BY a ASC, b DESC`. */
const takeList = (reader: Reader): Expression[] => {
  reader.at += 1;
  reader.expectWord('by');
  const found: Expression[] = [];
  do {
    found.push(reader.needed('a field'));
    reader.takeWord('asc', 'desc', 'ascending', 'descending');
  } while (reader.skip(','));
  return found;
};
