/** `/api/v1/apps/{id}/data/metadata`: tables and fields without opening the app. */
import type { App, AppContent, Field, Table } from '../model/types.ts';

/** A stable number from a text, for the field's `hash`. */
const hashOf = (text: string): string => {
  let hash = 2_166_136_261;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return (hash >>> 0).toString(16).padStart(8, '0').repeat(8);
};

const fieldOf = (field: Field): Readonly<Record<string, unknown>> => ({
  name: field.name,
  src_tables: field.srcTables,
  is_system: field.isSystem,
  is_hidden: field.isHidden,
  is_semantic: field.isSemantic,
  distinct_only: false,
  cardinal: field.cardinal,
  total_count: field.totalCount,
  is_locked: field.isLocked,
  always_one_selected: false,
  is_numeric: field.isNumeric,
  comment: field.comment,
  tags: field.tags,
  byte_size: field.byteSize,
  hash: hashOf(field.name),
});

const tableOf = (table: Table, keys: ReadonlySet<string>): Readonly<Record<string, unknown>> => ({
  name: table.name,
  is_system: table.isSystem,
  is_semantic: false,
  is_loose: table.isLoose,
  no_of_rows: table.rows,
  no_of_fields: table.fieldNames.length,
  no_of_key_fields: table.fieldNames.filter((name) => keys.has(name)).length,
  comment: table.comment,
  byte_size: table.byteSize,
});

/** The mixed spelling of the names is the server's own. */
export function metadataOf(app: App, content: AppContent): Readonly<Record<string, unknown>> {
  const keys = new Set(content.fields.filter((field) => field.srcTables.length > 1).map((field) => field.name));
  return {
    reload_meta: {
      cpu_time_spent_ms: 1_000 + (app.fileSizeBytes % 60_000),
      hardware: { logical_cores: 16, total_memory: 137_438_953_472 },
      peak_memory_bytes: app.fileSizeBytes * 3,
      fullReloadPeakMemoryBytes: app.fileSizeBytes * 3,
      partialReloadPeakMemoryBytes: -1,
    },
    static_byte_size: content.tables.reduce((sum, table) => sum + table.byteSize, 0),
    fields: content.fields.map(fieldOf),
    tables: content.tables.map((table) => tableOf(table, keys)),
    has_section_access: app.sectionAccess,
    tables_profiling_data: [],
    is_direct_query_mode: app.directQuery,
    usage: 'ANALYTICS',
  };
}
