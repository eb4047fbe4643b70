import type { ModelTable } from './data-model.ts';
import { quoted } from './expressions.ts';
import type { Random } from './random.ts';
import type { ScriptPlan } from './script-plan.ts';

export const EOL = '\r\n';
export const lines = (...text: readonly string[]): string => text.join(EOL);

type Load = ScriptPlan['loads'][number];

const fieldList = ({ fields }: Load): string => fields.map(({ text }) => `    ${text}`).join(`,${EOL}`);

const inlineRows = (table: ModelTable): string =>
  [
    table.fields.map((field) => field.name).join(', '),
    ...[1, 2, 3].map((row) => table.fields.map((_, i) => `v${row}${i}`).join(', ')),
  ].join(EOL);

/** The statements that load one table, in one of the ways in which people write them. */
export const loadOf = (random: Random, load: Load): string => {
  const { table, star, path } = load;
  const label = `${quoted(table.name)}:`;
  const { source } = table;
  const columns = load.fields.map(({ origins }) => origins[0]?.column ?? '');
  switch (source.kind) {
    case 'qvd': {
      const where = random.chance(0.2) ? `${EOL}WHERE ${quoted(table.fields[0]?.name ?? 'x')} > 0` : '';
      const below = load.directory === undefined ? [] : [`DIRECTORY [${load.directory}];`];
      return lines(...below, label, 'LOAD', star ? '    *' : fieldList(load), `FROM [${path}] (qvd)${where};`);
    }
    case 'sql':
      return lines(
        `LIB CONNECT TO '${source.connection.replaceAll("'", "''")}';`,
        '',
        label,
        ...selectOf(random, load),
      );
    case 'rest':
      return lines(
        `LIB CONNECT TO [${source.connection}];`,
        'RestConnectorMasterTable:',
        `SQL SELECT ${columns.map((column) => `"${column}"`).join(', ')}`,
        'FROM JSON (wrap on) "root" PK "__KEY_root"',
        'WITH CONNECTION (QUERY "page" "1", HTTPHEADER "Authorization" "Bearer $(vToken)");',
        label,
        `NOCONCATENATE LOAD`,
        `${fieldList(load)}`,
        'RESIDENT RestConnectorMasterTable;',
        'DROP TABLE RestConnectorMasterTable;',
      );
    case 'file':
      return lines(label, 'LOAD', fieldList(load), `FROM [${path}]`, `${source.format};`);
    // All of them come with one statement, which is the script's first.
    case 'binary':
      return '';
    case 'inline':
      return lines(label, 'LOAD * INLINE [', inlineRows(table), '];');
    case 'calendar':
      return lines(
        'tmpRange:',
        `LOAD Min(FieldValue('${source.date}', RecNo())) AS minDate, Max(FieldValue('${source.date}', RecNo())) AS maxDate`,
        `AUTOGENERATE FieldValueCount('${source.date}');`,
        "LET vMin = Peek('minDate', 0, 'tmpRange');",
        "LET vMaxDate = Peek('maxDate', 0, 'tmpRange');",
        'DROP TABLE tmpRange;',
        label,
        `LOAD ${quoted(source.date)}, Year(${quoted(source.date)}) AS Year, 'Q' & Ceil(Month(${quoted(source.date)}) / 3) AS Quarter,`,
        `    Month(${quoted(source.date)}) AS Month, MonthName(${quoted(source.date)}) AS YearMonth;`,
        `LOAD Date($(vMin) + IterNo() - 1) AS ${quoted(source.date)} AUTOGENERATE 1 WHILE $(vMin) + IterNo() - 1 <= $(vMaxDate);`,
      );
    case 'resident': {
      const [key] = table.fields;
      return lines(
        label,
        `NOCONCATENATE LOAD ${quoted(key?.name ?? 'x')}, Count(1) AS [Row Count]`,
        `RESIDENT ${quoted(source.of)}`,
        `GROUP BY ${quoted(key?.name ?? 'x')};`,
      );
    }
    default:
      return source satisfies never;
  }
};

const CLIENT = ["WHERE MANDT = '100' -- client; only", ';'];

/** A SELECT with the LOAD above it, if it does not name the fields itself. */
const selectOf = (random: Random, load: Load): readonly string[] => {
  const { object, select, fields } = load;
  const columns = fields.map(({ origins }) => origins[0]?.column ?? '');
  const word = random.chance(0.6) ? 'SQL ' : '';
  // A SELECT that names the fields cannot do what their LOAD would.
  if (select === 'names' && fields.every(({ text }, i) => text.startsWith(`${quoted(columns[i] ?? '')} AS `))) {
    const named = fields.map(({ name }, i) => `    ${columns[i]} AS "${name.replaceAll('"', '""')}"`);
    return [`${word}SELECT`, named.join(`,${EOL}`), `FROM ${object}`, ...CLIENT];
  }
  const head = ['LOAD', `${fieldList(load)};`];
  if (select === 'plain') return [...head, `${word}SELECT ${columns.join(', ')}`, `FROM ${object}`, ...CLIENT];
  return [
    ...head,
    `${word}SELECT ${columns.map((column) => `t.${column}`).join(', ')}`,
    `FROM ${object} t`,
    "WHERE t.MANDT = '100'",
    ';',
  ];
};

const textOf = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** QVDs that all are read in one way: by a sub, or in a loop over the names of the tables. */
export const commonLoads = ({ style, loads }: ScriptPlan): string => {
  const qvds = loads.filter(({ table }) => table.source.kind === 'qvd');
  if (style === 'sub')
    return lines(
      'SUB LoadQvd (vTable, vFolder)',
      '  [$(vTable)]:',
      '  LOAD * FROM [$(vFolder)/$(vTable).qvd] (qvd);',
      'END SUB',
      '',
      ...qvds.map(({ table, path }) => `CALL LoadQvd (${textOf(table.name)}, ${textOf(folderOf(path))});`),
    );
  const folders = Map.groupBy(qvds, ({ path }) => folderOf(path));
  return lines(
    ...[...folders].flatMap(([folder, of]) => [
      `FOR EACH vTable IN ${of.map(({ table }) => textOf(table.name)).join(', ')}`,
      '  [$(vTable)]:',
      `  LOAD * FROM [${folder}/$(vTable).qvd] (qvd);`,
      'NEXT vTable',
    ]),
  );
};

/** What is written to files at the end, and what is dropped then. */
export const storesOf = ({ style, stores, loads }: ScriptPlan): string => {
  const bySub = style === 'sub' && stores.length > 0;
  const sub = lines(
    'SUB StoreTable (vTable, vFolder)',
    "  IF Len('$(vTable)') > 0 THEN",
    '    STORE [$(vTable)] INTO [$(vFolder)/$(vTable).qvd] (qvd);',
    '  END IF',
    'END SUB',
  );
  const written = stores.map(({ table, path, format, list }) => {
    if (bySub && format === 'qvd' && list === undefined)
      return `CALL StoreTable (${textOf(table.name)}, ${textOf(folderOf(path))});`;
    const fields = list === undefined ? '' : `${list.map(quoted).join(', ')} FROM `;
    const month = path.includes('$(vMonth)') ? `LET vMonth = Date(MonthStart(Today()), 'YYYYMM');${EOL}` : '';
    return `${month}STORE ${fields}${quoted(table.name)} INTO [${path}] (${format});`;
  });
  const dropped = loads.flatMap(({ table }) => (table.dropped ? [`DROP TABLE ${quoted(table.name)};`] : []));
  return [...(bySub ? [sub] : []), ...written, ...dropped].join(EOL);
};
