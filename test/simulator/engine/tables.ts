/** Tables and fields as the engine shows them in an app that was opened with data. */
import type { Field, Table } from '../model/types.ts';
import type { DocumentView } from './document-view.ts';
import { EngineError } from './errors.ts';
import type { Json } from './held.ts';

const keyType = (field: Field): string => (field.srcTables.length > 1 ? 'ANY_KEY' : 'NOT_KEY');

const fieldInTable = (field: Field, table: Table): Json => ({
  qName: field.name,
  qOriginalFields: [],
  qPresent: true,
  qHasNull: false,
  qHasWild: false,
  qHasDuplicates: field.cardinal < table.rows,
  qIsSynthetic: field.name.startsWith('$Syn'),
  qInformationDensity: field.isSystem ? -1 : 1,
  qnNonNulls: table.rows,
  qnRows: table.rows,
  qSubsetRatio: 1,
  qnTotalDistinctValues: field.cardinal,
  qnPresentDistinctValues: field.cardinal,
  qKeyType: keyType(field),
  qTags: field.tags,
  ...(field.comment === '' ? {} : { qComment: field.comment }),
});

/** `GetTablesAndKeys`: nothing at all without data, which no error says. */
export const tablesAndKeys = (view: DocumentView, withSystem: boolean): Json => {
  if (!view.withData) return { qtr: [], qk: [] };
  const fields = new Map(view.content.fields.map((field) => [field.name, field]));
  const tables = view.content.tables.filter((table) => withSystem || !table.isSystem);
  return {
    qtr: tables.map((table, index) => ({
      qName: table.name,
      qLoose: table.isLoose,
      qNoOfRows: table.rows,
      qFields: table.fieldNames.flatMap((name) => {
        const field = fields.get(name);
        return field ? [fieldInTable(field, table)] : [];
      }),
      qPos: { qx: (index % 4) * 200, qy: Math.floor(index / 4) * 200 },
      ...(table.comment === '' ? {} : { qComment: table.comment }),
    })),
    qk: view.content.fields
      .filter((field) => field.srcTables.length > 1)
      .map((field) => ({ qKeyFields: [field.name], qTables: field.srcTables })),
  };
};

/** @throws EngineError 2 no such field, or no data */
export const fieldDescription = (view: DocumentView, name: string): Json => {
  const field = view.withData ? view.content.fields.find((candidate) => candidate.name === name) : undefined;
  if (!field) throw new EngineError(2, name);
  return {
    qInternalNumber: view.content.fields.indexOf(field),
    qName: field.name,
    qSrcTables: field.srcTables,
    ...(field.isSystem ? { qIsSystem: true } : {}),
    ...(field.isHidden ? { qIsHidden: true } : {}),
    ...(field.isSemantic ? { qIsSemantic: true } : {}),
    qDistinctOnly: false,
    qCardinal: field.cardinal,
    qTotalCount: field.totalCount,
    ...(field.isLocked ? { qIsLocked: true } : {}),
    ...(field.isNumeric ? { qIsNumeric: true } : {}),
    ...(field.comment === '' ? {} : { qComment: field.comment }),
    qTags: field.tags,
    qDerivedFields: [],
    qByteSize: field.byteSize,
  };
};

const MAX_ROWS = 1_000;

/** `GetTableData`: made-up rows. @throws EngineError 2 no such table */
export const tableData = (view: DocumentView, name: string, offset: number, rows: number): readonly Json[] => {
  if (!view.withData) return [];
  const table = view.content.tables.find((candidate) => candidate.name === name);
  if (!table) throw new EngineError(2, name);
  const count = Math.max(0, Math.min(rows, MAX_ROWS, table.rows - offset));
  return Array.from({ length: count }, (_, row) => ({
    qValue: table.fieldNames.map((field) => ({ qText: `${field} ${offset + row + 1}`, qIsNumeric: false, qNumber: 0 })),
  }));
};
