import type {
  AssignStatement,
  DeriveStatement,
  DropStatement,
  FieldItem,
  MapStatement,
  OpaqueStatement,
  RenameStatement,
  Statement,
  StoreStatement,
} from '../script/syntax.ts';
import { withoutQuotes } from '../script/unquote.ts';
import { expressionOrigins, mappingNamed, tableNamed } from './expression-origins.ts';
import { matchesCase } from './functions.ts';
import { importApp } from './imported.ts';
import { NO_ORIGINS, originFrom, pathKey, sourceKey, union, weakened } from './origins.ts';
import { load } from './placing.ts';
import type { Here } from './session.ts';
import { fileSource, resident } from './sources.ts';
import type { State } from './state.ts';
import {
  type Field,
  fieldsOf,
  lookUp,
  NO_FIELDS,
  type Open,
  openOf,
  type Row,
  renamed,
  type Table,
  without,
} from './tables.ts';
import { text, unknown } from './values.ts';
import { evaluateIn, setVariable } from './variables.ts';

/** What a statement does to the state; control statements, includes and guards are the runner's. */
export const apply = (statement: Statement, state: State, here: Here): void => {
  const { session, circumstances } = here;
  switch (statement.type) {
    case 'load':
      load(statement, state, here);
      return;
    case 'assign':
      assign(statement, state, here);
      return;
    case 'store':
      store(statement, state, here);
      return;
    case 'connect':
      state.connections = statement.kind === 'disconnect' ? [] : [statement.name];
      if (statement.provider !== undefined) session.providers.set(statement.name, statement.provider);
      return;
    case 'drop':
      drop(statement, state, here);
      return;
    case 'rename':
      rename(statement, state, here);
      return;
    case 'alias':
      for (const { from, to } of statement.pairs) state.aliases.set(from, to);
      return;
    case 'qualify':
    case 'unqualify':
      state.qualifications = [
        ...state.qualifications,
        ...statement.names.map((pattern) => ({ pattern, qualifies: statement.type === 'qualify' })),
      ];
      return;
    case 'map':
    case 'unmap':
      map(statement, state);
      return;
    case 'binary':
      importApp(statement, state, here);
      return;
    case 'section':
      state.access = statement.section === 'access';
      session.sectionAccess ||= state.access;
      return;
    case 'directory':
      state.directory = statement.path;
      return;
    case 'declare':
    case 'derive':
      derive(statement, state, here);
      return;
    case 'opaque':
      opaque(statement, state, here);
      return;
    case 'macro':
      session.say(
        'warning',
        'macro',
        `what ${statement.text.trim().slice(0, 80)} stands for is not known`,
        circumstances.place,
      );
      return;
    case 'neutral':
    case 'comment':
    case 'tag':
    case 'untag':
      return;
    // The runner has seen to these.
    case 'include':
    case 'guarded':
    case 'call':
    case 'exit':
    case 'if':
    case 'elseif':
    case 'else':
    case 'endif':
    case 'for':
    case 'foreach':
    case 'next':
    case 'do':
    case 'loop':
    case 'switch':
    case 'case':
    case 'default':
    case 'endswitch':
    case 'sub':
    case 'endsub':
      return;
    default:
      statement satisfies never;
  }
};

const assign = ({ kind, name, text: written, value }: AssignStatement, state: State, { session }: Here): void => {
  if (kind === 'set') setVariable(name, text(setTo(written)), state, session);
  else if (value === undefined)
    setVariable(name, written.trim() === '' ? text('') : unknown('expression'), state, session);
  else setVariable(name, evaluateIn(value, state, session), state, session);
};

/** Quotes around the whole of what SET is given are not part of it, nor are brackets around a path; around a name they are. */
const setTo = (written: string): string =>
  /^\s*(?:\[[^/\\]*\]\s*$|`)/.test(written) ? written.trim() : withoutQuotes(written);

const store = (statement: StoreStatement, state: State, here: Here): void => {
  const { session, circumstances } = here;
  const known = closed(tableNamed(statement.table, state), statement, state);
  const row = chosen(statement.fields, known ?? resident(statement.table, state, here), state, here);
  const format = statement.format.kind === '' ? 'qvd' : statement.format.kind;
  const { path } = statement;
  const source = fileSource(path, undefined, format, state);
  session.uses(source, 'writes', circumstances);
  session.stores.push({
    ...row,
    target: path,
    directory: source.directory,
    format,
    table: known?.name ?? statement.table,
    conditional: circumstances.conditional,
    place: circumstances.place,
  });
  state.stored.set(pathKey(source), { ...row, table: known?.name ?? statement.table });
};

/**
 * A table that took all fields of the file it is now written to (a load of what is new, and of what was stored the last
 * time): the file has the fields that the table has, and its unknown ones are these.
 */
const closed = (table: Table | undefined, { path, fields: items }: StoreStatement, state: State): Table | undefined => {
  if (table === undefined || items.some(({ type }) => type === 'field') || table.fields.size === 0) return table;
  const key = sourceKey(fileSource(path, undefined, '', state));
  const isOwn = ({ origins, numbered, whole }: Open): boolean =>
    numbered === undefined && !whole && origins.every(({ source }) => sourceKey(source) === key);
  const own = table.opens.filter(isOwn);
  if (own.length === 0) return table;
  const stored: Row = { fields: NO_FIELDS, opens: own, direct: undefined };
  const fields = [...table.fields.values()].map((field) => {
    const before = lookUp(stored, field.name);
    return before === undefined
      ? field
      : { ...field, origins: union(field.origins, weakened(before, 'inferred', 'stored-again')) };
  });
  const others = table.opens.filter((open) => !isOwn(open));
  const whole = { ...table, fields: fieldsOf(fields), opens: others.length === 0 ? [] : table.opens };
  state.tables.set(table.name, whole);
  return whole;
};

/** The fields that STORE takes. */
const chosen = (items: readonly FieldItem[], from: Row, state: State, { session, circumstances }: Here): Row => {
  const own: Row =
    from.direct === undefined ? from : { fields: from.fields, opens: [...from.opens, from.direct], direct: undefined };
  if (items.length === 0) return own;
  const fields: Field[] = [];
  let all = false;
  for (const item of items) {
    if (item.type === 'all') {
      all = true;
      fields.push(...own.fields.values());
    } else if (item.type === 'field') {
      const origins = expressionOrigins(item.expression, {
        row: own,
        state,
        output: () => undefined,
        missing: (name) =>
          session.say('info', 'field-missing', `the table that is stored has no field ${name}`, circumstances.place),
        unreadable: () => {
          all = true;
        },
      });
      if (!(item.expression.type === 'expansion' && !item.aliased)) {
        fields.push({ name: item.name, origins, expression: undefined });
      }
    }
  }
  return { fields: fieldsOf(fields), opens: all ? own.opens : [], direct: undefined };
};

const drop = ({ what, names, from }: DropStatement, state: State, { session }: Here): void => {
  if (what === 'table') {
    for (const name of names) {
      const table = tableNamed(name, state);
      if (table === undefined) continue;
      session.past.push(table);
      state.tables.delete(table.name);
      if (state.last === table.name) state.last = [...state.tables.keys()].at(-1);
    }
    return;
  }
  const gone = new Set(names);
  const only = from.length === 0 ? undefined : new Set(from.map((name) => tableNamed(name, state)?.name));
  for (const [name, table] of state.tables) {
    if (only === undefined || only.has(name)) state.tables.set(name, without(table, gone));
  }
  if (only === undefined) state.imported &&= without(state.imported, gone);
};

const rename = (statement: RenameStatement, state: State, { session, circumstances }: Here): void => {
  if (statement.using !== undefined && mappingNamed(statement.using, state)?.pairs === undefined) {
    const what = `the names in the map ${statement.using} are not in the text: nothing is renamed here`;
    session.say('warning', 'rename-map', what, circumstances.place);
  }
  const pairs = statement.using === undefined ? statement.pairs : pairsOf(statement.using, state);
  if (statement.what === 'table') {
    for (const { from, to } of pairs) renameTable(from, to, state);
    return;
  }
  for (const { from, to } of pairs) {
    // The engine does nothing, and says nothing, when there is such a field already.
    if ([...state.tables.values()].some(({ fields }) => fields.has(to))) continue;
    const owners = [...state.tables.values()].filter(({ fields }) => fields.has(from));
    const unknown = [...state.tables.values()].filter(({ opens }) => opens.length > 0);
    if (owners.length > 0 || unknown.length === 0) state.imported &&= renamed(state.imported, from, to);
    const touched = owners.length > 0 ? owners : unknown;
    // Which of several unknown tables has it nobody can tell.
    if (owners.length === 0 && touched.length + (state.imported === undefined ? 0 : 1) > 1) continue;
    for (const table of touched) state.tables.set(table.name, renamed(table, from, to));
  }
};

const pairsOf = (name: string, state: State): readonly { readonly from: string; readonly to: string }[] =>
  (mappingNamed(name, state)?.pairs ?? []).map(([from, to]) => ({ from, to }));

const renameTable = (from: string, to: string, state: State): void => {
  const table = tableNamed(from, state);
  if (table === undefined || state.tables.has(to)) return;
  const all = [...state.tables.values()].map((known) => (known === table ? { ...known, name: to } : known));
  state.tables.clear();
  for (const known of all) state.tables.set(known.name, known);
  if (state.last === table.name) state.last = to;
};

const map = ({ type, names, using }: MapStatement, state: State): void => {
  for (const name of names) {
    if (type === 'map' && using !== undefined) state.mapped.set(name, using);
    else if (type === 'unmap') {
      for (const field of [...state.mapped.keys()]) if (matchesCase(field, name)) state.mapped.delete(field);
    }
  }
};

/** DECLARE says what is derived of a field, DERIVE of which fields: each gets `field.definition.Name`. */
const derive = (statement: DeriveStatement, state: State, here: Here): void => {
  if (statement.type === 'declare') {
    const derived = statement.fields.flatMap((item) => (item.type === 'field' ? [item.name] : []));
    state.definitions.set(statement.name, derived);
    return;
  }
  const derived = state.definitions.get(statement.name);
  if (statement.by !== 'fields') {
    here.session.say(
      'info',
      'derived-by-tag',
      'fields are derived of those with certain tags, and which have them is not known',
      here.circumstances.place,
    );
    return;
  }
  for (const name of statement.from) {
    for (const table of state.tables.values()) {
      const origins = table.fields.get(name)?.origins;
      if (origins === undefined) continue;
      const added = (derived ?? []).map((part) => {
        const called = `${name}.${statement.name}.${part}`;
        return [called, { name: called, origins, expression: undefined }] as const;
      });
      state.tables.set(table.name, { ...table, fields: new Map([...table.fields, ...added]) });
    }
  }
};

/** What its tokens still tell: what it reads goes to a table whose fields are not known, what it writes is a store. */
const opaque = (statement: OpaqueStatement, state: State, here: Here): void => {
  const { session, circumstances } = here;
  const word = statement.kind === 'other' ? 'statement' : statement.kind;
  session.say('warning', 'opaque', `this ${word} was not understood: ${statement.why}`, circumstances.place);
  const doubtful = { ...circumstances, confidence: 'opaque', reasons: ['statement'] } as const;
  const read = statement.reads.map((path) => fileSource(path, undefined, '', state));
  for (const source of read) session.uses(source, 'reads', doubtful);
  const opens = [
    ...read.map((source) => openOf([originFrom(source, '*', doubtful)])),
    ...statement.residents.flatMap((name) => {
      const table = resident(name, state, here);
      return [...table.opens, ...(table.direct === undefined ? [] : [table.direct])];
    }),
  ];
  for (const path of statement.writes) {
    const source = fileSource(path, undefined, 'qvd', state);
    session.uses(source, 'writes', doubtful);
    session.stores.push({
      fields: NO_FIELDS,
      opens: [],
      direct: undefined,
      target: path,
      directory: source.directory,
      format: 'qvd',
      table: statement.residents[0] ?? '',
      conditional: circumstances.conditional,
      place: circumstances.place,
    });
  }
  const { label } = statement;
  if (label === undefined || state.access || !/load|select/.test(statement.kind)) return;
  const known = tableNamed(label, state);
  const table: Table = known ?? {
    id: session.tableId(),
    name: label,
    fields: NO_FIELDS,
    opens: [],
    direct: undefined,
    conditional: circumstances.conditional,
    partial: false,
    external: false,
    place: circumstances.place,
    influences: NO_ORIGINS,
  };
  state.tables.set(table.name, { ...table, opens: [...table.opens, ...opens] });
  state.last = table.name;
};
