import type { ModelField } from '#agent/qlik/engine/data-model.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { type JsonValue, present } from './attributes.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** The fields that tables share are how the engine joins them; a wide model has many pairs. */
const MOST_ASSOCIATIONS = 200;
const MOST_PAIRS = 100_000;

/** The tables and fields that the last reload left, with what links them. */
export const writeDataModel = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys }: AppContext,
  { model }: Pick<AppContent, 'model'>,
): Promise<void> => {
  if (!model.available) return;
  const app = keys.of(row.id);
  const associations = associationsOf(model.fields);
  const tables = new Map<string, string>();
  for (const table of model.tables) {
    if (table.is_system || tables.has(table.name)) continue;
    const key = keys.of(row.id, 'table', table.name);
    tables.set(table.name, key);
    await out.asset({
      kind: 'table',
      key,
      name: table.name,
      parent: app,
      attributes: present({
        rows: table.no_of_rows,
        sizeBytes: table.byte_size,
        fields: table.no_of_fields,
        keyFields: table.no_of_key_fields,
        loose: table.is_loose || undefined,
        semantic: table.is_semantic || undefined,
        synthetic: SYNTHETIC.test(table.name) || undefined,
        comment: table.comment,
        associations: associations(table.name),
      }),
    });
  }
  const seen = new Set<string>();
  for (const field of model.fields) {
    if (field.is_system || seen.has(field.name)) continue;
    seen.add(field.name);
    const key = keys.of(row.id, 'field', field.name);
    const sources = [...new Set(field.src_tables)];
    await out.asset({
      kind: 'field',
      key,
      name: field.name,
      parent: app,
      attributes: present({
        type: typeOf(field),
        distinctValues: field.cardinal,
        values: field.total_count,
        sizeBytes: field.byte_size,
        tags: field.tags,
        key: keyTypeOf(field) === undefined ? undefined : true,
        keyType: keyTypeOf(field),
        tables: sources.slice(0, MOST_ASSOCIATIONS),
        numeric: field.is_numeric || undefined,
        hidden: field.is_hidden || undefined,
        semantic: field.is_semantic || undefined,
        locked: field.is_locked || undefined,
        alwaysOneSelected: field.always_one_selected || undefined,
        comment: field.comment,
      }),
    });
    for (const table of sources) {
      const from = tables.get(table);
      if (from !== undefined) await out.edge('contains', from, key);
    }
  }
};

const SYNTHETIC = /^\$Syn\b/i;

const keyTypeOf = ({ name, tags, src_tables }: ModelField): 'synthetic' | 'key' | undefined => {
  if (SYNTHETIC.test(name) || tags.includes('$synthetic')) return 'synthetic';
  return tags.includes('$key') || (new Set(src_tables).size > 1 && !isDerived(tags)) ? 'key' : undefined;
};

/** Calendars that the engine makes from a date lie wherever the date does, and link nothing. */
const isDerived = (tags: readonly string[]): boolean => tags.includes('$derived') || tags.includes('$autoCalendar');

/** The engine's own tags say what kind of values a field has; the most telling one wins. */
const TYPES = ['timestamp', 'date', 'integer', 'numeric', 'geopoint', 'geomultipolygon', 'text', 'ascii'] as const;
const typeOf = ({ tags, is_numeric }: ModelField): string | undefined => {
  const found = TYPES.find((type) => tags.includes(`$${type}`));
  if (found === 'ascii') return 'text';
  return found ?? (is_numeric ? 'numeric' : undefined);
};

/** By table, the other tables that it shares fields with, and which. */
const associationsOf = (fields: readonly ModelField[]): ((table: string) => JsonValue[]) => {
  const pairs = new Map<string, Map<string, string[]>>();
  let count = 0;
  for (const { name, src_tables, is_system, tags } of fields) {
    if (is_system || src_tables.length < 2 || isDerived(tags)) continue;
    // A field of all tables of a wide model would make pairs by the million.
    if (count > MOST_PAIRS) break;
    const homes = [...new Set(src_tables)].slice(0, MOST_ASSOCIATIONS);
    for (const one of homes) {
      for (const other of homes) {
        if (one === other) continue;
        const others = pairs.get(one) ?? new Map<string, string[]>();
        pairs.set(one, others);
        const shared = others.get(other) ?? [];
        others.set(other, shared);
        shared.push(name);
        count += 1;
      }
    }
  }
  return (table) =>
    [...(pairs.get(table) ?? [])]
      .slice(0, MOST_ASSOCIATIONS)
      .map(([other, shared]) => ({ table: other, fields: shared.slice(0, MOST_ASSOCIATIONS) }));
};
