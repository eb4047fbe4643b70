import { type Origins, type Tracked, union } from './origins.ts';
import type { Pending } from './pending.ts';
import { appended, type Field, type Row, type Table } from './tables.ts';
import { alternatives, hole, joinWorlds, NOWHERE, type Option, type Value, type World } from './values.ts';

export interface Variable {
  readonly value: Value;
  readonly version: number;
}

/** A table of two columns for ApplyMap, MAP … USING and RENAME … USING. */
export interface Mapping {
  readonly key: Origins;
  readonly value: Origins;
  /** Of an inline table, for renaming fields; never delivered. */
  readonly pairs: readonly (readonly [from: string, to: string])[] | undefined;
}

/** What a file holds that the script itself wrote. */
export interface Stored extends Row {
  readonly table: string;
}

/** `QUALIFY` and `UNQUALIFY`, in order: the last that fits a name counts. */
export interface Qualification {
  readonly pattern: string;
  readonly qualifies: boolean;
}

/** All that a statement may read or change. Values in it are never changed in place: states share them. */
export interface State {
  readonly variables: Map<string, Variable>;
  readonly tables: Map<string, Table>;
  readonly mappings: Map<string, Mapping>;
  readonly stored: Map<string, Stored>;
  readonly aliases: Map<string, string>;
  /** By definition of DECLARE FIELD: the names of what it derives. */
  readonly definitions: Map<string, readonly string[]>;
  /** By field: the mapping table that its values go through. */
  readonly mapped: Map<string, string>;
  qualifications: readonly Qualification[];
  /** The table that was loaded last: the target of a JOIN without one. */
  last: string | undefined;
  /** The current connection; several when it depends on what nobody knows which it is. */
  connections: readonly string[];
  /** Of a LOAD that waits for its source. */
  pending: Pending | undefined;
  /** The section is the one of access rights. */
  access: boolean;
  directory: string;
  /** What BINARY brought. */
  imported: Table | undefined;
  /** The arms of open choices that lead here. */
  world: World;
}

export const emptyState = (): State => ({
  variables: new Map(),
  tables: new Map(),
  mappings: new Map(),
  stored: new Map(),
  aliases: new Map(),
  definitions: new Map(),
  mapped: new Map(),
  qualifications: [],
  last: undefined,
  connections: [],
  pending: undefined,
  access: false,
  directory: '',
  imported: undefined,
  world: NOWHERE,
});

export const fork = (state: State): State => ({
  ...state,
  variables: new Map(state.variables),
  tables: new Map(state.tables),
  mappings: new Map(state.mappings),
  stored: new Map(state.stored),
  aliases: new Map(state.aliases),
  definitions: new Map(state.definitions),
  mapped: new Map(state.mapped),
});

/** Whoever switches between more of them has no one that matters. */
const MOST_CONNECTIONS = 8;

/** A way that the script may have gone. */
export interface Arm {
  readonly state: State;
  readonly world: World;
}

/**
 * What holds when one of several ways was gone, and nobody knows which. Undefined: there is no way. `doubtful`: whether it
 * is certain that one of them was gone.
 */
export const merge = (arms: readonly Arm[], before: State, doubtful: boolean): State | undefined => {
  const [first, ...others] = arms;
  if (first === undefined) return undefined;
  if (others.length === 0) return first.state;
  const states = arms.map((arm) => arm.state);
  const merged = fork(first.state);
  for (const name of allKeys(states.map((state) => state.variables))) {
    const variable = mergeVariable(name, arms);
    if (variable !== undefined) merged.variables.set(name, variable);
  }
  for (const name of allKeys(states.map((state) => state.tables))) {
    const conditional = before.tables.get(name)?.conditional ?? doubtful;
    const table = mergeTable(
      states.map((state) => state.tables.get(name)),
      conditional,
    );
    if (table !== undefined) merged.tables.set(name, table);
  }
  for (const state of states.slice(1)) {
    for (const [name, mapping] of state.mappings) {
      const known = merged.mappings.get(name);
      if (known === mapping) continue;
      merged.mappings.set(name, known === undefined ? mapping : bothMappings(known, mapping));
    }
    for (const [path, stored] of state.stored) {
      const known = merged.stored.get(path);
      if (known === stored) continue;
      merged.stored.set(path, known === undefined ? stored : { ...stored, ...appended(known, stored) });
    }
    for (const [from, to] of state.aliases) merged.aliases.set(from, to);
    for (const [field, map] of state.mapped) merged.mapped.set(field, map);
    merged.pending = likelier(merged.pending, state.pending);
    merged.last = merged.last ?? state.last;
    merged.connections = [...new Set([...merged.connections, ...state.connections])].slice(0, MOST_CONNECTIONS);
    merged.imported ??= state.imported;
    // Where a relative path begins nobody knows then.
    if (state.directory !== merged.directory) merged.directory = '';
    if (state.qualifications.length > merged.qualifications.length) merged.qualifications = state.qualifications;
  }
  return { ...merged, world: before.world };
};

/** Of loads that wait for their source: the one that makes a table, before the one that adds to it. */
const likelier = (one: Pending | undefined, other: Pending | undefined): Pending | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  return other.prefixes.length < one.prefixes.length ? other : one;
};

const allKeys = (maps: readonly ReadonlyMap<string, unknown>[]): ReadonlySet<string> => {
  const [first, ...rest] = maps;
  const keys = new Set(first?.keys());
  for (const map of rest) for (const key of map.keys()) keys.add(key);
  return keys;
};

const mergeVariable = (name: string, arms: readonly Arm[]): Variable | undefined => {
  const [first] = arms;
  const known = first?.state.variables.get(name);
  if (arms.every(({ state }) => state.variables.get(name) === known)) return known;
  const options: Option[] = [];
  let version = 0;
  for (const { state, world } of arms) {
    const variable = state.variables.get(name);
    version = Math.max(version, variable?.version ?? 0);
    for (const option of optionsOf(name, variable)) {
      const joined = joinWorlds(option.world, world);
      if (joined !== undefined) options.push({ text: option.text, world: joined });
    }
  }
  return { value: alternatives(options), version };
};

const optionsOf = (name: string, variable: Variable | undefined): readonly Option[] => {
  if (variable === undefined) return [{ text: hole(name, 0), world: NOWHERE }];
  const { value } = variable;
  if (value.type === 'alternatives') return value.options;
  return [{ text: value.type === 'text' ? value.text : hole(name, variable.version), world: NOWHERE }];
};

const mergeTable = (found: readonly (Table | undefined)[], conditional: boolean): Table | undefined => {
  const tables = found.filter((table) => table !== undefined);
  const [first, ...others] = tables;
  if (first === undefined) return undefined;
  if (others.every((table) => table === first) && tables.length === found.length) return first;
  const missing = tables.length < found.length;
  let merged = first;
  for (const table of others) {
    if (table === merged) continue;
    merged = {
      ...merged,
      ...appended(merged, table),
      id: Math.min(merged.id, table.id),
      external: merged.external && table.external,
      influences: union(merged.influences, table.influences),
    };
  }
  const partial = missing || tables.some((table) => table.partial);
  return {
    ...merged,
    partial,
    conditional: partial || conditional,
    fields: missing ? merged.fields : settled(merged.fields, tables, conditional),
  };
};

/** What each of the ways has brought in is certain, whichever was gone. */
const settled = (fields: Table['fields'], tables: readonly Table[], conditional: boolean): Table['fields'] => {
  let found: Map<string, Field> | undefined;
  for (const [name, field] of fields) {
    const arms = tables.map((table) => table.fields.get(name));
    const [first] = arms;
    if (arms.every((arm) => arm === first) || arms.some((arm) => arm === undefined)) continue;
    const [common, ...others] = arms.map((arm) => new Set(arm?.origins));
    // What all arms share is as certain as it was: only the others are looked for by what they are.
    const shared = (origin: Tracked): boolean => common?.has(origin) === true && others.every((arm) => arm.has(origin));
    const inArms = arms.map(
      (arm) => new Map(arm?.origins.flatMap((one) => (shared(one) ? [] : [[one.key + one.role, one] as const]))),
    );
    const origins = field.origins.map((origin) => {
      if (shared(origin)) return origin;
      const same = inArms.map((arm) => arm.get(origin.key + origin.role));
      return same.includes(undefined) || same.every((one) => one === same[0]) ? origin : certain(origin, conditional);
    });
    found ??= new Map(fields);
    found.set(name, { ...field, origins });
  }
  return found ?? fields;
};

const certain = (origin: Tracked, conditional: boolean): Tracked => {
  const reasons = origin.reasons.filter((reason) => reason !== 'alternatives');
  const confidence = origin.confidence === 'candidate' && reasons.length === 0 ? 'exact' : origin.confidence;
  return { ...origin, conditional, reasons, confidence };
};

const bothMappings = (one: Mapping, other: Mapping): Mapping => ({
  key: union(one.key, other.key),
  value: union(one.value, other.value),
  pairs: one.pairs === undefined || other.pairs === undefined ? undefined : [...one.pairs, ...other.pairs],
});

/** Fields of this name in all tables. */
export const fieldEverywhere = (state: State, name: string): readonly Field[] =>
  [...state.tables.values()].flatMap((table) => {
    const field = table.fields.get(name);
    return field === undefined ? [] : [field];
  });
