import type { LoadStatement, Prefix } from '../script/syntax.ts';
import { mappingNamed, tableNamed } from './expression-origins.ts';
import { matchesCase } from './functions.ts';
import { importedRow } from './imported.ts';
import { inlineContent } from './known-tables.ts';
import { inRole, NO_ORIGINS, type Origins, originFrom, union } from './origins.ts';
import type { Pending, WrittenStep } from './pending.ts';
import { qualified } from './qualification.ts';
import type { Here } from './session.ts';
import type { State } from './state.ts';
import { type Loaded, runSteps } from './steps.ts';
import {
  appended,
  type Field,
  fieldsOf,
  joinOpens,
  lookUp,
  NO_FIELDS,
  openOf,
  openOrigins,
  type Row,
  sameFields,
  type Table,
} from './tables.ts';

/** Runs a LOAD or SELECT and puts what it gives where its prefixes say. */
export const load = (statement: LoadStatement, state: State, here: Here): void => {
  const { label, prefixes, steps } = waiting(statement, state.pending, here);
  const lowest = steps.at(-1)?.step;
  if (lowest?.type === 'load' && lowest.source === undefined) {
    state.pending = { label, prefixes, steps };
    return;
  }
  state.pending = undefined;
  const raw = runSteps(steps, prefixes, state, here);
  if (raw.rowless === true) return;
  if (prefixes.some(({ type }) => type === 'mapping')) {
    mapping(label ?? raw.implicit, raw, steps, state, here);
    return;
  }
  if (state.access) return;
  const given = prefixes.some(({ type }) => type === 'merge') ? withoutOperation(raw) : raw;
  const loaded = finished(given, label ?? receiver(prefixes, state), state);
  const joins = prefixes.find((prefix) => prefix.type === 'join' || prefix.type === 'keep');
  if (joins !== undefined && 'side' in joins && joins.type === 'join') {
    join(joins.table, joins.side, loaded, state, here);
    return;
  }
  if (joins !== undefined && 'side' in joins) {
    keep(joins.table, label, loaded, state, here);
    return;
  }
  const below = prefixes.find((prefix) => prefix.type === 'concatenate');
  if (below?.type === 'concatenate') {
    append(target(below.table, state, here), loaded, state);
    return;
  }
  const partial = prefixes.find(isPartial);
  if (partial?.table !== undefined) {
    append(target(partial.table, state, here), loaded, state);
    return;
  }
  if (prefixes.some(({ type }) => type === 'generic')) {
    generic(label, loaded, state, here);
    return;
  }
  // Most calls without a label are there for what they do in the database, and give no table.
  if (raw.calls === true && label === undefined && prefixes.length === 0 && !isTableOfApp(raw.implicit, here)) {
    const what = `whether the procedure ${raw.implicit} gives rows is not known: without a label no table is made of them`;
    here.session.say('info', 'procedure', what, here.circumstances.place);
    return;
  }
  const apart = prefixes.some(({ type }) => type === 'noconcatenate');
  const before = state.tables.size;
  create(label, loaded, apart, state, here);
  const made = state.tables.size > before && steps.length === 1 ? state.tables.get(state.last ?? '') : undefined;
  const content =
    made !== undefined && lowest?.type === 'load' ? inlineContent(lowest, state, here.session.contents) : undefined;
  if (made !== undefined && content !== undefined) here.session.contents.set(made, content);
};

/** Whether the app has a table of that name. */
const isTableOfApp = (name: string, { session }: Here): boolean => session.surroundings.model?.has(name) === true;

/** The first field of what is merged says what to do with each row (Insert, Update, Delete): the table does not get it. */
const withoutOperation = (loaded: Loaded): Loaded =>
  loaded.opens.length > 0 ? loaded : { ...loaded, fields: new Map([...loaded.fields].slice(1)) };

/** The table whose rows a load becomes, or whose columns: QUALIFY calls its fields after that one. */
const receiver = (prefixes: readonly Prefix[], state: State): string | undefined => {
  const into = prefixes.find(({ type }) => type === 'concatenate' || type === 'join');
  if (into === undefined || !('table' in into)) return undefined;
  const name = into.table ?? state.last;
  return name === undefined ? undefined : (tableNamed(name, state)?.name ?? name);
};

/** With the steps above that wait for it. */
const waiting = (statement: LoadStatement, pending: Pending | undefined, { text }: Here): Pending => {
  const steps = statement.steps.map((step) => ({ step, text }));
  const [first, ...others] = steps;
  if (first === undefined) return pending ?? { ...statement, steps };
  if (pending === undefined && first.step.prefixes.length === 0) {
    return { label: statement.label, prefixes: statement.prefixes, steps };
  }
  const prefixes = [...statement.prefixes, ...first.step.prefixes];
  if (pending === undefined) {
    return { label: statement.label, prefixes, steps: [{ text, step: { ...first.step, prefixes: [] } }, ...others] };
  }
  const below = [{ text, step: { ...first.step, prefixes } }, ...others];
  return { ...pending, steps: [...pending.steps, ...below] };
};

const isPartial = (prefix: Prefix): prefix is Extract<Prefix, { readonly type: 'add' | 'replace' | 'merge' }> =>
  prefix.type === 'add' || prefix.type === 'replace' || prefix.type === 'merge';

/** Under the names that ALIAS and QUALIFY give, and through the maps of MAP … USING. */
const finished = (loaded: Loaded, label: string | undefined, state: State): Loaded => {
  let fields: readonly Field[] = [...loaded.fields.values()];
  if (state.aliases.size > 0) {
    fields = fields.map((field) => ({ ...field, name: state.aliases.get(field.name) ?? field.name }));
  }
  if (state.mapped.size > 0) {
    fields = fields.map((field) => {
      const map = mappingNamed(mapOf(field.name, state), state);
      return map === undefined ? field : { ...field, origins: union(map.value, inRole(field.origins, 'map-key')) };
    });
  }
  return { ...loaded, ...qualified({ fields, opens: loaded.opens }, label ?? loaded.implicit, state.qualifications) };
};

/** The map that MAP … USING gives a field: it may name fields by `*` and `?`, and the last that fits counts. */
const mapOf = (name: string, { mapped }: State): string | undefined =>
  mapped.get(name) ?? [...mapped].findLast(([pattern]) => matchesCase(name, pattern))?.[1];

const mapping = (name: string, loaded: Loaded, steps: readonly WrittenStep[], state: State, here: Here): void => {
  const [key, value] = loaded.fields.values();
  const [only, ...others] = steps.map(({ step }) => step);
  // What stands in it twice does not matter to a map.
  const content =
    only?.type === 'load' && others.length === 0
      ? inlineContent({ ...only, distinct: false }, state, here.session.contents)
      : undefined;
  const from = content?.columns.get(key?.name ?? '');
  const to = content?.columns.get(value?.name ?? '');
  const unknown = openOrigins(loaded);
  state.mappings.set(name, {
    key: key?.origins ?? unknown,
    value: value?.origins ?? unknown,
    pairs: to === undefined ? undefined : from?.map((one, row) => [one, to[row] ?? '']),
  });
};

/** The table that a prefix means: the one it names, or the last that was loaded. One that the text does not make begins here. */
const target = (name: string | undefined, state: State, here: Here): Table | undefined => {
  const wanted = name ?? state.last;
  if (wanted === undefined) return undefined;
  const known = tableNamed(wanted, state);
  if (known !== undefined) return known;
  if (state.imported !== undefined) {
    const row = importedRow(state.imported, wanted, here.session.surroundings);
    return { ...newTable(wanted, row, here), external: true };
  }
  const source = { type: 'resident', table: wanted } as const;
  here.session.uses(source, 'reads', here.circumstances);
  const opens = [openOf([originFrom(source, '*', here.circumstances)])];
  return { ...newTable(wanted, { fields: NO_FIELDS, opens }, here), external: true };
};

const newTable = (
  name: string,
  row: Pick<Row, 'fields' | 'opens' | 'anyCase'> & { readonly influences?: Origins },
  { session, circumstances }: Here,
): Table => ({
  id: session.tableId(),
  name,
  fields: row.fields,
  opens: row.opens,
  direct: undefined,
  anyCase: row.anyCase,
  conditional: circumstances.conditional,
  partial: false,
  external: false,
  place: circumstances.place,
  influences: row.influences ?? NO_ORIGINS,
});

const put = (table: Table, state: State): void => {
  state.tables.set(table.name, table);
  state.last = table.name;
};

const append = (table: Table | undefined, loaded: Loaded, state: State): void => {
  if (table === undefined) return;
  put(
    { ...table, ...appended(table, withAsked(table, loaded)), influences: union(table.influences, loaded.influences) },
    state,
  );
};

/** With those fields of the table that a `*` brings for certain, since the load's own WHERE asks for them. */
const withAsked = (table: Table, loaded: Loaded): Row => {
  if (loaded.opens.length === 0 || loaded.influences.length === 0) return loaded;
  const asked = new Set(loaded.influences.map(({ key }) => key));
  const beyond: Row = { fields: NO_FIELDS, opens: loaded.opens, direct: undefined };
  const added = [...table.fields.keys()].flatMap((name): readonly Field[] => {
    const origins = loaded.fields.has(name) ? undefined : lookUp(beyond, name);
    const certain = origins?.every(({ key }) => asked.has(key));
    return origins !== undefined && certain === true ? [{ name, origins, expression: undefined }] : [];
  });
  return added.length === 0 ? loaded : { ...loaded, fields: fieldsOf([...loaded.fields.values(), ...added]) };
};

const create = (label: string | undefined, loaded: Loaded, apart: boolean, state: State, here: Here): void => {
  const name = label ?? (loaded.implicit === '' ? 'Table' : loaded.implicit);
  if (!apart) {
    const same = alike(label, loaded, state);
    if (same !== undefined) {
      append(same, loaded, state);
      return;
    }
  }
  const taken = state.tables.has(name);
  if (taken && !apart && label !== undefined) {
    const known = state.tables.get(name);
    // With columns that nobody knows, loads under one label are meant to be one table.
    if (known !== undefined && (known.opens.length > 0 || loaded.opens.length > 0)) {
      append(known, loaded, state);
      return;
    }
  }
  put(newTable(taken ? free(name, state) : name, loaded, here), state);
};

/** The table that a load is appended to by itself, since it has the same fields. */
const alike = (label: string | undefined, loaded: Loaded, state: State): Table | undefined => {
  if (loaded.fields.size === 0 && loaded.opens.length === 0) return undefined;
  const labelled = label === undefined ? undefined : state.tables.get(label);
  if (labelled !== undefined && sameFields(labelled, loaded)) return labelled;
  return [...state.tables.values()].find((table) => sameFields(table, loaded));
};

const free = (name: string, state: State): string => {
  for (let number = 1; ; number++) {
    const next = `${name}-${number}`;
    if (!state.tables.has(next)) return next;
  }
};

const join = (name: string | undefined, side: string, loaded: Loaded, state: State, here: Here): void => {
  const table = target(name, state, here);
  if (table === undefined) {
    create(undefined, loaded, true, state, here);
    return;
  }
  const common = commonFields(table, loaded);
  const fields = new Map<string, Field>(table.fields);
  for (const [key, field] of loaded.fields) {
    if (!common.has(key)) {
      fields.set(key, field);
      continue;
    }
    const known = fields.get(key);
    const own = known?.origins ?? lookUp(table, key) ?? NO_ORIGINS;
    fields.set(key, {
      name: key,
      // Rows that only the right side has keep their key.
      origins: union(own, side === 'outer' || side === 'right' ? field.origins : inRole(field.origins, 'key')),
      expression: known?.expression,
    });
  }
  const opens = joinOpens(
    table.opens.map((open) => ({ ...open, except: new Set([...open.except, ...loaded.fields.keys()]) })),
    loaded.opens.map((open) => ({ ...open, except: new Set([...open.except, ...table.fields.keys()]) })),
  );
  put({ ...table, fields, opens, influences: union(table.influences, loaded.influences) }, state);
};

/** The fields that rows are matched on. With an unknown side it is the first one: people write it first. */
const commonFields = (table: Row, loaded: Row): ReadonlySet<string> => {
  const known = [...loaded.fields.keys()].filter((name) => table.fields.has(name));
  const [first] = loaded.fields.keys();
  if (known.length > 0 || first === undefined || table.opens.length === 0) return new Set(known);
  return new Set([first]);
};

/** Both tables stay: each loses the rows that have no partner. */
const keep = (name: string | undefined, label: string | undefined, loaded: Loaded, state: State, here: Here): void => {
  const table = target(name, state, here);
  create(label, loaded, true, state, here);
  if (table === undefined) return;
  const keys = [...commonFields(table, loaded)].flatMap((key) => [
    ...(loaded.fields.get(key)?.origins ?? NO_ORIGINS),
    ...(lookUp(table, key) ?? NO_ORIGINS),
  ]);
  const kept = state.last === undefined ? undefined : state.tables.get(state.last);
  const decided = inRole(keys, 'key');
  if (kept !== undefined) put({ ...kept, influences: union(kept.influences, decided) }, state);
};

/** One table for each value of the last column but one, which only a reload knows. */
const generic = (label: string | undefined, loaded: Loaded, state: State, here: Here): void => {
  const columns = [...loaded.fields.values()];
  const [keys, value] = [columns.slice(0, -2), columns.at(-1)];
  const name = `${label ?? loaded.implicit}.*`;
  const values = value?.origins ?? openOrigins(loaded);
  const open = openOf(values);
  put(
    newTable(
      state.tables.has(name) ? free(name, state) : name,
      { fields: fieldsOf(keys), opens: [{ ...open, whole: true }], influences: loaded.influences },
      here,
    ),
    state,
  );
};
