import { labelAt } from '../labels.ts';
import type { Prefix } from '../syntax.ts';
import type { Reader } from './reader.ts';

/** What stands in front of LOAD or SELECT: a label, prefixes, both in any order. */
export interface Head {
  readonly label: string | undefined;
  readonly prefixes: readonly Prefix[];
}

const SIDES: ReadonlySet<string> = new Set(['inner', 'left', 'right', 'outer']);

/** Reads up to the word that says what is done; a label may stand in front of the prefixes, between or behind them. */
export const takeHead = (reader: Reader): Head => {
  const prefixes: Prefix[] = [];
  let label: string | undefined;
  while (!reader.done) {
    const found = reader.atName ? labelAt(reader.text, reader.position) : undefined;
    if (found !== undefined && found.end <= reader.end) {
      label ??= found.name;
      reader.seek(found.end);
      continue;
    }
    const prefix = takePrefix(reader);
    if (prefix === undefined) break;
    prefixes.push(prefix);
  }
  return { label, prefixes };
};

const takePrefix = (reader: Reader): Prefix | undefined => {
  const { token } = reader;
  if (token?.kind === 'expansion') {
    // With nothing behind it, it is no prefix.
    if (reader.at + 1 >= reader.tokens.length) return undefined;
    reader.at += 1;
    return { type: 'macro', text: token.text };
  }
  const word = reader.word();
  switch (word) {
    case 'concatenate':
      reader.at += 1;
      return { type: word, table: takeTable(reader) };
    case 'noconcatenate':
    case 'mapping':
    case 'generic':
      reader.at += 1;
      return { type: word };
    case 'inner':
    case 'left':
    case 'right':
    case 'outer':
    case 'join':
    case 'keep':
      return takeJoin(reader, word);
    case 'crosstable':
      return takeCrosstable(reader);
    case 'hierarchy':
    case 'hierarchybelongsto':
      reader.at += 1;
      return { type: word, args: reader.arguments() };
    case 'intervalmatch': {
      reader.at += 1;
      const [field = '', ...keys] = reader.arguments();
      return { type: word, field, keys };
    }
    case 'add':
    case 'replace':
    case 'merge':
      return takeChange(reader, word);
    case 'first':
    case 'sample':
    case 'when':
    case 'unless':
      reader.at += 1;
      return { type: word, condition: reader.needed(`what ${word.toUpperCase()} asks for`) };
    case 'buffer':
      reader.at += 1;
      if (reader.is('(')) reader.arguments();
      return { type: word };
    case 'bundle':
    case 'info':
      reader.at += 1;
      if (reader.takeWord('image_size') !== undefined) reader.arguments();
      return { type: word };
    case 'semantic':
    case 'partial':
      reader.at += 1;
      return { type: word };
    default:
      return undefined;
  }
};

/** `(Sales)`, or undefined when there is none. The parenthesis may hold a name in any quotes. */
const takeTable = (reader: Reader): string | undefined => {
  if (!reader.is('(')) return bareTable(reader);
  const [table = ''] = reader.arguments();
  return table === '' ? undefined : table;
};

/** Without a parenthesis, which the engine forgives nobody, and people try: `LEFT JOIN Sales LOAD …`. */
const bareTable = (reader: Reader): string | undefined => {
  if (!reader.atName || labelAt(reader.text, reader.position) !== undefined) return undefined;
  const next = reader.word(1);
  if (next !== 'load' && next !== 'select' && next !== 'sql') return undefined;
  const word = reader.word();
  if (word === 'sql' || word === 'distinct' || word === 'mapping' || word === 'noconcatenate') return undefined;
  return reader.token?.kind === 'expansion' ? undefined : reader.name('a table');
};

const takeJoin = (reader: Reader, first: string): Prefix => {
  const side = SIDES.has(first) ? (first as 'inner' | 'left' | 'right' | 'outer') : 'outer';
  if (SIDES.has(first)) reader.at += 1;
  // LEFT OUTER JOIN, as databases have it.
  reader.takeWord('outer');
  const type = reader.expectWord('join', 'keep') as 'join' | 'keep';
  return { type, side, table: takeTable(reader) };
};

const takeCrosstable = (reader: Reader): Prefix => {
  reader.at += 1;
  const [attribute = '', data = '', kept = ''] = reader.arguments();
  if (attribute === '' || data === '') reader.fail('CROSSTABLE needs the names of two fields');
  return { type: 'crosstable', attribute, data, kept: kept === '' ? 1 : Number(kept) };
};

/** `ADD [ONLY]`, `REPLACE [ONLY]`, `MERGE [ONLY] [(sequence[, variable])] [ON keys]`; CONCATENATE behind them is a prefix of its own. */
const takeChange = (reader: Reader, type: 'add' | 'replace' | 'merge'): Prefix => {
  reader.at += 1;
  const only = reader.takeWord('only') !== undefined;
  const args = reader.is('(') ? reader.arguments() : [];
  if (type !== 'merge') return { type, only, table: args[0] };
  const keys: string[] = [];
  if (reader.takeWord('on') !== undefined) {
    if (reader.is('(')) keys.push(...reader.arguments());
    else {
      do keys.push(reader.name('a key'));
      while (reader.skip(','));
    }
  }
  return { type, only, args, keys };
};
