import type { DatasetUse, FieldLineage, Origin, ScriptLineage, Source } from './result.ts';

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
  tables: lineage.tables.map(({ name, fields, final }) => ({ name, fields: fields.map(fieldJson), final })),
  stores: lineage.stores.map(({ target, table, fields }) => ({ target, table, fields: fields.map(fieldJson) })),
  datasets: lineage.datasets.map(datasetJson),
  diagnostics: lineage.diagnostics.map(({ severity, code, message, place }) => ({ severity, code, message, ...place })),
  statements: lineage.statements,
  ...(lineage.cut === undefined ? {} : { cut: lineage.cut }),
});

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
