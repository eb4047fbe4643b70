import { type DataModel, folderOfPast, type ModelTable, pastOf } from './data-model.ts';
import { quoted } from './expressions.ts';
import { hashOf, type Random, randomOf } from './random.ts';
import type { App, DerivedField, FieldOrigin, Provenance, ScriptSource } from './types.ts';
import type { World } from './world.ts';

/** How a script says where its QVDs are. */
type PathStyle = 'plain' | 'directory' | 'variables' | 'include' | 'sub' | 'loop';

interface PlannedField {
  readonly name: string;
  /** As it stands in the LOAD, with its alias. */
  readonly text: string;
  readonly origins: readonly FieldOrigin[];
}

interface PlannedLoad {
  readonly table: ModelTable;
  readonly fields: readonly PlannedField[];
  /** `LOAD *`. */
  readonly star: boolean;
  /** Of a file: the path between the brackets, variables and all. */
  readonly path: string;
  /** What DIRECTORY says in front of it; undefined: the path says all. */
  readonly directory: string | undefined;
  /** Of a database: the object as the SELECT names it, and whether it names the fields, too. */
  readonly object: string;
  readonly select: 'plain' | 'alias' | 'names';
}

interface PlannedStore {
  readonly table: ModelTable;
  readonly path: string;
  readonly format: 'qvd' | 'txt' | 'parquet';
  /** Undefined: all of the table. */
  readonly list: readonly string[] | undefined;
  readonly target: ScriptSource;
  /** For each month another file: where these are. */
  readonly monthly?: ScriptSource;
}

interface PlannedVariable {
  readonly name: string;
  readonly value: string;
  /** The statement that sets it. */
  readonly text: string;
}

/** All that is decided of a script before it is written; the truth about it comes from here, too. */
export interface ScriptPlan {
  readonly style: PathStyle;
  /** The data connection with the site's common QVDs and scripts. */
  readonly library: string;
  readonly variables: readonly PlannedVariable[];
  readonly loads: readonly PlannedLoad[];
  /** The QVD that the transformation joins to the first table. */
  readonly joined: { readonly path: string; readonly source: ScriptSource } | undefined;
  readonly stores: readonly PlannedStore[];
}

const columnOf = (name: string): string => name.toUpperCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_');

/** `lib://Connection/a/b.qvd` by its parts. */
export const libraryFile = (path: string, format = ''): ScriptSource => {
  const [library = '', ...names] = path.slice('lib://'.length).split('/');
  const [, bracketed, bare] = /table is (?:\[([^\]]+)\]|([^,)]+))/.exec(format) ?? [];
  return { type: 'file', library, names, table: bracketed ?? bare };
};

const sourceOf = ({ source }: ModelTable): ScriptSource | undefined => {
  switch (source.kind) {
    case 'qvd':
      return libraryFile(source.path);
    case 'file':
      return libraryFile(source.path, source.format);
    case 'sql':
      return { type: 'object', connection: source.connection, object: source.table };
    case 'rest':
      return { type: 'object', connection: source.connection, object: 'root' };
    case 'binary':
      return { type: 'app', path: source.path };
    case 'inline':
      return { type: 'own', text: 'inline:' };
    default:
      return undefined;
  }
};

const plainField = (name: string, source: ScriptSource): PlannedField => ({
  name,
  text: quoted(name),
  origins: [{ source, column: name, role: 'value' }],
});

const takenField = ({ renamed }: DataModel, name: string, source: ScriptSource): PlannedField => ({
  ...plainField(name, source),
  origins: [{ source, column: name === renamed?.to ? renamed.from : name, role: 'value' }],
});

/** Columns of a database, which are called otherwise than the fields. */
const columnField = (
  random: Random,
  { name, role }: ModelTable['fields'][number],
  source: ScriptSource,
): PlannedField => {
  const column = columnOf(name);
  const as = (text: string): PlannedField => ({
    name,
    text: `${text} AS ${quoted(name)}`,
    origins: [{ source, column, role: 'value' }],
  });
  if (role === 'date' && random.chance(0.4)) return as(`Date(Floor(${quoted(column)}))`);
  if (role === 'flag' && random.chance(0.4)) return as(`If(${quoted(column)} = 'Y', 1, 0)`);
  return as(quoted(column));
};

/** What a transformation does to a field of a QVD. */
const transformedField = (
  random: Random,
  table: ModelTable,
  { name, role }: ModelTable['fields'][number],
  source: ScriptSource,
): PlannedField => {
  const own: FieldOrigin = { source, column: name, role: 'value' };
  const field = quoted(name);
  if (role === 'number' && random.chance(0.4))
    return { name, text: `Round(${field}, 0.01) AS ${field}`, origins: [own] };
  if (role !== 'text' || !random.chance(0.5)) return plainField(name, source);
  const other = table.fields.find((one) => one.role === 'text' && one.name !== name);
  if (other === undefined || random.chance(0.5))
    return { name, text: `Upper(Trim(${field})) AS ${field}`, origins: [own] };
  return {
    name,
    text: `Trim(${field}) & ', ' & ${quoted(other.name)} AS ${field}`,
    origins: [own, { source, column: other.name, role: 'value' }],
  };
};

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const fileOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The folders of a script's QVDs as variables, said in the ways in which people say them. */
const pathVariables = (random: Random, folders: readonly string[], target: string | undefined): PlannedVariable[] => {
  const variables: PlannedVariable[] = folders.map((value, index) => {
    const name = `vIn${index + 1}`;
    const text = random.pick([
      `SET ${name} = ${value};`,
      `LET ${name} = '${value.replaceAll("'", "''")}';`,
      `${name} = '${value}';`,
    ]);
    return { name, value, text };
  });
  if (target === undefined) return variables;
  const [, root = '', rest = ''] = /^(lib:\/\/[^/]+)(\/.*)$/.exec(target) ?? [];
  return [
    ...variables,
    { name: 'vRoot', value: root, text: `SET vRoot = '${root}';` },
    {
      name: 'vOut',
      value: target,
      text: random.pick([
        `LET vOut = vRoot & '${rest}';`,
        `LET vOut = '$(vRoot)${rest}';`,
        `SET vOut = $(vRoot)${rest};`,
      ]),
    },
  ];
};

const DATABASES: ReadonlyMap<string, string> = new Map([
  ['DWH (corp_svc_qlik)', 'SalesDW'],
  ['HR Core (corp_hr_admin)', 'HRCore'],
  ['Snowflake', 'LOGISTICS'],
]);

/** A table's name, which need not say what the connection says. */
const objectText = (random: Random, connection: string, table: string): string => {
  const [database, schema, name] = table.split('.');
  if (DATABASES.get(connection) !== database || random.chance(0.4)) return table;
  return random.pick([`${schema}.${name}`, `"${schema}"."${name}"`]);
};

/** The plan of an app's script; equal for equal arguments. */
export const planOf = (world: World, app: App, model: DataModel): ScriptPlan => {
  const random = randomOf(world.seed, 'plan', app.id);
  const library = random.pick(world.connections.get('qvd') ?? []).name;
  const qvds = model.tables.flatMap(({ source }) =>
    source.kind === 'qvd' && !source.path.includes('*') ? [source.path] : [],
  );
  const target = model.tables.map(({ storedAs }) => storedAs).find((path) => path !== null) ?? undefined;
  const way =
    qvds.length === 0 && target === undefined
      ? 'plain'
      : random.weighted({ plain: 40, variables: 22, include: 10, sub: 14, loop: 14 });
  const style = way === 'plain' && randomOf(world.seed, 'directory', app.id).chance(0.3) ? 'directory' : way;
  const named = style === 'variables' || style === 'include';
  const folders = [...new Set(qvds.map(folderOf))];
  const variables = named ? pathVariables(random, folders, target === undefined ? undefined : folderOf(target)) : [];
  const written = (path: string): string => {
    const name = variables.find(({ value, name: one }) => one !== 'vRoot' && value === folderOf(path))?.name;
    return name === undefined ? path : `$(${name})${fileOf(path)}`;
  };
  const loads = model.tables.map((table): PlannedLoad => {
    const source = sourceOf(table);
    const { kind } = table.source;
    const star = kind === 'qvd' && (style === 'sub' || style === 'loop' || random.chance(0.35));
    const fields = table.fields.map((field): PlannedField => {
      if (source === undefined) return { name: field.name, text: quoted(field.name), origins: [] };
      if (kind === 'binary') return takenField(model, field.name, source);
      if (kind === 'sql' || kind === 'rest') return columnField(random, field, source);
      if (kind === 'qvd' && !star && model.layer === 'transform') return transformedField(random, table, field, source);
      return plainField(field.name, source);
    });
    const path =
      table.source.kind === 'qvd' ? written(table.source.path) : table.source.kind === 'file' ? table.source.path : '';
    const object = table.source.kind === 'sql' ? objectText(random, table.source.connection, table.source.table) : '';
    const select = kind === 'sql' ? random.weighted({ plain: 6, alias: 2, names: 2 }) : 'plain';
    const isBelow = style === 'directory' && kind === 'qvd';
    const directory = isBelow ? path.slice(0, path.lastIndexOf('/')) : undefined;
    return { table, fields, star, path: isBelow ? fileOf(path) : path, directory, object, select };
  });
  const [first] = model.tables;
  const joinedPath = `lib://${library}/1_extract/${model.subject.folder}/${first?.name ?? ''}.qvd`;
  return {
    style,
    library,
    variables,
    loads: loads.map((load) => tracedThrough(load, loads)),
    joined: model.transforms && first !== undefined ? { path: joinedPath, source: libraryFile(joinedPath) } : undefined,
    stores: [
      ...model.tables.flatMap((table) => storesOf(random, model, table, written)),
      ...pastStores(world, app, model),
    ],
  };
};

/** A table that is made of another one of the script comes from where that comes from. */
const tracedThrough = (load: PlannedLoad, loads: readonly PlannedLoad[]): PlannedLoad => {
  const { source } = load.table;
  if (source.kind !== 'resident') return load;
  const origin = loads.find(({ table }) => table.name === source.of);
  return {
    ...load,
    fields: load.fields.map((field) => ({
      ...field,
      origins: origin?.fields.find(({ name }) => name === field.name)?.origins ?? [],
    })),
  };
};

const storesOf = (
  random: Random,
  model: DataModel,
  table: ModelTable,
  written: (path: string) => string,
): PlannedStore[] => {
  if (table.storedAs === null) return [];
  const usual = model.subject.tables.find(({ name }) => name === table.name)?.fields.map(({ name }) => name) ?? [];
  // Whoever reads the file counts on the fields that it always had.
  const more = table.joined !== null || table.fields.length !== usual.length;
  const list = more ? usual : undefined;
  const stores: PlannedStore[] = [
    { table, path: written(table.storedAs), format: 'qvd', list, target: libraryFile(table.storedAs) },
  ];
  for (const [format, ending, chance] of [
    ['txt', 'csv', 0.12],
    ['parquet', 'parquet', 0.1],
  ] as const) {
    if (!random.chance(chance)) continue;
    const path = table.storedAs.replace(/qvd$/, ending);
    stores.push({ table, path, format, list, target: libraryFile(path) });
  }
  return stores;
};

/** What an app keeps of its first table for each month, and of a year that is over. */
const pastStores = (world: World, app: App, model: DataModel): PlannedStore[] => {
  const library = model.layer === 'extract' ? folderOfPast(world, app) : undefined;
  const table = model.tables.find(({ storedAs }) => storedAs !== null);
  if (library === undefined || table === undefined) return [];
  const list = model.subject.tables.find(({ name }) => name === table.name)?.fields.map(({ name }) => name);
  const [month, year] = ['$(vMonth)', '2024'].map((period) => pastOf(library, model.subject, table.name, period));
  const all = libraryFile(pastOf(library, model.subject, table.name, '*'));
  if (month === undefined || year === undefined) return [];
  return [
    { table, path: month, format: 'qvd', list, target: { type: 'own', text: `${month} {vMonth@1}` }, monthly: all },
    ...(randomOf(world.seed, 'year', app.id).chance(0.5)
      ? [{ table, path: year, format: 'qvd' as const, list, target: libraryFile(year) }]
      : []),
  ];
};

const originsOf = (plan: ScriptPlan, table: ModelTable, name: string): readonly FieldOrigin[] => {
  const load = plan.loads.find((one) => one.table === table);
  const loaded = load?.fields.find((field) => field.name === name);
  if (loaded !== undefined) return loaded.origins;
  if (plan.joined === undefined || table.joined?.name !== name) return [];
  const key = joinKeyOf(table);
  return [
    ...(key === undefined ? [] : [{ source: plan.joined.source, column: key, role: 'map-key' as const }]),
    { source: { type: 'own', text: 'inline:' }, column: 'Name', role: 'value' },
  ];
};

/** The field that the transformation joins by. */
export const joinKeyOf = ({ fields }: ModelTable): string | undefined =>
  (fields.find((field) => field.role === 'key') ?? fields[0])?.name;

const namesOf = ({ fields, joined }: ModelTable): string[] =>
  [...fields, ...(joined === null ? [] : [joined])].map(({ name }) => name);

const unique = (origins: readonly FieldOrigin[]): FieldOrigin[] => [
  ...new Map(origins.map((origin) => [JSON.stringify(origin), origin])).values(),
];

/** What the script makes of what. */
export const provenanceOf = (plan: ScriptPlan): Provenance => {
  const final = new Map<string, FieldOrigin[]>();
  for (const { table } of plan.loads) {
    if (table.dropped) continue;
    for (const name of namesOf(table)) final.set(name, [...(final.get(name) ?? []), ...originsOf(plan, table, name)]);
  }
  const fields = [...final].map(([name, origins]): DerivedField => ({ name, origins: unique(origins) }));
  const reads = plan.loads.flatMap(({ table }) => sourceOf(table) ?? []);
  return {
    fields,
    stores: plan.stores.map(({ table, target, list, monthly }) => ({
      target,
      ...(monthly === undefined ? {} : { monthly }),
      columns: (list ?? namesOf(table)).map((name) => ({ name, origins: originsOf(plan, table, name) })),
    })),
    reads: plan.joined === undefined ? reads : [...reads, plan.joined.source],
    includes: plan.style === 'include' ? [{ path: includePathOf(plan), text: variablesText(plan, '\r\n') }] : [],
  };
};

/** One file for all scripts that mean the same folders. */
export const includePathOf = (plan: ScriptPlan): string =>
  `lib://${plan.library}/scripts/paths_${hashOf(variablesText(plan, '')).toString(16).padStart(8, '0')}.qvs`;

export const variablesText = ({ variables }: ScriptPlan, eol: string): string =>
  variables.map(({ text }) => text).join(eol);
