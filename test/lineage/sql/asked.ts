import type { Role } from '../../../agent/lineage/result.ts';
import type { SqlAnalysis, SqlOrigin } from '../../../agent/lineage/sql/analysis.ts';
import { loadSql } from '../../../agent/lineage/sql/load.ts';

/** What a SELECT turned out to read, short enough to be written by hand. */
export interface Asked {
  readonly analysis: SqlAnalysis;
  /** Origins of values by column: `dbo.Orders#Id`, with `?` behind a candidate and `~` behind an inferred one. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** What is read in another role, by columns or for the rows, each once. */
  readonly in: (role: Role) => readonly string[];
}

const MARKS: Record<string, string> = { candidate: '?', inferred: '~', opaque: '!' };
const short = (origin: SqlOrigin) => `${origin.object}#${origin.column}${MARKS[origin.confidence] ?? ''}`;

/** Analyses a SELECT with the real parser. `known`: columns of objects, for `*`. */
export async function ask(
  text: string,
  dialect?: string,
  known: Readonly<Record<string, readonly string[]>> = {},
): Promise<Asked> {
  const analyse = await loadSql();
  const analysis = analyse({
    text,
    dialect,
    defaults: { database: undefined, schema: undefined },
    columns: (object) => known[object],
  });
  const values = analysis.columns.map(({ name, from }) => [name, from.filter((o) => o.role === 'value').map(short)]);
  return {
    analysis,
    values: Object.fromEntries(values),
    in: (role) => {
      const all = [...analysis.columns.flatMap(({ from }) => from), ...(analysis.rows ?? [])];
      return [...new Set(all.filter((origin) => origin.role === role).map(short))];
    },
  };
}
