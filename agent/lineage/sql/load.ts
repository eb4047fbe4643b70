import { analyser, type ParseSql } from './analyse.ts';
import type { AnalyseSql } from './analysis.ts';

let loading: Promise<AnalyseSql> | undefined;

/**
 * The analysis of SELECTs with its parser, which is WebAssembly of 22.8 MB: it is loaded at the first call and once, in
 * about a quarter of a second. Call it when the first SELECT comes, and never in a process that must answer in time.
 */
export function loadSql(): Promise<AnalyseSql> {
  loading ??= parser().then(analyser);
  return loading;
}

async function parser(): Promise<ParseSql> {
  const { parse } = await import('@polyglot-sql/sdk');
  return (sql, dialect) => {
    const result = parse(sql, dialect as Parameters<typeof parse>[1]);
    return result.success
      ? { statements: result.ast }
      : { at: result.errorStart ?? 0, tooDeep: (result.error ?? '').includes('E_GUARD') };
  };
}
