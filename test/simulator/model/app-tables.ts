import { type DataModel, fieldsOf, type ModelTable } from './data-model.ts';
import type { Random } from './random.ts';
import type { FieldRole } from './subjects.ts';
import type { Field, Table } from './types.ts';

const SYSTEM_FIELDS = ['$Field', '$Table', '$Rows', '$Fields', '$FieldNo', '$Info'] as const;

const TAGS: Readonly<Record<FieldRole, readonly string[]>> = {
  key: ['$ascii', '$text'],
  text: ['$ascii', '$text'],
  number: ['$numeric'],
  date: ['$numeric', '$integer', '$timestamp', '$date'],
  flag: ['$numeric', '$integer'],
};

const fieldOf = (name: string, srcTables: readonly string[], rest: Partial<Field>): Field => ({
  name,
  srcTables,
  cardinal: 1,
  totalCount: 1,
  byteSize: 64,
  isSystem: false,
  isHidden: false,
  isSemantic: false,
  isNumeric: false,
  isLocked: false,
  comment: '',
  tags: [],
  ...rest,
});

const dataFields = (random: Random, model: DataModel, tables: readonly ModelTable[]): Field[] => {
  const fields: Field[] = [];
  const roles = new Map(tables.flatMap((table) => fieldsOf(table).map(({ name, role }) => [name, role] as const)));
  for (const [name, role] of roles) {
    const homes = tables.filter((table) => fieldsOf(table).some((field) => field.name === name));
    const rows = Math.max(...homes.map((table) => table.rows));
    const cardinal = role === 'flag' ? 2 : Math.max(1, Math.min(rows, Math.round(random.logNormal(300, 2))));
    const hidden = name.startsWith('%') && random.chance(0.5);
    fields.push(
      fieldOf(
        name,
        homes.map((table) => table.name),
        {
          cardinal,
          totalCount: homes.reduce((sum, table) => sum + table.rows, 0),
          byteSize: cardinal * random.int(4, 40),
          isNumeric: role === 'number' || role === 'date' || role === 'flag',
          isHidden: hidden,
          comment: random.chance(0.05) ? 'From the DWH; "net"' : '',
          tags: [...(homes.length > 1 ? ['$key'] : []), ...TAGS[role], ...(hidden ? ['$hidden'] : [])],
        },
      ),
    );
  }
  const [date] = model.dates;
  if (model.autoCalendar && date !== undefined && roles.has(date)) {
    const homes = tables
      .filter((table) => fieldsOf(table).some((field) => field.name === date))
      .map((table) => table.name);
    for (const part of ['Year', 'Quarter', 'Month', 'YearMonth', 'InYTD']) {
      fields.push(
        fieldOf(`${date}.autoCalendar.${part}`, homes, {
          isHidden: true,
          isNumeric: true,
          cardinal: 12,
          tags: ['$numeric', '$autoCalendar', '$hidden', '$derived'],
        }),
      );
    }
  }
  return fields;
};

/**
 * Tables and fields after the last reload, as the app's script leaves them: what it dropped is absent, what the engine
 * adds (system fields, a synthetic key table) is marked as such.
 */
export const tablesOf = (random: Random, model: DataModel): { tables: readonly Table[]; fields: readonly Field[] } => {
  const present = model.tables.filter((table) => !table.dropped);
  const fields = dataFields(random, model, present);
  const tables: Table[] = present.map((table) => ({
    name: table.name,
    rows: table.rows,
    byteSize: table.rows * fieldsOf(table).length * 8,
    isSystem: false,
    isSemantic: false,
    isLoose: random.chance(0.01),
    comment: random.chance(0.08) ? `Loaded from ${model.subject.database}; nightly` : '',
    fieldNames: fields.filter((field) => field.srcTables.includes(table.name)).map((field) => field.name),
  }));
  if (model.synthetic) {
    tables.push({
      name: '$Syn 1 Table',
      rows: random.int(10, 5000),
      byteSize: 4096,
      isSystem: true,
      isSemantic: false,
      isLoose: false,
      comment: '',
      fieldNames: ['$Syn 1'],
    });
    fields.push(
      fieldOf('$Syn 1', ['$Syn 1 Table', ...present.slice(0, 2).map((table) => table.name)], {
        isSystem: true,
        isHidden: true,
        tags: ['$synthetic', '$hidden', '$key'],
      }),
    );
  }
  const system = SYSTEM_FIELDS.map((name) =>
    fieldOf(name, [], {
      isSystem: true,
      isHidden: true,
      cardinal: tables.length,
      tags: [
        '$system',
        '$hidden',
        name === '$Rows' || name === '$Fields' || name === '$FieldNo' ? '$numeric' : '$text',
      ],
    }),
  );
  // A field defined on the fly by a chart: semantic, without a table.
  const semantic =
    present.length > 0 && random.chance(0.1)
      ? [fieldOf('=Year(Today())', [], { isSemantic: true, isHidden: true, isNumeric: true })]
      : [];
  return { tables, fields: [...system, ...fields, ...semantic] };
};
