import { interpret } from '../interpreter/interpret.ts';
import type { Limits } from '../result.ts';
import type { AnalyseSql } from '../sql/analysis.ts';
import { loadSql } from '../sql/load.ts';
import type { InterpretOnce } from './script-work.ts';

/** Bounds on one script: far beyond what people write, and within the time after which the process is killed. */
export const LIMITS: Limits = { steps: 200_000, depth: 64, iterations: 1_000, timeMs: 10_000, fields: 100_000 };

/** The word that every SELECT has: without it the parser of SQL is never loaded. */
const SELECT = /\bselect\b/i;

/** Interprets a script and says how much of the time went to SQL. */
export const interpretOnce: InterpretOnce = async ({ text }, known) => {
  const selects = SELECT.test(text) || [...known.includes()].some((included) => SELECT.test(included));
  const analyse = selects ? await loadSql() : withoutSql;
  let sqlMs = 0;
  const timed: AnalyseSql = (request) => {
    const started = performance.now();
    const analysis = analyse(request);
    sqlMs += performance.now() - started;
    return analysis;
  };
  return { lineage: interpret(text, known.surroundings, LIMITS, timed), sqlMs };
};

/** For a SELECT that only an expansion spelt: it stays unknown. */
const withoutSql: AnalyseSql = () => ({
  columns: [],
  open: false,
  objects: [],
  tables: [],
  how: 'fallback',
  diagnostics: [{ code: 'sql.unread', message: 'a SELECT that an expansion made was not read', at: 0 }],
});
