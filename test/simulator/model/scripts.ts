import type { DataModel, ModelTable } from './data-model.ts';
import { quoted } from './expressions.ts';
import { type Random, randomOf } from './random.ts';
import { SCRIPT_IDIOMS } from './script-idioms.ts';
import type { App, LineageRow } from './types.ts';
import type { World } from './world.ts';

interface Section {
  readonly name: string;
  readonly text: string;
}

const EOL = '\r\n';
const lines = (...text: readonly string[]): string => text.join(EOL);

const SETTINGS = lines(
  "SET ThousandSep='.';",
  "SET DecimalSep=',';",
  "SET MoneyFormat='#.##0,00 €;-#.##0,00 €';",
  "SET DateFormat='DD.MM.YYYY';",
  "SET MonthNames='Jan;Feb;Mrz;Apr;Mai;Jun;Jul;Aug;Sep;Okt;Nov;Dez';",
);

const SCRIPT_VARIABLES = lines(
  'LET vToday = Today();',
  'SET vCurrentYear = 2025;',
  "SET vQvdPath = 'lib://QVD/1_extract/';",
  'SET vMargin = ($1 - $2) / $1;',
  'REM a remark; LOAD nothing from here;',
);

const columnOf = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');

const fieldList = (random: Random, table: ModelTable, aliased: boolean): string =>
  table.fields
    .map(({ name, role }) => {
      if (!aliased) return `    ${quoted(name)}`;
      const column = columnOf(name);
      if (role === 'date' && random.chance(0.4)) return `    Date(Floor(${quoted(column)})) AS ${quoted(name)}`;
      if (role === 'flag' && random.chance(0.4)) return `    If(${quoted(column)} = 'Y', 1, 0) AS ${quoted(name)}`;
      return `    ${quoted(column)} AS ${quoted(name)}`;
    })
    .join(`,${EOL}`);

const inlineRows = (table: ModelTable): string =>
  [
    table.fields.map((field) => field.name).join(', '),
    ...[1, 2, 3].map((row) => table.fields.map((_, i) => `v${row}${i}`).join(', ')),
  ].join(EOL);

/** The statement that loads one table, in one of the ways in which people write it. */
const loadOf = (random: Random, table: ModelTable): string => {
  const label = `${quoted(table.name)}:`;
  const { source } = table;
  switch (source.kind) {
    case 'qvd': {
      const where = random.chance(0.2) ? `${EOL}WHERE ${quoted(table.fields[0]?.name ?? 'x')} > 0` : '';
      const list = random.chance(0.35) ? '    *' : fieldList(random, table, false);
      return lines(label, 'LOAD', list, `FROM [${source.path}] (qvd)${where};`);
    }
    case 'sql':
      return lines(
        `LIB CONNECT TO '${source.connection.replaceAll("'", "''")}';`,
        '',
        label,
        'LOAD',
        `${fieldList(random, table, true)};`,
        `${random.chance(0.6) ? 'SQL ' : ''}SELECT ${table.fields.map((field) => columnOf(field.name)).join(', ')}`,
        `FROM ${source.table}`,
        `WHERE MANDT = '100' -- client; only`,
        ';',
      );
    case 'rest':
      return lines(
        `LIB CONNECT TO [${source.connection}];`,
        'RestConnectorMasterTable:',
        `SQL SELECT ${table.fields.map((field) => `"${columnOf(field.name)}"`).join(', ')}`,
        'FROM JSON (wrap on) "root" PK "__KEY_root"',
        'WITH CONNECTION (QUERY "page" "1", HTTPHEADER "Authorization" "Bearer $(vToken)");',
        label,
        `NOCONCATENATE LOAD`,
        `${fieldList(random, table, true)}`,
        'RESIDENT RestConnectorMasterTable;',
        'DROP TABLE RestConnectorMasterTable;',
      );
    case 'file':
      return lines(label, 'LOAD', fieldList(random, table, false), `FROM [${source.path}]`, `${source.format};`);
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

/** A mapping load with its use, and a left join from a QVD that another app writes. */
const transformOf = (model: DataModel, folder: string): string => {
  const [first] = model.tables;
  const key = first?.fields.find((field) => field.role === 'key') ?? first?.fields[0];
  if (first === undefined || key === undefined) return "TRACE nothing to transform; it's fine;";
  const name = quoted(first.name);
  return lines(
    'CountryMap:',
    'MAPPING LOAD Code, Name INLINE [',
    'Code, Name',
    'DE, Deutschland',
    'FR, France',
    '];',
    '',
    `LEFT JOIN (${name})`,
    `LOAD ${quoted(key.name)}, ApplyMap('CountryMap', Left(${quoted(key.name)}, 2), 'n/a') AS ${quoted(first.joined?.name ?? 'Land')}`,
    `FROM [lib://${folder}/1_extract/${model.subject.folder}/${first.name}.qvd] (qvd);`,
    '',
    "FOR EACH vFile IN FileList('lib://QVD/delta/*.qvd')",
    `    TRACE file $(vFile);`,
    'NEXT vFile',
  );
};

const sectionAccess = (random: Random, world: World, app: App): string =>
  lines(
    'SECTION ACCESS;',
    'LOAD * INLINE [',
    'ACCESS, USERID, GROUP, REDUCTION',
    'ADMIN, INTERNAL\\SA_SCHEDULER, *, *',
    ...(app.admitted ?? []).map((name) => `USER, ${name}, *, ${random.pick(['DE', 'FR', '*'])}`),
    `USER, CORP\\canary-section-access-${world.seed}, *, secret region`,
    '];',
    'SECTION APPLICATION;',
  );

const storesOf = (model: DataModel): string =>
  model.tables
    .flatMap((table) => [
      ...(table.storedAs === null ? [] : [`STORE ${quoted(table.name)} INTO [${table.storedAs}] (qvd);`]),
      ...(table.dropped ? [`DROP TABLE ${quoted(table.name)};`] : []),
    ])
    .join(EOL);

const join = (random: Random, sections: readonly Section[]): string => {
  const style = random.weighted({ tabs: 80, preface: 8, blankPreface: 6, single: 6 });
  if (style === 'single') return sections.map((section) => section.text).join(`${EOL}${EOL}`);
  const body = sections.map(({ name, text }) => `///$tab ${name}${EOL}${text}`).join(`${EOL}${EOL}`);
  if (style === 'preface') return `// generated header; do not edit${EOL}SET vHeader = 1;${EOL}${body}`;
  return style === 'blankPreface' ? `${EOL}  ${EOL}${body}` : body;
};

/**
 * The load script: it loads exactly the tables of the data model, from the sources named there. Apps that were never
 * reloaded have the default script or none.
 */
export const scriptOf = (world: World, app: App, model: DataModel): string => {
  const random = randomOf(world.seed, 'script', app.id);
  if (app.lastReloadTime === null) {
    const [blank, fresh] = [random.chance(0.4), `///$tab Main${EOL}${SETTINGS}${EOL}`];
    return blank ? random.pick(['', `${EOL}  `]) : fresh;
  }
  const folder = random.pick(world.connections.get('qvd') ?? []).name;
  const sections: Section[] = [
    { name: 'Main', text: SETTINGS },
    { name: random.pick(['Variables', 'Variablen & Pfade', 'Config; paths']), text: SCRIPT_VARIABLES },
  ];
  if (app.sectionAccess) sections.push({ name: 'Section Access', text: sectionAccess(random, world, app) });
  if (random.chance(0.15))
    sections.push({ name: 'Include', text: `$(Must_Include=lib://${folder}/scripts/common.qvs);` });
  if (random.chance(0.12)) {
    sections.push({
      name: 'Connect',
      text: `LET vToken = 'canary-script-${world.seed}-${app.id.slice(0, 8)}';${EOL}OLEDB CONNECT TO [Provider=X;User ID=u;Password=canary-script-connect-${world.seed}];`,
    });
  }
  for (const table of model.tables) sections.push({ name: table.name, text: loadOf(random, table) });
  if (model.transforms)
    sections.push({ name: random.pick(['Transform', 'Main', '📦 Mapping']), text: transformOf(model, folder) });
  for (const idiom of random.sample(SCRIPT_IDIOMS, random.chance(0.35) ? random.int(1, 3) : 0)) {
    sections.push({ name: idiom.name, text: lines(...idiom.lines).replaceAll('{path}', `lib://${folder}`) });
  }
  const stores = storesOf(model);
  if (stores !== '') sections.push({ name: 'Store', text: stores });
  if (random.chance(0.2)) sections.push({ name: 'Exit', text: 'EXIT SCRIPT;' });
  if (random.chance(0.1))
    sections.push({ name: 'Archive', text: `/* old; kept${EOL}LOAD * FROM [lib://gone/x.qvd] (qvd); */` });
  return join(random, sections);
};

/** What the engine reports for one source: nothing is normalised, as on real sites. */
const discriminators = (random: Random, world: World, table: ModelTable): LineageRow => {
  const { source } = table;
  const row = (discriminator: string, statement = ''): LineageRow => ({ discriminator, statement });
  switch (source.kind) {
    case 'qvd': {
      const file = source.path.replace(/^lib:\/\/[^/]+\//, 'd:\\qlik\\qvd\\').replaceAll('/', '\\');
      return random.pick([
        row(`${source.path};`),
        row(source.path),
        row(`DSN=${file};`),
        row(file),
        row(`\\\\fileserver\\bi\\qvd\\${table.name}.qvd;`),
      ]);
    }
    case 'sql':
      return random.pick([
        row(source.connection, `SELECT * FROM ${source.table}`),
        row(
          `Provider=SQLOLEDB.1;Data Source=sql01;Password=canary-lineage-${world.seed}`,
          `SQL SELECT * FROM ${source.table}`,
        ),
      ]);
    case 'rest':
      return row(
        `https://tickets.example/v2/tickets?api_key=canary-lineage-url-${world.seed};`,
        'SELECT "ID" FROM JSON (wrap on) "root"',
      );
    case 'file':
      return row(random.pick([`${source.path};`, source.path, 'c:\\daten\\plan\\..\\rates.xls']));
    case 'inline':
      return row('INLINE;');
    case 'calendar':
      return row('AUTOGENERATE;');
    case 'resident':
      return row(`RESIDENT ${source.of};`);
    default:
      return source satisfies never;
  }
};

const storedRow = (random: Random, name: string, path: string): LineageRow => ({
  discriminator: random.pick([
    `{STORE - STORE [${name}] INTO [${path}](qvd)};`,
    `{STORE - STORE [${name}] INTO [${path.replace(/qvd$/, 'csv')}](txt)};`,
    `{STORE - STORE [${name}] INTO [${path.replace(/qvd$/, 'parquet')}](parquet)};`,
    `DSN={STORE - [${path}]\n(qvd)};`,
    `STORE - QVD\\${name}.qvd`,
    `STORE - [${name}.qvd] (qvd)`,
  ]),
  statement: '',
});

/** `GetLineage`: what the last reload touched, in its order, repeated where the script came by more than once. */
export const lineageOf = (world: World, app: App, model: DataModel): readonly LineageRow[] => {
  const random = randomOf(world.seed, 'lineage', app.id);
  const rows: LineageRow[] = [];
  for (const table of model.tables) {
    const row = discriminators(random, world, table);
    rows.push(row);
    while (random.chance(0.25)) rows.push(row);
  }
  for (const { name, storedAs } of model.tables) if (storedAs !== null) rows.push(storedRow(random, name, storedAs));
  if (random.chance(0.05)) rows.push({ discriminator: 'EXTENSION', statement: '' });
  if (random.chance(0.05))
    rows.push({ discriminator: 'https://www.ecb.example/stats/eurofxref-hist.csv;', statement: '' });
  if (app.sectionAccess) rows.push({ discriminator: 'INLINE', statement: '' });
  return rows;
};
