import { interpret } from '#agent/lineage/interpreter/interpret.ts';
import type { FieldLineage, Limits, Origin, ScriptLineage, Surroundings } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import { loadSql } from '#agent/lineage/sql/load.ts';

const LIMITS: Limits = { steps: 200_000, depth: 64, iterations: 1_000, timeMs: 30_000, fields: 100_000 };

/** What the interpreter makes of a script. */
export const lineageOf = async (text: string, surroundings: Surroundings = {}): Promise<ScriptLineage> =>
  interpret(text, surroundings, LIMITS, await loadSql());

/**
 * What came out, a line for each field and store, easy to write by hand: `T.a < x.qvd:a, (key) y.qvd:b`. A role stands in
 * front unless it is `value`, a confidence behind unless it is `exact`; `-T` was dropped, `T.*` stands for fields that
 * nobody knows.
 */
export const told = ({ tables, stores }: ScriptLineage): string[] => [
  ...tables.flatMap(({ name, fields, final, open }) => {
    const table = `${final ? '' : '-'}${name}`;
    const lines = fields.map((field) => `${table}.${field.name}${from(field)}`);
    return open && !fields.some(({ name }) => name === '*') ? [...lines, `${table}.*`] : lines;
  }),
  ...stores.map(
    ({ target, table, fields, open }) =>
      `${table} > ${target}: ${[...new Set([...fields.map(({ name }) => name), ...(open ? ['*'] : [])])].join(', ')}`,
  ),
];

const from = ({ origins }: FieldLineage): string =>
  origins.length === 0 ? '' : ` < ${origins.map(origin).sort().join(', ')}`;

const origin = ({ source, field, role, confidence }: Origin): string =>
  `${role === 'value' ? '' : `(${role}) `}${sourceName(source)}:${field}${confidence === 'exact' ? '' : ` ${confidence}`}`;
