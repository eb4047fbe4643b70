import { namesByUse } from './names-by-use.ts';
import { type Random, randomOf } from './random.ts';
import { type FieldRole, SUBJECTS, type Subject } from './subjects.ts';
import { takenModel } from './taken-apps.ts';
import type { App } from './types.ts';
import type { ConnectionRole, World } from './world.ts';

/** Where a table of an app comes from. The script, the lineage rows and the tables of the app are written from it. */
type TableSource =
  | { readonly kind: 'qvd'; readonly path: string }
  | { readonly kind: 'sql'; readonly connection: string; readonly table: string }
  | { readonly kind: 'file'; readonly path: string; readonly format: string }
  | { readonly kind: 'rest'; readonly connection: string }
  | { readonly kind: 'inline' }
  /** Another app, by its id or a file that is called like it. */
  | { readonly kind: 'binary'; readonly path: string }
  | { readonly kind: 'calendar'; readonly date: string }
  | { readonly kind: 'resident'; readonly of: string };

export interface ModelField {
  readonly name: string;
  readonly role: FieldRole;
}

export interface ModelTable {
  readonly name: string;
  readonly source: TableSource;
  readonly fields: readonly ModelField[];
  /** A field that a later statement of the script joins to it. */
  readonly joined: ModelField | null;
  readonly rows: number;
  /** Written to this QVD at the end of the script. */
  readonly storedAs: string | null;
  /** Dropped at the end: then the app does not have it. */
  readonly dropped: boolean;
}

export interface DataModel {
  readonly subject: Subject;
  readonly layer: 'extract' | 'transform' | 'dashboard' | 'standalone';
  readonly tables: readonly ModelTable[];
  /** Field names by use, for expressions: of the tables that the app has, of those that it drops when it drops all. */
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
  readonly dates: readonly string[];
  readonly flags: readonly string[];
  /** The script ends with a mapping and a join to the first table. */
  readonly transforms: boolean;
  /** Two tables share more than one field, so that the engine made a synthetic key. */
  readonly synthetic: boolean;
  readonly autoCalendar: boolean;
  /** A field of another app that this one calls otherwise. */
  readonly renamed?: { readonly from: string; readonly to: string } | undefined;
}

const LAYERS = { extract: 22, transform: 13, dashboard: 50, standalone: 15 } as const;
const FILE_FORMATS = [
  ['xlsx', '(ooxml, embedded labels, table is [Tabelle 1])'],
  ['csv', "(txt, codepage is 28591, embedded labels, delimiter is ';', msq)"],
  ['txt', "(txt, utf8, embedded labels, delimiter is '\\t', msq, header is 2 lines)"],
  ['xls', '(biff, embedded labels, table is Plan$)'],
  ['parquet', '(parquet)'],
] as const;

/** Field names that people take over from spreadsheets. */
const ODD_FIELDS: readonly ModelField[] = [
  '💶 Betrag; brutto',
  'שם לקוח',
  'a]b [c]',
  `Kommentar des Sachbearbeiters ${'zur Abweichung gegenüber dem Vorjahresmonat '.repeat(5)}A`,
  `Kommentar des Sachbearbeiters ${'zur Abweichung gegenüber dem Vorjahresmonat '.repeat(5)}B`,
  'Plan/Ist %',
  "'quoted'",
  '"double"',
  'field ~2',
].map((name) => ({ name, role: 'text' }));

const connectionOf = (world: World, random: Random, role: ConnectionRole): string =>
  random.pick(world.connections.get(role) ?? []).name;

const sourceOf = (
  random: Random,
  world: World,
  subject: Subject,
  table: Subject['tables'][number],
  layer: DataModel['layer'],
): TableSource => {
  const qvds = connectionOf(world, random, 'qvd');
  const kind =
    layer === 'extract'
      ? random.weighted({ sql: 75, rest: 10, file: 15 })
      : layer === 'transform'
        ? 'extracted'
        : layer === 'dashboard'
          ? random.weighted({ transformed: 75, extracted: 12, file: 8, inline: 5 })
          : random.weighted({ file: 50, sql: 30, inline: 20 });
  switch (kind) {
    case 'sql':
      return { kind, connection: connectionOf(world, random, 'sql'), table: `${subject.database}.dbo.${table.source}` };
    case 'rest':
      return { kind, connection: connectionOf(world, random, 'rest') };
    case 'inline':
      return { kind };
    case 'file': {
      if (random.chance(0.15)) {
        return {
          kind: 'file',
          path: `lib://${connectionOf(world, random, 'web')}`,
          format: '(html, codepage is 65001, embedded labels, table is @1)',
        };
      }
      const [extension, format] = random.pick(FILE_FORMATS);
      const folder = connectionOf(world, random, 'files');
      return {
        kind,
        path: `lib://${folder}/${subject.folder}/${table.name} ${random.int(2019, 2025)}.${extension}`,
        format,
      };
    }
    case 'extracted':
      return { kind: 'qvd', path: `lib://${qvds}/1_extract/${subject.folder}/${table.name}.qvd` };
    case 'transformed':
      return { kind: 'qvd', path: `lib://${qvds}/2_transform/${subject.folder}/${table.name}.qvd` };
    default:
      return kind satisfies never;
  }
};

/** All fields that the table ends up with. */
export const fieldsOf = ({ fields, joined }: ModelTable): readonly ModelField[] =>
  joined === null ? fields : [...fields, joined];

/** The QVDs of earlier months, which one app writes and others read all at once. */
export const pastOf = (library: string, { folder }: Subject, table: string, period: string): string =>
  `lib://${library}/past/${folder}/${table}_${period}.qvd`;

/** Where an app reads or keeps earlier months, if it does. */
export const folderOfPast = (world: World, { id }: App): string | undefined => {
  const random = randomOf(world.seed, 'past', id);
  return random.chance(0.4) ? connectionOf(world, random, 'qvd') : undefined;
};

/** What an app is about: derived from the seed and the app alone, before anything inside it is built. */
export const dataModelOf = (world: World, app: App): DataModel => {
  const taken = takenModel(world, app, dataModelOf);
  if (taken !== undefined) return taken;
  const random = randomOf(world.seed, 'model', app.id);
  const subject = SUBJECTS.find(({ name }) => app.name.startsWith(name)) ?? random.pick(SUBJECTS);
  const layer = random.weighted(LAYERS);
  const number = layer === 'dashboard' ? subject.tables.length : random.int(1, subject.tables.length);
  const target = layer === 'extract' ? '1_extract' : '2_transform';
  const stores = layer === 'extract' || layer === 'transform';
  const dropsAll = stores && random.chance(0.4);
  const folder = connectionOf(world, random, 'qvd');
  const transforms = random.chance(0.3);
  const mapped = random.pick(['Mapped Country', 'Land']);
  const odd = random.chance(0.12) ? random.sample(ODD_FIELDS, random.int(1, 4)) : [];
  const past = layer === 'standalone' ? folderOfPast(world, app) : undefined;
  const tables: ModelTable[] = subject.tables.slice(0, number).map((table, index) => {
    const usual = sourceOf(random, world, subject, table, layer);
    const source =
      index === 0 && past !== undefined
        ? { kind: 'qvd' as const, path: pastOf(past, subject, table.name, '*') }
        : usual;
    // QVDs hold what their writers stored; and an inline table ends at the first bracket.
    const isOdd = index === 0 && source.kind !== 'qvd' && source.kind !== 'inline';
    return {
      name: table.name,
      source,
      fields: isOdd ? [...table.fields, ...odd] : table.fields,
      joined: transforms && index === 0 ? { name: mapped, role: 'text' } : null,
      rows: Math.round(random.logNormal(table.fact ? 400_000 : 2_000, 1.5)) + 1,
      storedAs: stores ? `lib://${folder}/${target}/${subject.folder}/${table.name}.qvd` : null,
      dropped: dropsAll,
    };
  });
  const dates = tables
    .flatMap((table) => table.fields.filter((field) => field.role === 'date'))
    .map((field) => field.name);
  const [date] = dates;
  if (date !== undefined && layer === 'dashboard' && random.chance(0.7)) {
    tables.push({
      name: 'MasterCalendar',
      source: { kind: 'calendar', date },
      fields: [
        { name: date, role: 'date' },
        { name: 'Year', role: 'text' },
        { name: 'Quarter', role: 'text' },
        { name: 'Month', role: 'text' },
        { name: 'YearMonth', role: 'text' },
      ],
      joined: null,
      rows: random.int(365, 4000),
      storedAs: null,
      dropped: false,
    });
  }
  const [first] = tables;
  if (first !== undefined && random.chance(0.25)) {
    const own = first.fields.filter((field) => field.role === 'text' || field.role === 'key').slice(0, 1);
    tables.push({
      name: `tmp_${first.name}/agg`,
      source: { kind: 'resident', of: first.name },
      fields: [...own, { name: 'Row Count', role: 'number' }],
      joined: null,
      rows: random.int(1, 5000),
      storedAs: null,
      dropped: random.chance(0.5),
    });
  }
  const present = tables.filter((table) => !table.dropped);
  return {
    subject,
    layer,
    tables,
    ...namesByUse((present.length > 0 ? present : tables).flatMap(fieldsOf)),
    transforms,
    synthetic: present.length > 2 && random.chance(0.12),
    autoCalendar: dates.length > 0 && random.chance(0.3),
  };
};
