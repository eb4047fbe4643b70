import { interpret } from '#agent/lineage/interpreter/interpret.ts';
import type { Limits, ScriptLineage, Surroundings } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import type { AnalyseSql } from '#agent/lineage/sql/analysis.ts';

export const LIMITS: Limits = { steps: 20_000, depth: 32, iterations: 100, timeMs: 60_000, fields: 20_000 };

/** `SELECT a, b AS c FROM t`, and nothing more: the parser of SQL has tests of its own. */
const plainSelects: AnalyseSql = ({ text }) => {
  const [, list = '', object = ''] = /^\s*select\s+(.*?)\s+from\s+(\S+)/is.exec(text) ?? [];
  const columns = list.split(',').map((column) => column.trim().split(/\s+as\s+/i));
  const open = list.trim() === '*';
  return {
    columns: open
      ? []
      : columns.map(([column = '', name = column]) => ({
          name,
          from: [{ object, column, role: 'value', confidence: 'exact', reasons: [] }],
        })),
    open,
    objects: [object],
    tables: [],
    how: 'parser',
    diagnostics: [],
  };
};

export const told = (script: string, surroundings: Surroundings = {}, limits: Limits = LIMITS): ScriptLineage =>
  interpret(script, surroundings, limits, plainSelects);

/** `{ Orders: { Id: ['o.qvd: Id', 'c.qvd: Id (key)'] } }`: of the tables that are there in the end. */
export const tablesOf = (script: string, surroundings: Surroundings = {}): Record<string, Record<string, string[]>> =>
  Object.fromEntries(
    told(script, surroundings)
      .tables.filter(({ final }) => final)
      .map(({ name, fields }) => [name, fieldsOf(fields)]),
  );

export const fieldsOf = (fields: ScriptLineage['tables'][number]['fields']): Record<string, string[]> =>
  Object.fromEntries(
    fields.map(({ name, origins }) => [
      name,
      origins.map(
        ({ source, field, role }) => `${sourceName(source)}: ${field}${role === 'value' ? '' : ` (${role})`}`,
      ),
    ]),
  );

export const codesOf = (script: string, surroundings: Surroundings = {}): string[] =>
  told(script, surroundings).diagnostics.map(({ code }) => code);
