import type { Limits } from '../result.ts';
import { statements } from '../script/statements.ts';
import type { InterpretOnce } from './script-work.ts';

/** Bounds on one script: far beyond what people write, and within the time after which the process is killed. */
export const LIMITS: Limits = { steps: 200_000, depth: 64, iterations: 1_000, timeMs: 10_000, fields: 100_000 };

/** Until the interpreter stands: the statements are counted, and none is understood. */
export const interpretOnce: InterpretOnce = async ({ text }) => {
  const total = [...statements(text)].length;
  return {
    lineage: {
      tables: [],
      stores: [],
      datasets: [],
      diagnostics: [],
      statements: { total, understood: 0, opaque: total },
      variables: new Map(),
      sectionAccess: false,
      wanted: [],
      cut: undefined,
    },
    sqlMs: 0,
  };
};
