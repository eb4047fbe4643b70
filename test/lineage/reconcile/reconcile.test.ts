import { describe, expect, test } from 'vitest';
import { Naming } from '#agent/lineage/naming/naming.ts';
import { reconcile } from '#agent/lineage/reconcile/reconcile.ts';
import { filesMatching, surroundingVariables } from '#agent/lineage/reconcile/surroundings.ts';
import { Touched } from '#agent/lineage/reconcile/touched.ts';
import type { Witnesses } from '#agent/lineage/reconcile/witnesses.ts';
import type {
  Confidence,
  DatasetUse,
  Origin,
  Place,
  ScriptLineage,
  Source,
  StoreLineage,
  TableLineage,
} from '#agent/lineage/result.ts';

const PLACE: Place = { file: '', line: 7, endLine: 9, column: 1 };
const naming = new Naming({
  code: 'p',
  host: 'qlik',
  connections: [
    { id: '1', name: 'QVD', type: 'folder', target: { kind: 'folder', path: '\\\\srv\\bi\\' } },
    {
      id: '2',
      name: 'DWH',
      type: 'OLEDB',
      target: { kind: 'oledb', provider: 'SQLOLEDB.1', host: 'sql', database: 'D' },
    },
    { id: '3', name: 'Web', type: 'QvRestConnector.exe', target: { kind: 'rest', address: 'https://t.example/v2' } },
  ],
});
const place = (source: Source): string | undefined => {
  const { kind, key } = naming.of(source, { appId: 'a' });
  return kind === 'own' ? undefined : key;
};
const qvd = (path: string): Source => ({ type: 'file', path, table: undefined, format: 'qvd' });
const table = (connection: string, object: string): Source => ({ type: 'object', connection, object });
const from = (source: Source, field: string, confidence: Confidence = 'exact', more: Partial<Origin> = {}): Origin => ({
  source,
  field,
  role: 'value',
  confidence,
  reasons: [],
  conditional: false,
  place: PLACE,
  ...more,
});
const made = (
  name: string,
  fields: Readonly<Record<string, readonly Origin[]>>,
  more: Partial<TableLineage> = {},
): TableLineage => ({
  name,
  fields: Object.entries(fields).map(([field, origins]) => ({ name: field, origins, expression: undefined })),
  final: true,
  open: false,
  conditional: false,
  place: PLACE,
  ...more,
});
const use = (source: Source, more: Partial<DatasetUse> = {}): DatasetUse => ({
  source,
  reads: true,
  writes: false,
  holes: [],
  confidence: 'exact',
  place: PLACE,
  ...more,
});
const script = (
  tables: readonly TableLineage[],
  datasets: readonly DatasetUse[] = [],
  stores: readonly StoreLineage[] = [],
): ScriptLineage => ({
  tables,
  stores,
  datasets,
  diagnostics: [],
  statements: { total: 1, understood: 1, opaque: 0 },
  variables: new Map(),
  sectionAccess: false,
  wanted: [],
  cut: undefined,
});
const nobody: Witnesses = { model: undefined, touched: [], log: undefined, columns: () => undefined, place };
const row = (discriminator: string, statement = '') => ({ discriminator, statement });
const confidences = (lineage: ScriptLineage): string[] =>
  lineage.tables.flatMap(({ fields }) => fields.flatMap(({ origins }) => origins.map(({ confidence }) => confidence)));

const ORDERS = qvd('lib://QVD/Orders.qvd');
const one = (origin: Origin): ScriptLineage => script([made('Orders', { Amount: [origin] })], [use(ORDERS)]);

describe('confidence', () => {
  const model = new Map([['Orders', ['Amount']]]);
  const log = { tables: [made('Orders', { Amount: [from(qvd('\\\\SRV\\bi\\orders.qvd'), 'Amount')] })], stores: [] };
  test.each<[string, Origin, Partial<Witnesses>, Confidence]>([
    ['nobody else saw it', from(ORDERS, 'Amount'), {}, 'exact'],
    ['the engine has the field, and nobody saw the source', from(ORDERS, 'Amount'), { model }, 'exact'],
    [
      'the engine has the field and read the file',
      from(ORDERS, 'Amount'),
      { model, touched: [row('\\\\srv\\bi\\Orders.qvd;')] },
      'confirmed',
    ],
    [
      'the engine read the file and has no such field',
      from(ORDERS, 'Amount'),
      { model: new Map([['Orders', ['Other']]]), touched: [row('lib://QVD/Orders.qvd')] },
      'exact',
    ],
    ['the head of the file has the column', from(ORDERS, 'Amount'), { model, columns: () => ['Amount'] }, 'confirmed'],
    ['the head of the file does not', from(ORDERS, 'Amount'), { model, columns: () => ['Else'] }, 'exact'],
    [
      'the log has the same edge, by another name of the file',
      from(ORDERS, 'Amount', 'inferred'),
      { log },
      'confirmed',
    ],
    ['the log has another column', from(ORDERS, 'Net'), { log }, 'exact'],
    [
      'it is one of several',
      from(ORDERS, 'Amount', 'candidate'),
      { model, log, columns: () => ['Amount'] },
      'candidate',
    ],
    [
      'it was learnt from the model itself',
      from(ORDERS, 'Amount', 'inferred'),
      { model, columns: () => ['Amount'] },
      'inferred',
    ],
    [
      'it is conditional',
      from(ORDERS, 'Amount', 'exact', { conditional: true }),
      { model, columns: () => ['Amount'] },
      'exact',
    ],
  ])('when %s', (_case, origin, witnesses, expected) => {
    expect(confidences(reconcile(one(origin), { ...nobody, ...witnesses }).lineage)).toEqual([expected]);
  });

  test('of a stored column is confirmed by the file itself', () => {
    const store: StoreLineage = {
      ...made('Orders', {
        Amount: [from(table('DWH', 'dbo.O'), 'AMOUNT')],
        Gone: [from(table('DWH', 'dbo.O'), 'GONE')],
      }),
      target: 'lib://QVD/Orders.qvd',
      format: 'qvd',
      table: 'Orders',
    };
    const { lineage } = reconcile(script([], [], [store]), {
      ...nobody,
      touched: [row('DWH', 'SQL SELECT * FROM dbo.O')],
      columns: () => ['Amount'],
    });
    expect(lineage.stores[0]?.fields.map(({ origins }) => origins[0]?.confidence)).toEqual(['confirmed', 'exact']);
  });
});

describe('what the engine touched', () => {
  const touched = new Touched(
    [
      row('DSN=\\\\srv\\bi\\a.qvd;'),
      row('lib://QVD/sub/b.qvd;'),
      row('{STORE - STORE [x] INTO [lib://QVD/out.qvd](qvd)};'),
      row('DSN={STORE - [lib://QVD/out2.qvd]\n(qvd)};'),
      row('STORE - QVD\\out3.qvd'),
      row('RESIDENT a;'),
      row('INLINE'),
      row('Provider=X;Password=[redacted]', 'SELECT * FROM D.dbo.Orders WHERE x'),
      row('DWH'),
      row('https://t.example/v2?api_key=[redacted];'),
    ],
    place,
  );
  test.each<[Source, boolean]>([
    [qvd('lib://QVD/A.qvd'), true],
    [qvd('lib://QVD/b.qvd'), false],
    [qvd('lib://qvd/sub/B.qvd'), true],
    [qvd('lib://QVD/out.qvd'), false],
    [table('Other', 'dbo.Orders'), true],
    [table('Other', 'dbo.Order'), false],
    [table('DWH', 'anything'), true],
    [table('Web', 'root'), true],
    [{ type: 'inline' }, false],
  ])('%o was read: %s', (source, expected) => {
    expect(touched.reads(source)).toBe(expected);
  });
  test('stores are told by path or by name', () => {
    const paths = ['lib://QVD/out.qvd', '\\\\srv\\bi\\out2.qvd', 'lib://Else/out3.qvd', 'lib://QVD/a.qvd'];
    expect(paths.map((path) => touched.writes(path))).toEqual([true, true, true, false]);
  });
  test('what no source explains is left', () => {
    expect([...touched.besides([qvd('lib://QVD/a.qvd'), table('Web', 'root')])]).toEqual(['lib://QVD/sub/b.qvd']);
  });
});

describe('differences', () => {
  const model = new Map([
    ['Orders', ['Amount', 'OrderDate', 'OrderDate.autoCalendar.Year', 'Extra']],
    ['Unknown', ['x']],
  ]);
  const lineage = script(
    [
      made('Orders', { Amount: [from(ORDERS, 'Amount')], OrderDate: [from(ORDERS, 'OrderDate')], Net: [] }),
      made('Ghost', {}),
      made('Dropped', {}, { final: false }),
    ],
    [use(ORDERS), use(qvd('lib://QVD/$(vYear).qvd'), { holes: ['vYear@1'] })],
  );

  test('are told with their place, each by its code', () => {
    const { diagnostics, coverage } = reconcile(lineage, {
      ...nobody,
      model,
      touched: [row('lib://QVD/other.qvd')],
      columns: (source) => (source === ORDERS ? ['Amount'] : undefined),
    });
    expect(diagnostics.map(({ code, message, place: at }) => [code, at.line, message.split(',')[0]])).toEqual([
      ['lineage.table-missing', 1, 'The app has the table Unknown'],
      ['lineage.field-missing', 7, 'Orders has the field Extra'],
      ['lineage.field-extra', 7, 'Orders has the field Net'],
      ['lineage.table-extra', 7, 'The script makes the table Ghost'],
      ['lineage.column-missing', 7, 'lib://QVD/Orders.qvd has no column OrderDate any more.'],
      ['lineage.source-untouched', 7, 'The last reload did not read lib://QVD/Orders.qvd.'],
      ['lineage.source-unexplained', 1, 'The last reload read lib://QVD/other.qvd'],
    ]);
    expect(coverage).toEqual({
      tables: { total: 2, exact: 0 },
      fields: { total: 4, explained: 2 },
      share: 0.5,
    });
  });

  test('are none where all agree', () => {
    const { diagnostics, coverage } = reconcile(one(from(ORDERS, 'Amount')), {
      ...nobody,
      model: new Map([['Orders', ['Amount']]]),
      touched: [row('lib://QVD/Orders.qvd')],
    });
    expect(diagnostics).toEqual([]);
    expect(coverage).toEqual({ tables: { total: 1, exact: 1 }, fields: { total: 1, explained: 1 }, share: 1 });
  });

  test('are not made up where nobody knows', () => {
    const { diagnostics, coverage } = reconcile(lineage, nobody);
    expect(diagnostics).toEqual([]);
    expect(coverage.share).toBeNull();
  });

  test('are bounded', () => {
    const fields = Array.from({ length: 5_000 }, (_, i) => `f${i}`);
    const { diagnostics } = reconcile(script([made('T', {})]), { ...nobody, model: new Map([['T', fields]]) });
    expect(diagnostics).toHaveLength(21);
    expect(diagnostics.at(-1)?.message).toContain('4980 more');
    const tables = new Map(fields.map((name) => [name, ['x']]));
    expect(reconcile(script([]), { ...nobody, model: tables }).diagnostics).toHaveLength(200);
  });

  test('a table whose fields were taken from the model was not predicted', () => {
    const seen = from(ORDERS, 'Amount', 'inferred', { reasons: ['model'] });
    const { coverage } = reconcile(one(seen), { ...nobody, model: new Map([['Orders', ['Amount']]]) });
    expect(coverage).toMatchObject({ tables: { exact: 0 }, fields: { explained: 1 } });
  });
});

describe('surroundings', () => {
  test('the administrator knows a variable better than the log, and the log better than the engine', () => {
    const found = surroundingVariables({
      mapping: new Map([['a', { value: 'mapped', from: 'mapping' }]]),
      log: new Map([
        ['a', 'logged'],
        ['b', 'logged'],
      ]),
      engine: [
        { qName: 'a', qDefinition: 'engine' },
        { qName: 'b', qDefinition: 'engine' },
        { qName: 'c', qDefinition: 'engine' },
        { qName: 'd', qDefinition: '=Max(x)' },
        { qName: 'e', qDefinition: 'made by hand', qIsScriptCreated: false },
      ],
    });
    expect([...found].map(([name, { value }]) => `${name} ${value}`)).toEqual(['a mapped', 'b logged', 'c engine']);
  });

  test.each([
    ['lib://QVD/sub/*.qvd', ['lib://QVD/sub/a.qvd', 'lib://QVD/sub/b1.qvd']],
    ['lib://QVD/sub/b?.qvd', ['lib://QVD/sub/b1.qvd']],
    ['lib://QVD/sub/c*.qvd', undefined],
    ['lib://QVD/*/a.qvd', undefined],
    ['lib://Else/*.qvd', undefined],
  ])('%s is %j', (pattern, expected) => {
    const known = ['\\\\srv\\bi\\sub\\a.qvd', 'lib://QVD/sub/b1.qvd', 'lib://QVD/a.qvd', 'd:/c.qvd'];
    expect(filesMatching(pattern, known, (path) => place(qvd(path)))).toEqual(expected);
  });

  test('a name and a pattern that somebody made in order to keep the agent busy', () => {
    const known = Array.from({ length: 40 }, (_, i) => `lib://QVD/${'a'.repeat(1_000)}${i}`);
    expect(filesMatching('lib://QVD/*a*a*a*b', known, (path) => place(qvd(path)))).toBeUndefined();
  });

  test.each([
    ['a folder', () => place({ ...qvd('x.qvd'), directory: `lib://QVD/${'/'.repeat(500_000)}a` } as Source)],
    ['what the engine touched', () => new Touched([row(`${';'.repeat(500_000)}a`)], place)],
  ])('signs without end in %s', (_, use) => {
    expect(() => use()).not.toThrow();
  });
});
