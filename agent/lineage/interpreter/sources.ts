import { lessSure } from '#protocol/lineage.ts';
import { dialectNamed } from '../databases.ts';
import { isRelative } from '../file-place.ts';
import type { FilePlace, FileSource, Source } from '../result.ts';
import { sourceName } from '../result-json.ts';
import type { Format, LoadSource, SelectStep } from '../script/syntax.ts';
import type { SqlOrigin } from '../sql/analysis.ts';
import { dialectOf } from '../sql/dialects.ts';
import { tableNamed } from './expression-origins.ts';
import { matches } from './functions.ts';
import { inlineFields } from './inline.ts';
import { type Circumstances, type Origins, originFrom, pathKey, union, weakened } from './origins.ts';
import type { Here } from './session.ts';
import type { State } from './state.ts';
import { appended, type Field, fieldsOf, lookUp, NO_FIELDS, type Open, openOf, type Row, wholeOpen } from './tables.ts';
import { hasHoles, holesIn, withoutMarks } from './values.ts';

const NOTHING: Row = { fields: NO_FIELDS, opens: [], direct: undefined };

/** What a LOAD reads from. `all`: every column of it is asked for, so their names are looked for elsewhere too. */
export const readSource = (source: LoadSource, state: State, here: Here, all: boolean): Row => {
  switch (source.type) {
    case 'file':
      return source.others
        .map((path) => file(path, source.format, state, here, all))
        .reduce<Row>(asOne, file(source.path, source.format, state, here, all));
    case 'resident':
      return resident(source.table, state, here);
    case 'inline': {
      const inline: Source = { type: 'inline' };
      here.session.uses(inline, 'reads', here.circumstances);
      if (hasHoles(source.body) && !/[\r\n]/.test(source.body.trim())) return beyond(inline, here.circumstances);
      return columnsOf(inline, inlineFields(source.body, source.format), here.circumstances);
    }
    case 'autogenerate':
      here.session.uses({ type: 'autogenerate' }, 'reads', here.circumstances);
      return NOTHING;
    case 'fromField': {
      const table = tableNamed(source.table, state);
      const origins =
        table === undefined
          ? [originFrom({ type: 'resident', table: source.table }, source.field, here.circumstances)]
          : (lookUp(table, source.field) ?? []);
      return { fields: NO_FIELDS, opens: [], direct: wholeOpen(origins) };
    }
    case 'extension': {
      const extension: Source = { type: 'extension', name: source.name };
      here.session.uses(extension, 'reads', here.circumstances);
      return beyond(extension, here.circumstances);
    }
    default:
      return source satisfies never;
  }
};

/** A table of the script, or one that the text does not make. */
export const resident = (name: string, state: State, here: Here): Row => {
  const table = tableNamed(name, state);
  if (table !== undefined)
    return { fields: table.fields, opens: table.opens, direct: undefined, anyCase: table.anyCase };
  if (state.imported !== undefined) return state.imported;
  const source: Source = { type: 'resident', table: name };
  here.session.uses(source, 'reads', here.circumstances);
  return beyond(source, here.circumstances);
};

/** Knows its columns by what a statement asks of it only. */
const beyond = (source: Source, circumstances: Circumstances): Row => ({
  fields: NO_FIELDS,
  opens: [],
  direct: openOf([originFrom(source, '*', circumstances)]),
});

const columnsOf = (source: Source, names: readonly string[], circumstances: Circumstances): Row => ({
  fields: fieldsOf(
    names.map((name) => ({ name, origins: [originFrom(source, name, circumstances)], expression: undefined })),
  ),
  opens: [],
  direct: undefined,
});

const file = (path: string, format: Format, state: State, here: Here, all: boolean): Row => {
  const circumstances = ofPath(path, here.circumstances);
  const source = fileSource(path, format.table, format.kind, state);
  here.session.uses(source, 'reads', circumstances);
  const unnamed = beyond(source, circumstances);
  const stored = format.table === undefined ? storedAt(source, state) : undefined;
  if (stored !== undefined) return { fields: stored.fields, opens: stored.opens, direct: unnamed.direct };
  if (!all) return unnamed;
  const names = here.session.surroundings.columns?.(clean(source));
  if (names === undefined) {
    here.session.want(format.kind === 'qvd' ? 'qvd' : 'columns', sourceName(source));
    return unnamed;
  }
  const known = columnsOf(source, names, { ...circumstances, ...learnt(circumstances, 'columns') });
  return { ...known, direct: unnamed.direct };
};

/** A file as a statement names it now. */
export const fileSource = (
  path: string,
  table: string | undefined,
  format: string,
  { directory }: State,
): FileSource =>
  directory === '' || !isRelative(path)
    ? { type: 'file', path, table, format }
    : { type: 'file', path, table, format, directory };

/** What the script itself wrote there; by a pattern that says more than the kind of file, all that fit it. */
const storedAt = (source: FileSource, { stored }: State): Row | undefined => {
  const key = pathKey(source);
  const known = stored.get(key);
  if (known !== undefined || !/[*?]/.test(key) || /^[*?]+(?:\.\w*)?$/.test(key.slice(key.lastIndexOf('/') + 1)))
    return known;
  const fitting = [...stored].flatMap(([written, row]) => (matches(written, key) ? [row] : []));
  return fitting.length === 0 ? undefined : fitting.reduce<Row>(asOne, NOTHING);
};

/** Files that are read as one table: each of them has all columns. */
const asOne = (one: Row, other: Row): Row => ({
  ...appended(one, other),
  direct:
    one.direct === undefined || other.direct === undefined
      ? undefined
      : { ...one.direct, origins: union(one.direct.origins, other.direct.origins) },
});

const ofPath = (path: string, circumstances: Circumstances): Circumstances =>
  hasHoles(path) ? { ...circumstances, ...learnt(circumstances, 'hole') } : circumstances;

const learnt = (
  { confidence, reasons }: Circumstances,
  reason: string,
): Pick<Circumstances, 'confidence' | 'reasons'> => ({
  confidence: lessSure(confidence, 'inferred'),
  reasons: [...reasons, reason],
});

/** As others know it. Holes are told apart by their versions, which no path shows. */
export const cleanPlace = ({ path, directory }: FilePlace): FilePlace => ({
  path: withoutMarks(path),
  ...(directory === undefined ? {} : { directory: withoutMarks(directory) }),
  ...holesOf(directory, path),
});

const holesOf = (...texts: readonly (string | undefined)[]): Pick<FilePlace, 'holes'> => {
  const holes = holesIn(texts.join(' '));
  return holes.length === 0 ? {} : { holes };
};

/** As others know it. */
export const clean = (source: Source): Source => {
  switch (source.type) {
    case 'file':
      return {
        ...source,
        ...cleanPlace(source),
        ...holesOf(source.directory, source.path, source.table),
        table: source.table && withoutMarks(source.table),
      };
    case 'object':
      return {
        ...source,
        connection: withoutMarks(source.connection),
        object: withoutMarks(source.object),
        ...holesOf(source.connection, source.object),
      };
    case 'resident':
      return { ...source, table: withoutMarks(source.table) };
    case 'binary':
      return { ...source, ...cleanPlace(source) };
    case 'extension':
      return { ...source, name: withoutMarks(source.name) };
    case 'inline':
    case 'autogenerate':
      return source;
    default:
      return source satisfies never;
  }
};

/** What a SELECT gives. */
export interface Selected extends Row {
  /** Columns that it joins, filters, groups and sorts by: they belong to its rows and to no field. */
  readonly influences: Origins;
  /** The first object that it reads. */
  readonly named: string | undefined;
  /** It calls a procedure, which may give no rows at all. */
  readonly calls?: true | undefined;
  /** It gives no rows at all: no table comes of it. */
  readonly rowless?: boolean | undefined;
}

const OF_ROWS: ReadonlySet<string> = new Set(['key', 'filter', 'group', 'sort']);

export const readSelect = (step: SelectStep, state: State, here: Here): Selected => {
  const { session } = here;
  const connections = state.connections.length === 0 ? [''] : state.connections;
  const [connection = '', ...others] = connections;
  const circumstances =
    others.length === 0
      ? here.circumstances
      : {
          ...here.circumstances,
          confidence: lessSure(here.circumstances.confidence, 'candidate'),
          reasons: [...here.circumstances.reasons, 'alternatives'],
        };
  const places = (object: string): readonly Source[] =>
    connections.map((one) => ({ type: 'object', connection: one, object }));
  const origins = (object: string, column: string): Origins =>
    places(object).map((place) => originFrom(place, column, circumstances));
  if (step.kind !== 'select' && step.kind !== 'direct') {
    // The driver's own list of what there is: its columns differ from driver to driver.
    const listed = step.kind.toUpperCase();
    for (const place of places(listed)) session.uses(place, 'reads', circumstances);
    return { ...NOTHING, opens: [openOf(origins(listed, '*'))], influences: [], named: listed };
  }
  const facts = connection === '' ? undefined : session.surroundings.connection?.(withoutMarks(connection));
  for (const one of connections) {
    if (one !== '' && session.surroundings.connection?.(withoutMarks(one)) === undefined)
      session.want('connection', one);
  }
  const analysis = session.analyseSql({
    text: step.text,
    dialect: facts ? dialectOf(facts) : dialectNamed(session.providers.get(connection) ?? ''),
    defaults: { database: facts?.database, schema: facts?.schema },
    columns: (object) => session.surroundings.columns?.(clean({ type: 'object', connection, object })),
  });
  for (const { code, message } of analysis.diagnostics)
    session.say('warning', code.replace(/^lineage\./, ''), message, circumstances.place);
  for (const object of analysis.objects)
    for (const place of places(object)) session.uses(place, 'reads', circumstances);
  const from = ({ object, column, role, confidence, reasons }: SqlOrigin): Origins => {
    const found = origins(object, column).map((origin) => ({ ...origin, role }));
    if (confidence === 'exact') return found;
    return (reasons.length === 0 ? ['sql'] : reasons).reduce<Origins>(
      (known, reason) => weakened(known, confidence, reason),
      found,
    );
  };
  const fields: Field[] = analysis.columns.map((column) => ({
    name: column.name,
    origins: union(...column.from.filter(({ role }) => !OF_ROWS.has(role)).map(from)),
    expression: undefined,
  }));
  const influences = union(
    ...analysis.columns.flatMap((column) => column.from.filter(({ role }) => OF_ROWS.has(role)).map(from)),
  );
  const opens: readonly Open[] = analysis.open
    ? (analysis.beyond ?? analysis.objects).map((object) => openOf(origins(object, '*')))
    : [];
  const { calls, rowless } = analysis;
  const [named] = analysis.objects;
  return { fields: fieldsOf(fields), opens, direct: undefined, anyCase: true, influences, named, calls, rowless };
};
