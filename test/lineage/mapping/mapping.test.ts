import { describe, expect, test } from 'vitest';
import { AdministratorsMapping } from '#agent/lineage/mapping/mapping.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { head, header } from '#test/unit/config/sample.ts';

const parse = (mapping: string, path = '/connections/prod.lineage', named = 'prod.lineage') =>
  parseConnection(`${head}${header}crawl.lineage_mapping = "${named}"\n`, 'a.conf', {
    folder: '/connections',
    env: {},
    readFile: (asked) =>
      asked === path
        ? { type: 'file', bytes: Buffer.from(mapping), realPath: asked }
        : { type: 'missing', reason: 'it does not exist' },
  });

const WHOLE = `
variables { vEnvironment = prod, vRoot = "lib://QVD" }
apps = [ { app = "Sales*", variables { vCountry = DE, vRoot = "lib://Sales" } } ]
paths = [
  { from = "lib://QVD", to = "//fileserver/bi/qvd" }
  { from = "lib://QVD/raw", to = "s3://lake/raw" }
  { from = "D:/", to = "//srv/d" }
]
databases = [ { connection = ERP, is = "Oracle://ERP.example.com:1521", database = prod, schema = sapsr3 } ]
services = [
  { place = "oracle://erp.example.com:1521", service = "oracle_erp" }
  { place = "oracle://erp.example.com:1521/PROD", service = "erp_prod.PROD" }
]
edges = [
  { app = "Sales KPIs", field = Margin, from = "oracle://erp.example.com:1521/PROD.SAPSR3.VBAP", column = NETWR }
  { dataset = "lib://QVD/plan.qvd", from = "lib://Excel/plan.xlsx" }
]
`;

const whole = (): AdministratorsMapping => {
  const { connection, problems } = parse(WHOLE);
  expect(problems).toEqual([]);
  if (connection?.lineageMapping === undefined) throw new Error('the mapping was not read');
  return new AdministratorsMapping(connection.lineageMapping);
};

describe('a mapping file', () => {
  test('is another version of the connection when it changes, and is watched', () => {
    const [one, two] = [parse(WHOLE), parse(`${WHOLE} `)];
    expect(one.contentHash).not.toBe(two.contentHash);
    expect(one.sideFiles).toContain('/connections/prod.lineage');
    expect(one.connection?.lineageMapping?.digest).not.toBe(two.connection?.lineageMapping?.digest);
    const nothing = parseConnection(`${head}${header}`, 'a.conf', { folder: '/connections', env: {} });
    expect(nothing.connection).not.toHaveProperty('lineageMapping');
  });

  test.each([
    ['paths = [\n { from = "QVD", to = "/x" } ]', 2, 11, 'neither lib://'],
    ['paths = [ { from = "lib://QVD" } ]', 1, 11, 'has no to'],
    ['path = []', 1, 8, 'has no such key'],
    ['apps = [ { app = "regex:(", variables { a = 1 } } ]', 1, 18, ''],
    ['databases = [ { connection = A, is = "erp.example.com" } ]', 1, 38, 'what kind of one'],
    ['edges = [ { app = A, field = B, from = "x://y/z" } ]', 1, 11, 'has no column'],
    ['edges = [ { dataset = A, field = B, from = "x://y/z" } ]', 1, 34, 'both field and column'],
    ['edges = [ { app = A, dataset = B, field = C, from = D, column = E } ]', 1, 32, 'not of both'],
    ['variables = 3', 1, 13, 'must be an object'],
    ['variables { a = [1] }', 1, 17, 'must be a text'],
    ['variables { a = "x" ', 1, undefined, ''],
  ])('%s is refused at its place', (mapping, line, column, message) => {
    const { connection, problems } = parse(mapping);
    expect(connection).toBeUndefined();
    expect(problems[0]).toMatchObject({
      severity: 'error',
      file: 'prod.lineage',
      line,
      ...(column === undefined ? {} : { column }),
      message: expect.stringContaining(message),
    });
  });

  test('is asked for where it is not, and shows nothing of a file that lies elsewhere', () => {
    expect(parse('', '/nowhere').problems).toMatchObject([
      { severity: 'error', code: 'config.unreadable', line: 6, message: expect.stringContaining('does not exist') },
    ]);
    const { problems } = parse('canary-root:x:0:0', '/etc/passwd', '/etc/passwd');
    expect(problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toContain('canary');
    expect(problems[0]).toMatchObject({ file: 'a.conf', line: 6 });
  });
});

describe('what an administrator says', () => {
  test('of variables: of one app before all', () => {
    const values = (name: string) =>
      [...whole().variables({ id: '1', name })].map(([variable, { value, from }]) => `${variable}=${value} ${from}`);
    expect(values('Sales KPIs')).toEqual([
      'vEnvironment=prod mapping',
      'vRoot=lib://Sales mapping',
      'vCountry=DE mapping',
    ]);
    expect(values('Finance')).toEqual(['vEnvironment=prod mapping', 'vRoot=lib://QVD mapping']);
  });

  test.each([
    ['lib://qvd/a/B.qvd', '//fileserver/bi/qvd/a/B.qvd'],
    ['lib://QVD/raw/x.parquet', 's3://lake/raw/x.parquet'],
    ['d:\\a\\b.qvd', '//srv/d/a/b.qvd'],
    ['lib://Other/b.qvd', 'lib://Other/b.qvd'],
  ])('of paths: %s is %s', (path, real) => {
    expect(whole().path(path)).toBe(real);
  });

  test('is how places are named, also those that the site does not tell', () => {
    const naming = new Naming({ code: 'p', host: 'q', connections: [], mapping: whole() });
    const app = { appId: 'a' };
    expect(naming.of({ type: 'object', connection: 'erp', object: 'vbap' }, app)).toMatchObject({
      key: 'oracle://erp.example.com:1521/PROD.SAPSR3.VBAP',
      otherName: 'erp_prod.PROD.SAPSR3.VBAP',
      reasons: ['schema-of-connection', 'mapping'],
    });
    expect(
      naming.of({ type: 'file', path: 'lib://QVD/raw/x.qvd', table: undefined, format: 'qvd' }, app),
    ).toMatchObject({
      key: 's3://lake/raw/x.qvd',
      reasons: ['mapping'],
    });
    expect(naming.of({ type: 'object', connection: 'erp', object: 'OTHER.s.t' }, app).otherName).toBe(
      'oracle_erp.OTHER.S.T',
    );
  });

  test('of edges: by the app, or between datasets', () => {
    const mapping = whole();
    expect([...mapping.edgesOf({ id: 'x', name: 'Sales KPIs' })]).toMatchObject([
      { of: { field: 'Margin' }, column: 'NETWR', line: 15 },
    ]);
    expect([...mapping.edgesOf({ id: 'x', name: 'Finance' })]).toEqual([]);
    expect(mapping.linesWithoutApp([{ id: 'x', name: 'Sales KPIs' }])).toEqual([]);
    expect(mapping.linesWithoutApp([{ id: 'x', name: 'Finance' }])).toEqual([expect.any(Number)]);
    const naming = new Naming({ code: 'p', host: 'q', connections: [], mapping });
    const [edge] = mapping.edgesOfDatasets();
    expect(naming.written(edge?.of.dataset ?? '').key).toBe('file://fileserver/bi/qvd/plan.qvd');
    expect(naming.written('oracle://erp.example.com:1521/PROD.SAPSR3.VBAP')).toMatchObject({
      kind: 'table',
      key: 'oracle://erp.example.com:1521/PROD.SAPSR3.VBAP',
      otherName: 'erp_prod.PROD.SAPSR3.VBAP',
    });
  });
});
