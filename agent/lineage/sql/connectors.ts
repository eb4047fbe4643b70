import type { SqlAnalysis, SqlColumn, SqlOrigin, SqlTable } from './analysis.ts';
import { closing, isSign, isWord, type SqlToken } from './tokens.ts';

const WORDS = ['fk', 'pk'];
const MAX_DEPTH = 60;

/** A column is asked for under its name in the connector's answer. */
function column(name: string, source: string, object: string): SqlColumn {
  const origin: SqlOrigin = { object, column: source, role: 'value', confidence: 'exact', reasons: [] };
  return { name, from: [origin] };
}

const isName = (token: SqlToken | undefined): boolean => token?.type === 'word' || token?.type === 'quoted';

/**
 * The pseudo-SQL of connectors, which only looks like SQL. The REST connector nests a SELECT for every array and gives all
 * of their columns in one table: `SELECT "a", (SELECT "b" FROM "list" FK "__FK_list") FROM JSON (wrap on) "root" PK "…"`.
 * Web connectors name an endpoint: `SELECT a, b FROM Endpoint WITH PROPERTIES (…)`. Undefined: it is SQL for a database.
 */
export function connectorSelect(tokens: readonly SqlToken[]): SqlAnalysis | undefined {
  const at = tokens.findIndex(
    (token, i) =>
      isWord(token, 'with') && isWord(tokens[i + 1], 'connection', 'properties') && isSign(tokens[i + 2], '('),
  );
  const end = at < 0 ? tokens.length : at;
  if (!isWord(tokens[0], 'select')) return undefined;
  const tables: SqlTable[] = [];
  const pseudo = at >= 0 || isRest(tokens);
  if (!pseudo || !readSelect(tokens.slice(0, end), tables, 0)) return undefined;
  // The outermost SELECT is read last and stands first.
  const [root, ...nested] = [tables.at(-1), ...tables.slice(0, -1)];
  if (root === undefined) return undefined;
  const objects = [...new Set(tables.map((table) => table.name))];
  const own = [root, ...nested].map(({ columns }) => columns.filter((c) => c.name !== '*'));
  const open = tables.some((table) => table.columns.some((c) => c.name === '*'));
  return {
    columns: own.flat(),
    rows: [],
    open,
    objects: [root.name, ...objects.filter((name) => name !== root.name)],
    tables:
      nested.length === 0 && at >= 0 && !isRest(tokens)
        ? []
        : tables.map((t, i) => ({ ...t, columns: (i === tables.length - 1 ? own[0] : own[i + 1]) ?? [] })),
    how: 'rest',
    diagnostics: [],
  };
}

/** `FROM JSON (wrap on) "root"`, or a SELECT in brackets with a key. */
function isRest(tokens: readonly SqlToken[]): boolean {
  return tokens.some(
    (token, i) =>
      (isWord(token, 'from') &&
        isWord(tokens[i + 1], 'json', 'xml', 'csv', 'html') &&
        tokens[i + 2]?.type !== 'word') ||
      (isWord(token, ...WORDS) && tokens[i + 1]?.type === 'quoted' && tokens[i - 1]?.type !== 'sign'),
  );
}

/** Reads one SELECT and those in it into `tables`, the innermost first; false when it is not of this kind. */
function readSelect(tokens: readonly SqlToken[], tables: SqlTable[], depth: number): boolean {
  if (depth > MAX_DEPTH || !isWord(tokens[0], 'select')) return false;
  const items: { readonly name: string; readonly source: string }[] = [];
  let i = isWord(tokens[1], 'distinct', 'all') ? 2 : 1;
  while (i < tokens.length && !isWord(tokens[i], 'from')) {
    const token = tokens[i];
    if (isSign(token, ',')) i += 1;
    else if (isSign(token, '(')) {
      const end = closing(tokens, i);
      if (!readSelect(tokens.slice(i + 1, end), tables, depth + 1)) return false;
      i = end + 1;
    } else if (isSign(token, '*')) {
      items.push({ name: '*', source: '*' });
      i += 1;
    } else {
      const source = nameAt(tokens, i);
      if (source === undefined) return false;
      i = source.end;
      const alias = isWord(tokens[i], 'as') ? i + 1 : i;
      const named = tokens[alias];
      const given = (isName(named) && !isWord(named, 'from')) || named?.type === 'text';
      items.push({ name: given && named !== undefined ? named.value : source.name, source: source.name });
      i = given ? alias + 1 : i;
      // What else stands here until the comma tells the connector how to read the value.
      if (given || alias === i)
        while (i < tokens.length && !isSign(tokens[i], ',') && !isWord(tokens[i], 'from')) i = past(tokens, i);
    }
  }
  const object = objectAt(tokens, i + 1);
  if (object === undefined) return false;
  tables.push({ name: object, columns: items.map(({ name, source }) => column(name, source, object)) });
  return true;
}

const past = (tokens: readonly SqlToken[], i: number): number =>
  isSign(tokens[i], '(') ? closing(tokens, i) + 1 : i + 1;

/** A name with points and other signs in it, as connectors forgive them: `ga:users`, `user.name`. */
function nameAt(
  tokens: readonly SqlToken[],
  from: number,
): { readonly name: string; readonly end: number } | undefined {
  const token = tokens[from];
  if (token === undefined || (!isName(token) && token.type !== 'text' && token.type !== 'number')) return undefined;
  let name = token.value;
  let end = from + 1;
  while (end < tokens.length) {
    const sign = tokens[end];
    const next = tokens[end + 1];
    const glued = sign?.type === 'sign' && sign.start === tokens[end - 1]?.end && next?.start === sign.end;
    if (!glued || next === undefined || (!isName(next) && next.type !== 'number') || !/^[.:/@-]$/.test(sign.value))
      break;
    name += sign.value + next.value;
    end += 2;
  }
  return isSign(tokens[end], '(') ? undefined : { name, end };
}

/** The array or endpoint behind FROM: `JSON (wrap on) "root"`, `"items"`, `Endpoint`. */
function objectAt(tokens: readonly SqlToken[], from: number): string | undefined {
  let i = from;
  if (
    isWord(tokens[i], 'json', 'xml', 'csv', 'html', 'text') &&
    (isSign(tokens[i + 1], '(') || tokens[i + 1]?.type === 'quoted')
  ) {
    const format = tokens[i]?.value;
    i = isSign(tokens[i + 1], '(') ? closing(tokens, i + 1) + 1 : i + 1;
    if (!isName(tokens[i])) return format;
  }
  return nameAt(tokens, i)?.name;
}
