import type { ScriptLineage } from '../result.ts';

/** Of a script that could not be interpreted at all, with the reason. */
export const noLineage = (code: string, message: string): ScriptLineage => ({
  tables: [],
  stores: [],
  datasets: [],
  diagnostics: [{ severity: 'error', code, message, place: { file: '', line: 1, endLine: 1, column: 1 } }],
  statements: { total: 0, understood: 0, opaque: 0 },
  variables: new Map(),
  sectionAccess: false,
  wanted: [],
  cut: undefined,
});
