import type { AnalyseSql, SqlAnalysis, SqlRequest } from './analysis.ts';
import { givesNoRows, withoutSettings } from './changes.ts';
import { connectorSelect } from './connectors.ts';
import { parserDialects } from './dialects.ts';
import { Holes } from './holes.ts';
import { weakened } from './origins.ts';
import { parsedQuery } from './parsed.ts';
import { type Prepared, prepare } from './prepare.ts';
import { print } from './print.ts';
import type { Query } from './query.ts';
import { Resolver } from './resolve.ts';
import { scanQuery } from './scan.ts';
import { isSign, isWord, type SqlToken, tokenize } from './tokens.ts';
import { unnamedColumns } from './unnamed.ts';

/** A parser of SQL: the statements of a text as trees, or the place (in code points) where it gave up. */
export type ParseSql = (sql: string, dialect: string) => { readonly statements: readonly unknown[] } | Refusal;

/** `tooDeep`: it is over the parser's own limits, in any dialect. */
export interface Refusal {
  readonly at: number;
  readonly tooDeep: boolean;
}

/** What is larger is read by its words alone: a parser takes time and memory for it that nobody can bound. */
const MAX_CHARACTERS = 200_000;
/** And this is left alone: no person wrote it. */
const MAX_READ = 1_000_000;
const MAX_TOKENS = 40_000;
const MAX_NESTING = 150;
const MAX_KEPT = 200;

/** What was read of a text, before any column is looked up. */
type Read =
  | { readonly type: 'done'; readonly analysis: SqlAnalysis }
  | {
      readonly type: 'query';
      readonly query: Query;
      readonly holes: Holes;
      readonly prepared: Prepared;
      readonly how: 'parser' | 'fallback';
      readonly diagnostics: SqlAnalysis['diagnostics'];
    };

const NOTHING: SqlAnalysis = {
  columns: [],
  rows: [],
  open: true,
  objects: [],
  tables: [],
  how: 'fallback',
  diagnostics: [],
};

/**
 * An {@link AnalyseSql} over a parser. What it read of a text is kept, for scripts repeat their statements; columns are
 * looked up each time. It never throws, whatever the parser does.
 */
export function analyser(parse: ParseSql): AnalyseSql {
  const kept = new Map<string, Read>();
  return (request) => {
    const key = `${request.dialect ?? ''}\n${request.text}`;
    let read = kept.get(key);
    if (read === undefined) {
      read = readSql(request, parse);
      if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string);
      kept.set(key, read);
    }
    return read.type === 'done' ? read.analysis : resolved(request, read);
  };
}

const diagnostic = (code: string, message: string, at: number) => ({ code: `lineage.sql.${code}`, message, at });

function readSql(request: SqlRequest, parse: ParseSql): Read {
  const { text, dialect } = request;
  if (text.length > MAX_READ) {
    const found = [diagnostic('too-big', `the SELECT is too big to be read (${text.length} characters)`, 0)];
    return { type: 'done', analysis: { ...NOTHING, diagnostics: found } };
  }
  const raw = tokenize(text);
  const [first] = raw;
  if (first === undefined) return { type: 'done', analysis: { ...NOTHING, open: false } };
  const start = isWord(first, 'sql') ? 1 : 0;
  if (isWord(raw[start], 'sqltables', 'sqlcolumns', 'sqltypes')) {
    // The driver's own lists of what there is: their columns differ from driver to driver.
    return { type: 'done', analysis: { ...NOTHING, objects: [(raw[start] as SqlToken).value.toUpperCase()] } };
  }
  const connector = connectorSelect(raw.slice(start));
  if (connector !== undefined) return { type: 'done', analysis: connector };
  const whole = prepare(text, dialect);
  const prepared = { ...whole, tokens: withoutSettings(whole.tokens) };
  if (givesNoRows(prepared.tokens)) return { type: 'done', analysis: { ...NOTHING, open: false, rowless: true } };
  const called = procedure(prepared.tokens);
  if (called !== undefined) return { type: 'done', analysis: { ...NOTHING, objects: [called], calls: true } };
  const asked = cube(prepared.tokens);
  if (asked !== undefined) return { type: 'done', analysis: { ...NOTHING, objects: [asked] } };
  const holes = new Holes();
  const size = tooBig(text, prepared.tokens);
  const parsed = size === undefined ? tryDialects(text, prepared.tokens, dialect, holes, parse) : undefined;
  if (parsed?.query !== undefined)
    return { type: 'query', query: parsed.query, holes, prepared, how: 'parser', diagnostics: [] };
  const failed =
    size === undefined
      ? diagnostic(
          'not-parsed',
          'the SELECT could not be parsed; tables and columns were found by its words',
          parsed?.at ?? 0,
        )
      : diagnostic('too-big', `the SELECT is too big to be parsed (${size}); it was read by its words`, first.start);
  const scanned = scanQuery(prepared.tokens);
  if (scanned === undefined) return { type: 'done', analysis: { ...NOTHING, diagnostics: [failed] } };
  return { type: 'query', query: scanned, holes, prepared, how: 'fallback', diagnostics: [failed] };
}

function tooBig(text: string, tokens: readonly SqlToken[]): string | undefined {
  if (text.length > MAX_CHARACTERS) return `${text.length} characters`;
  if (tokens.length > MAX_TOKENS) return `${tokens.length} words`;
  let depth = 0;
  let deepest = 0;
  for (const token of tokens) {
    if (isSign(token, '(') || isWord(token, 'case')) deepest = Math.max(deepest, ++depth);
    else if (isSign(token, ')') || isWord(token, 'end')) depth -= 1;
  }
  return deepest > MAX_NESTING ? `${deepest} levels deep` : undefined;
}

function tryDialects(
  text: string,
  tokens: readonly SqlToken[],
  dialect: string | undefined,
  holes: Holes,
  parse: ParseSql,
): { readonly query?: Query; readonly at: number } {
  let at: number | undefined;
  // To SQL Server `IF` begins a statement, and its parser takes all that follows for one; other databases have `IF(a, b, c)`.
  const choice = tokens.some((token, i) => isWord(token, 'if') && isSign(tokens[i + 1], '('));
  for (const name of parserDialects(dialect)) {
    if (name === 'tsql' && choice) continue;
    const printed = print(tokens, text, name, holes);
    let result: ReturnType<ParseSql>;
    try {
      result = parse(printed.sql, name);
    } catch {
      // The parser broke down, which is no reason for us to.
      result = { at: 0, tooDeep: false };
    }
    if ('at' in result) {
      at ??= printed.origin(result.at);
      if (result.tooDeep) break;
      continue;
    }
    const query = parsedQuery(result.statements[0]);
    if (query !== undefined && result.statements.length === 1) return { query, at: 0 };
  }
  return { at: at ?? 0 };
}

/** `EXEC dbo.proc …`, `CALL proc(…)`: the procedure, of which nothing more can be known. */
function procedure(tokens: readonly SqlToken[]): string | undefined {
  if (!isWord(tokens[0], 'exec', 'execute', 'call')) return undefined;
  let name = '';
  for (let i = 1; i < tokens.length; i += 1) {
    const token = tokens[i] as SqlToken;
    const dot = isSign(token, '.');
    if (!dot && (token.type === 'sign' || token.type === 'text' || token.type === 'number')) break;
    if (!dot && name !== '' && !name.endsWith('.')) break;
    name += token.value;
  }
  return name === '' ? undefined : name;
}

/** The cube of a query in MDX (`… ON COLUMNS FROM [Sales]`), whose result no text tells. */
function cube(tokens: readonly SqlToken[]): string | undefined {
  const axis = tokens.some((t, i) => isWord(t, 'on') && isWord(tokens[i + 1], 'columns', 'rows'));
  const from = tokens.findIndex((token) => isWord(token, 'from'));
  return axis && from >= 0 ? tokens[from + 1]?.value : undefined;
}

/** What a person may see of an expansion: the name of a variable, and nothing that may be a literal. */
const shown = (token: SqlToken): string => (/^\$\([^'"`=()[\]]{1,60}\)$/.test(token.value) ? token.value : '$(…)');

function resolved(request: SqlRequest, read: Read & { type: 'query' }): SqlAnalysis {
  const { prepared, how } = read;
  const result = new Resolver(request, read.holes).resolve(
    read.query,
    unnamedColumns(prepared.tokens, request.dialect),
  );
  const diagnostics = [...read.diagnostics];
  const [cut] = prepared.cut;
  if (cut !== undefined)
    diagnostics.push(diagnostic('expansion', `what ${shown(cut)} stands for in the SELECT is not known`, cut.start));
  else if (result.expansions)
    diagnostics.push(diagnostic('expansion', 'some columns of the SELECT stand in a variable that is not known', 0));
  if (result.ambiguous.length > 0) {
    const names = result.ambiguous.slice(0, 5).join(', ');
    diagnostics.push(diagnostic('ambiguous', `columns that several tables of the SELECT may have: ${names}`, 0));
  }
  if (result.cut) diagnostics.push(diagnostic('too-big', 'the SELECT reads more columns than can be followed', 0));
  const columns =
    how === 'parser'
      ? result.columns
      : result.columns.map((column) => ({ ...column, from: weakened(column.from, 'inferred', 'sql-fallback') }));
  const rows = how === 'parser' ? result.rows : weakened(result.rows, 'inferred', 'sql-fallback');
  const { open, objects, beyond } = result;
  return { columns, rows, open, ...(beyond && { beyond }), objects, tables: [], how, diagnostics };
}
