import type { Holes } from './holes.ts';
import type { SqlToken } from './tokens.ts';

const BACKTICKS = ['mysql', 'bigquery', 'hive', 'spark', 'databricks', 'singlestore', 'doris', 'clickhouse', 'drill'];

/** SQL text with the places that its parts had before. */
export interface Printed {
  readonly sql: string;
  /** The offset in the statement as it was written, for one in `sql` that counts code points. */
  readonly origin: (offset: number) => number;
}

/** Writes tokens as one dialect quotes its names, with stand-ins for what is not known. */
export function print(tokens: readonly SqlToken[], source: string, dialect: string, holes: Holes): Printed {
  const quote = dialect === 'tsql' || dialect === 'fabric' ? '[' : BACKTICKS.includes(dialect) ? '`' : '"';
  const close = quote === '[' ? ']' : quote;
  let sql = '';
  let points = 0;
  let last = -1;
  const places: { readonly out: number; readonly at: number }[] = [];
  for (const token of tokens) {
    if (token.start !== last || token.start === token.end) {
      sql += ' ';
      points += 1;
    }
    places.push({ out: points, at: token.start });
    const value = token.hole ? holes.coverExpansions(token.value) : token.value;
    let piece = value;
    // In MySQL and its like, a name in double quotes is a text, but drivers that Qlik comes with quote names so.
    if (token.type === 'quoted') piece = quote + value.replaceAll(close, close + close) + close;
    else if (token.type === 'text') piece = text(value, source, token);
    sql += piece;
    points += [...piece].length;
    last = token.end;
  }
  return {
    sql,
    origin: (offset) => {
      let at = 0;
      for (const place of places) {
        if (place.out > offset) break;
        at = place.at;
      }
      return at;
    },
  };
}

/** A literal as it was written, prefix and doubled apostrophes included; one that never ends is closed. */
function text(value: string, source: string, token: SqlToken): string {
  if (source[token.start] === "'" && source[token.end - 1] === "'" && token.end - token.start > 1) return `'${value}'`;
  return `'${value.replaceAll("'", "''")}'`;
}
