import type { DatasetUse, FieldLineage, Origin, ScriptLineage, Source, TableLineage } from './result.ts';

/** A source as one text, as written after expansion: `lib://Data/a.xlsx#Sheet1`, `connection:ERP#dbo.Orders`, `inline:`, … */
export const sourceName = (source: Source): string => {
  switch (source.type) {
    case 'file':
      return source.table === undefined ? source.path : `${source.path}#${source.table}`;
    case 'object':
      return source.connection === '' ? source.object : `connection:${source.connection}#${source.object}`;
    case 'inline':
    case 'autogenerate':
      return `${source.type}:`;
    case 'resident':
      return `resident:${source.table}`;
    case 'binary':
      return `binary:${source.path}`;
    case 'extension':
      return `extension:${source.name}`;
    default:
      return source satisfies never;
  }
};

/** What `culvert lineage --json` prints of a script, for use by other programs. */
export const lineageJson = (lineage: ScriptLineage): object => ({
  tables: byName(lineage.tables).map(({ name, fields, final }) => ({ name, fields: fields.map(fieldJson), final })),
  stores: lineage.stores.map(({ target, table, fields }) => ({ target, table, fields: fields.map(fieldJson) })),
  datasets: lineage.datasets.map(datasetJson),
  diagnostics: lineage.diagnostics.map(({ severity, code, message, place }) => ({ severity, code, message, ...place })),
  statements: lineage.statements,
  ...(lineage.cut === undefined ? {} : { cut: lineage.cut }),
});

/** A table that is made and dropped again and again is told once. */
const byName = (tables: readonly TableLineage[]): readonly TableLineage[] => {
  const found = new Map<string, TableLineage>();
  for (const table of tables) {
    const key = `${table.final}|${table.name}`;
    const known = found.get(key);
    found.set(key, known === undefined ? table : { ...known, fields: together(known.fields, table.fields) });
  }
  return [...found.values()];
};

const together = (one: readonly FieldLineage[], other: readonly FieldLineage[]): readonly FieldLineage[] => {
  const found = new Map(one.map((field) => [field.name, field]));
  for (const field of other) {
    const known = found.get(field.name);
    found.set(field.name, known === undefined ? field : { ...known, origins: all(known.origins, field.origins) });
  }
  return [...found.values()];
};

const all = (one: readonly Origin[], other: readonly Origin[]): readonly Origin[] => {
  const key = ({ source, field, role }: Origin): string => `${sourceName(source)}|${field}|${role}`;
  const known = new Set(one.map(key));
  return [...one, ...other.filter((origin) => !known.has(key(origin)))];
};

const fieldJson = ({ name, origins }: FieldLineage): object => ({ name, from: origins.map(originJson) });

const originJson = ({ source, field, role, confidence, reasons, conditional, place }: Origin): object => ({
  source: sourceName(source),
  field,
  role,
  confidence,
  ...(reasons.length === 0 ? {} : { reasons }),
  ...(conditional ? { conditional } : {}),
  line: place.line,
});

const datasetJson = ({ source, reads, writes, confidence, holes }: DatasetUse): object => ({
  source: sourceName(source),
  reads,
  writes,
  confidence,
  ...(holes.length === 0 ? {} : { holes }),
});
