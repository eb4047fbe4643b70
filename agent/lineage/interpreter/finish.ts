import { redactText } from '#config/redaction/rules.ts';
import type {
  DatasetUse,
  FieldLineage,
  FilePlace,
  Origin,
  ScriptLineage,
  Source,
  StoreLineage,
  Surroundings,
  TableLineage,
} from '../result.ts';
import { importedTables } from './imported.ts';
import { inRole, type Origins, strongest, type Tracked, union, weakened } from './origins.ts';
import type { Session, StoreEvent } from './session.ts';
import { clean, cleanPlace } from './sources.ts';
import type { State } from './state.ts';
import { both, type Field, joinOpens, lookUp, openOrigins, type Row, type Table } from './tables.ts';
import { isUncertain, withoutMarks } from './values.ts';

const MOST_EXPRESSION = 1_000;

/** What came out, as others take it: names without marks, expressions redacted, each place of origin once. */
export const finish = (session: Session, state: State | undefined): ScriptLineage => {
  const finisher = new Finisher([...session.past, ...(state?.tables.values() ?? [])]);
  const { datasets, ...gathered } = session.gathered();
  return {
    tables: finisher.tables(session, state),
    stores: finisher.stores(session),
    datasets: datasets
      .filter(({ source }) => !finisher.makes(source))
      .map((use): DatasetUse => ({ ...use, source: clean(use.source) })),
    ...gathered,
    statements: session.statementCount(),
    variables: new Map(
      [...(state?.variables ?? [])].flatMap(([name, { value }]) =>
        value.type === 'text' && !isUncertain(value.text) ? [[name, value.text] as const] : [],
      ),
    ),
    sectionAccess: session.sectionAccess,
    cut: session.cut,
  };
};

class Finisher {
  readonly #origins = new Map<Tracked, Origin>();
  readonly #sources = new Map<Source, Source>();
  readonly #lists = new Map<Origins, readonly Origin[]>();
  readonly #makers: ReadonlyMap<string, Table>;

  constructor(tables: readonly Table[]) {
    this.#makers = new Map(tables.filter(({ external }) => !external).map((table) => [table.name, table]));
  }

  /** Whether the text makes a table of this name. */
  makes(source: Source): boolean {
    return source.type === 'resident' && this.#makers.has(source.table);
  }

  tables(session: Session, state: State | undefined): readonly TableLineage[] {
    const live = new Map([...(state?.tables.values() ?? [])].map((table) => [table.id, table]));
    // The script may have ended early: what it had then it may have in the end.
    const dropped = new Map<number, Table>();
    for (const table of session.past) if (!live.has(table.id)) dropped.set(table.id, table);
    const made = [...live.values(), ...dropped.values()]
      .toSorted((one, other) => one.id - other.id)
      .map((table) => this.#table(table, live.has(table.id) || state === undefined, session));
    return [...importedTables(state, session).map((table) => this.#table(table, true, session)), ...made];
  }

  #table(table: Table, final: boolean, { surroundings }: Session): TableLineage {
    const row = final ? observed(table, surroundings.model?.get(table.name)) : table;
    const fields = this.#fields(row);
    return {
      name: withoutMarks(table.name),
      fields,
      final,
      open: fields.at(-1)?.name === '*' || row.opens.some(({ numbered }) => numbered !== undefined),
      conditional: table.conditional,
      place: table.place,
      influences: this.#shared(table.influences),
    };
  }

  /** One for each target and table, however often it was written. */
  stores({ stores: events, surroundings }: Session): readonly StoreLineage[] {
    const found = new Map<string, StoreEvent>();
    for (const event of events) {
      const key = `${event.directory ?? ''}|${event.target}|${event.table}`;
      const known = found.get(key);
      found.set(key, known === undefined ? event : together(known, event));
    }
    return [...found.values()].map((event) => {
      const { path, ...place } = placeOf(event);
      const fields = this.#fields(seenStored(event, surroundings));
      return {
        target: path,
        ...place,
        format: event.format,
        table: withoutMarks(event.table),
        fields,
        open: fields.at(-1)?.name === '*',
        conditional: event.conditional,
        place: event.place,
      };
    });
  }

  #fields(row: Row): readonly FieldLineage[] {
    const known = [...row.fields.values()].map((field) => this.#field(field));
    const nameless = row.opens.filter(
      (open) => open.numbered === undefined && open.origins.some((origin) => this.#maker(origin) === undefined),
    );
    if (nameless.length === 0) return known;
    const origins = this.#shared(openOrigins({ ...row, opens: nameless }));
    return [...known, { name: '*', origins, expression: undefined }];
  }

  #field({ name, origins, expression }: Field): FieldLineage {
    return {
      name: withoutMarks(name),
      origins: this.#shared(origins),
      expression:
        expression === undefined
          ? undefined
          : redactText(withoutMarks(expression.slice(0, MOST_EXPRESSION * 2))).slice(0, MOST_EXPRESSION),
    };
  }

  #shared(origins: Origins): readonly Origin[] {
    const known = this.#lists.get(origins);
    if (known !== undefined) return known;
    const list = strongest(this.#made(origins)).map((origin) => this.#origin(origin));
    this.#lists.set(origins, list);
    return list;
  }

  /** With what tables that the text makes further down take their fields from: a loop reads what its turn before made. */
  #made(origins: Origins): Origins {
    if (!origins.some((origin) => this.#maker(origin) !== undefined)) return origins;
    return union(
      ...origins.map((origin) => {
        const maker = this.#maker(origin);
        if (maker === undefined) return [origin];
        const found = lookUp(maker, origin.field) ?? [];
        return inRole(
          found.filter(({ source }) => source.type !== 'resident'),
          origin.role,
        );
      }),
    );
  }

  #maker({ source }: Tracked): Table | undefined {
    return source.type === 'resident' ? this.#makers.get(source.table) : undefined;
  }

  #origin(tracked: Tracked): Origin {
    const known = this.#origins.get(tracked);
    if (known !== undefined) return known;
    const { key: _, ...origin } = tracked;
    const plain = { ...origin, source: this.#source(origin.source), field: withoutMarks(origin.field) };
    this.#origins.set(tracked, plain);
    return plain;
  }

  /** One for all columns of it. */
  #source(source: Source): Source {
    const known = this.#sources.get(source);
    if (known !== undefined) return known;
    const cleaned = clean(source);
    this.#sources.set(source, cleaned);
    return cleaned;
  }
}

const placeOf = ({ target, directory }: StoreEvent): FilePlace => cleanPlace({ path: target, directory });

const together = (one: StoreEvent, other: StoreEvent): StoreEvent => {
  const fields = new Map(one.fields);
  for (const [name, field] of other.fields) {
    const known = fields.get(name);
    fields.set(name, known === undefined ? field : both(known, field));
  }
  return {
    ...one,
    fields,
    opens: joinOpens(one.opens, other.opens),
    conditional: one.conditional && other.conditional,
  };
};

/** With the columns that the written file has, or else the table in the app, and only a `*` can have brought. */
const seenStored = (event: StoreEvent, { columns, model }: Surroundings): Row => {
  if (event.opens.length === 0) return event;
  const seen = columns?.({ type: 'file', ...placeOf(event), table: undefined, format: event.format });
  return seen === undefined
    ? observed(event, model?.get(withoutMarks(event.table)))
    : observed(event, seen, 'file-head');
};

/** With the fields that somebody saw and only a `*` can have brought. */
const observed = <T extends Row>(table: T, names: readonly string[] | undefined, reason = 'model'): T => {
  if (names === undefined || table.opens.length === 0) return table;
  const fields = new Map(table.fields);
  for (const name of names) {
    if (fields.has(name)) continue;
    const origins = lookUp(table, name);
    if (origins !== undefined)
      fields.set(name, { name, origins: weakened(union(origins), 'inferred', reason), expression: undefined });
  }
  return { ...table, fields, opens: [] };
};
