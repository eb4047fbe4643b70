import { interpret } from '../interpreter/interpret.ts';
import type { Limits } from '../result.ts';
import type { AnalyseSql } from '../sql/analysis.ts';
import { loadSql } from '../sql/load.ts';
import type { InterpretOnce } from './script-work.ts';

/** Bounds on one script: far beyond what people write, and within the time after which the process is killed. */
export const LIMITS: Limits = { steps: 200_000, depth: 64, iterations: 1_000, timeMs: 10_000, fields: 100_000 };

/** Undefined until a script asks: the parser of SQL is large, and many scripts read files alone. */
let analyse: AnalyseSql | undefined;

/** Interprets a script and says how much of the time went to SQL. One that is the first to need its parser is read twice. */
export const interpretOnce: InterpretOnce = async ({ text }, known) => {
  if (analyse === undefined) {
    let asked = false;
    const lineage = interpret(text, known.surroundings, LIMITS, () => {
      asked = true;
      return UNREAD;
    });
    if (!asked) return { lineage, sqlMs: 0 };
    analyse = await loadSql();
  }
  const analyser = analyse;
  let sqlMs = 0;
  const timed: AnalyseSql = (request) => {
    const started = performance.now();
    const analysis = analyser(request);
    sqlMs += performance.now() - started;
    return analysis;
  };
  return { lineage: interpret(text, known.surroundings, LIMITS, timed), sqlMs };
};

/** Stands for the answer in the first reading, which is thrown away. */
const UNREAD: ReturnType<AnalyseSql> = {
  columns: [],
  open: false,
  objects: [],
  tables: [],
  how: 'fallback',
  diagnostics: [],
};
