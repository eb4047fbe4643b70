import type { BinaryStatement } from '../script/syntax.ts';
import { NO_ORIGINS, originFrom } from './origins.ts';
import type { Here, Session } from './session.ts';
import type { State } from './state.ts';
import { fieldsOf, NO_FIELDS, openOf, type Table } from './tables.ts';
import { canBe, isUncertain } from './values.ts';

/**
 * All tables of another app, of which the text names none. One row stands for each of them: what a statement asks of a
 * table that the text does not make, it asks of this one.
 */
export const importApp = ({ path }: BinaryStatement, state: State, { session, circumstances }: Here): void => {
  const source = { type: 'binary', path } as const;
  session.uses(source, 'reads', circumstances);
  state.imported = {
    id: session.tableId(),
    name: '',
    fields: NO_FIELDS,
    opens: [openOf([originFrom(source, '*', circumstances)])],
    direct: undefined,
    conditional: circumstances.conditional,
    partial: false,
    external: true,
    place: circumstances.place,
    influences: NO_ORIGINS,
  };
};

/**
 * The imported tables that the app has after its last reload: those that the text is not seen to make. Of a table
 * that it makes under a name with holes, any whose name fits may be that one, and is not told.
 */
export const importedTables = (state: State | undefined, { surroundings, past, cut }: Session): readonly Table[] => {
  const imported = state?.imported;
  if (state === undefined || imported === undefined || cut !== undefined) return [];
  const made = new Set([...state.tables.keys(), ...past.map(({ name }) => name)]);
  const uncertain = [...made].filter(isUncertain);
  return [...(surroundings.model?.keys() ?? [])].flatMap((name) =>
    made.has(name) || uncertain.some((template) => canBe(template, name))
      ? []
      : [{ ...imported, ...importedRow(imported, name, surroundings), name }],
  );
};

/** What one of the imported tables has: a field that was renamed is in some of them, and only the engine knows in which. */
export const importedRow = (
  { fields, opens }: Table,
  name: string,
  { model }: Session['surroundings'],
): Pick<Table, 'fields' | 'opens'> => {
  const seen = model?.get(name);
  return {
    fields: seen === undefined ? fields : fieldsOf([...fields.values()].filter((one) => seen.includes(one.name))),
    opens,
  };
};
