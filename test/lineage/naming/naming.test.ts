import { describe, expect, test } from 'vitest';
import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import { SiteApps } from '#agent/lineage/naming/site-apps.ts';
import type { FileSource, Source } from '#agent/lineage/result.ts';
import { connectionTarget } from '#agent/qlik/repository/connection-string.ts';

const APP = { appId: '5f3e0c7a-1111-4222-8333-444455556666' };
const OTHER = '0a0b0c0d-1111-4222-8333-444455556666';

const connection = (name: string, type: string, text: string): ConnectionPlace => ({
  id: `id-of-${name}`,
  name,
  type,
  target: connectionTarget(text, type),
});

const odbc = (driver: string, more: string): string =>
  `CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=${driver};${more}"`;
const PACKAGE = 'QvOdbcConnectorPackage.exe';

const naming = new Naming({
  code: 'prod',
  host: 'Qlik.Corp.Example',
  apps: new SiteApps([
    { id: OTHER, name: 'Other' },
    { id: APP.appId, name: 'Sales' },
    ...['s1', 's2'].map((id) => ({ id, name: 'sales' })),
    ...Array.from({ length: 7 }, (_, at) => ({ id: `m${at}`, name: 'Many' })),
  ]),
  libraries: new Set(['lib://mounted']),
  connections: [
    connection('QVD', 'folder', '\\\\FileServer\\BI\\qvd\\'),
    connection('Local', 'folder', 'D:\\Data'),
    connection('Linux', 'folder', '/srv/Data'),
    connection('Rates', 'internet', 'https://www.Rates.example/stats/eurofx.csv?token=canary-token'),
    connection(
      'DWH',
      'OLEDB',
      'OLEDB CONNECT TO [Provider=SQLOLEDB.1;Data Source=SQL01.corp.example,1444;Initial Catalog=SalesDW]',
    ),
    connection('Named', 'OLEDB', 'OLEDB CONNECT TO [Provider=MSOLEDBSQL;Data Source=sql02\\BI;Initial Catalog=Ledger]'),
    connection('Here', 'OLEDB', 'OLEDB CONNECT TO [Provider=MSOLEDBSQL;Data Source=(local);Initial Catalog=Ledger]'),
    connection('HR', PACKAGE, odbc('postgres', 'host=pg-hr.corp.example;port=5432;db=HRCore')),
    connection(
      'Lake',
      PACKAGE,
      odbc('snowflake', 'host=acme.eu-central-1.snowflakecomputing.com;port=443;db=Logistics;schema=public'),
    ),
    connection('Ora', PACKAGE, odbc('oracle', 'host=ora.corp.example;ServiceName=ORCLPDB')),
    connection('My', PACKAGE, odbc('mysql', 'host=my.corp.example;db=Shop')),
    connection('Red', PACKAGE, odbc('redshift', 'host=bi.abc123.eu-west-1.redshift.amazonaws.com;db=DWH')),
    connection('Big', PACKAGE, odbc('bigquery', 'Catalog=my-project')),
    connection('Tera', PACKAGE, odbc('teradata', 'host=tera.corp.example;db=EDW')),
    connection(
      'Hana',
      'ODBC',
      'ODBC CONNECT TO [Driver=HDBODBC;ServerNode=x;Host=hana.corp.example;Port=30041;Database=HDB]',
    ),
    connection('Bricks', PACKAGE, odbc('databricks', 'host=adb-1.azuredatabricks.net;Catalog=main')),
    connection('ERP', 'ODBC', 'ODBC CONNECT TO [ERP_PROD;UID=canary-user;PWD=canary-password];'),
    connection(
      'Tickets',
      'QvRestConnector.exe',
      'CUSTOM CONNECT TO "provider=QvRestConnector.exe;url=https://u:canary-p@tickets.example/v2/tickets?key=canary-k;timeout=30"',
    ),
    connection(
      'Odd',
      'QvSalesforceConnectorPackage.exe',
      'CUSTOM CONNECT TO "provider=QvSalesforceConnectorPackage.exe;"',
    ),
  ],
});

const file = (path: string, table?: string, format = 'qvd'): FileSource => ({ type: 'file', path, table, format });
const object = (name: string, written: string): Source => ({ type: 'object', connection: name, object: written });

describe('files', () => {
  test.each([
    ['lib://QVD/1_extract/Orders.qvd', 'file://fileserver/bi/qvd/1_extract/orders.qvd'],
    ['LIB://qvd/a/../1_extract\\ORDERS.QVD', 'file://fileserver/bi/qvd/1_extract/orders.qvd'],
    ['\\\\fileserver\\bi\\QVD\\1_extract\\Orders.qvd', 'file://fileserver/bi/qvd/1_extract/orders.qvd'],
    ['lib://Local/Plan.qvd', 'file://qlik.corp.example/d:/data/plan.qvd'],
    ['d:/data/Plan.qvd', 'file://qlik.corp.example/d:/data/plan.qvd'],
    ['lib://Linux/Plan.qvd', 'file://qlik.corp.example/srv/Data/Plan.qvd'],
    ['lib://Mounted/Plan.qvd', 'prod/dataset/lib:%2F%2Fmounted%2Fplan.qvd'],
    ['lib://Rates', 'https://www.rates.example/stats/eurofx.csv'],
    ['https://user:canary@Host.example:443/a%20b/c.csv?key=canary#x', 'https://host.example/a b/c.csv'],
    ['s3a://bucket/folder/x.parquet', 's3://bucket/folder/x.parquet'],
    ['abfss://raw@lake.dfs.core.windows.net/x.csv', 'abfss://raw@lake.dfs.core.windows.net/x.csv'],
  ])('%s is %s', (path, key) => {
    expect(naming.of(file(path), APP).key).toBe(key);
  });

  test('a table in a file is a dataset of its own; sheets are called without regard to case', () => {
    const book = naming.of(file('lib://QVD/Plan.xlsx', 'Sheet 1', 'ooxml'), APP);
    expect(book.key).toBe('file://fileserver/bi/qvd/plan.xlsx/sheet 1');
    expect(book.name).toBe('Plan.xlsx Sheet 1');
    expect(book.column('Umsatz/Monat')).toBe('file://fileserver/bi/qvd/plan.xlsx/sheet 1#Umsatz%2FMonat');
    expect(naming.of(file('lib://QVD/a.xml', 'Root/A', 'xmlsimple'), APP).key).toBe(
      'file://fileserver/bi/qvd/a.xml/Root%2FA',
    );
  });

  test('a relative path counts from DIRECTORY, and without it is the own of the app', () => {
    expect(naming.of({ ...file('x\\y.qvd'), directory: 'lib://Local/in' }, APP).key).toBe(
      'file://qlik.corp.example/d:/data/in/x/y.qvd',
    );
    expect(naming.of({ ...file('lib://QVD/y.qvd'), directory: 'lib://Local/in' }, APP).key).toBe(
      'file://fileserver/bi/qvd/y.qvd',
    );
    const below = ['..\\a', '..\\b'].map((directory) => naming.of({ ...file('y.qvd'), directory }, APP));
    expect(below.map(({ name }) => name)).toEqual(['y.qvd', 'y.qvd']);
    expect(new Set(below.map(({ key }) => key)).size).toBe(2);
    expect(naming.of(file('x\\y.qvd'), APP)).toMatchObject({
      kind: 'own',
      key: `prod/${APP.appId}/source/x\\y.qvd`,
      reasons: ['relative-path'],
    });
  });

  test('a connection that nobody knows is never one place for two apps', () => {
    const [one, two] = [APP, { appId: OTHER }].map((app) => naming.of(file('lib://Gone/x.qvd'), app));
    expect(one).toMatchObject({ kind: 'own', reasons: ['lib-unknown'] });
    expect(one?.key).not.toBe(two?.key);
  });

  test('two versions of one variable are two places', () => {
    const source = file('$(vPath)/Orders.qvd');
    const keys = [['vPath@1'], ['vPath@2'], []].map((holes) => naming.of({ ...source, holes }, APP).key);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('files that are not wholly known', () => {
  test.each([
    ['lib://QVD/$(vYear)/Orders.qvd', 'file://fileserver/bi/qvd/*/orders.qvd'],
    ['$(vPath)/Orders.qvd', '*/Orders.qvd'],
    // An ending alone would fit everything.
    ['lib://QVD/2025/$(vTable).qvd', undefined],
    ['$(vPath)$(vTable).qvd', undefined],
    ['lib://QVD/2025/sales_$(vMonth).qvd', 'file://fileserver/bi/qvd/2025/sales_*.qvd'],
    ['lib://QVD/2025/$(vMonth)_sales_$(vDay).qvd', 'file://fileserver/bi/qvd/2025/*_sales_*.qvd'],
    ['lib://QVD/2025/x$(vMonth).qvd', undefined],
    ['lib://QVD/2025/*.qvd', 'file://fileserver/bi/qvd/2025/*.qvd'],
  ])('%s may be %s', (path, expected) => {
    const holes = path.includes('$(') ? ['v@1'] : [];
    expect(naming.of({ ...file(path), holes }, APP).pattern).toBe(expected);
  });
});

describe('tables of databases', () => {
  test.each([
    ['DWH', 'dbo.FactOrders', 'sqlserver://sql01.corp.example:1444/SalesDW.dbo.FactOrders', 'Amount'],
    ['dwh', 'salesdw..FactOrders', 'sqlserver://sql01.corp.example:1444/SalesDW.dbo.FactOrders', 'Amount'],
    ['DWH', 'Other.sales.X', 'sqlserver://sql01.corp.example:1444/Other.sales.X', 'Amount'],
    ['Named', 'GL', 'sqlserver://sql02/BI/Ledger.dbo.GL', 'Amount'],
    ['Here', 'GL', 'sqlserver://qlik.corp.example:1433/Ledger.dbo.GL', 'Amount'],
    ['HR', 'Public.Employee', 'postgres://pg-hr.corp.example:5432/HRCore.public.employee', 'amount'],
    ['HR', 'employee', 'postgres://pg-hr.corp.example:5432/HRCore.public.employee', 'amount'],
    ['Lake', 'Stock', 'snowflake://acme.eu-central-1/LOGISTICS.PUBLIC.STOCK', 'AMOUNT'],
    ['Ora', 'sapsr3.vbap', 'oracle://ora.corp.example:1521/ORCLPDB.SAPSR3.VBAP', 'AMOUNT'],
    ['My', 'orders', 'mysql://my.corp.example:3306/Shop.orders', 'Amount'],
    ['My', 'other.orders', 'mysql://my.corp.example:3306/other.orders', 'Amount'],
    ['Red', 'PUBLIC.Sales', 'redshift://bi.eu-west-1:5439/dwh.public.sales', 'amount'],
    ['Big', 'set.Events', 'bigquery/my-project.set.Events', 'Amount'],
    ['Big', 'their-project.set.Events', 'bigquery/their-project.set.Events', 'Amount'],
    ['Tera', 'MART.Sales', 'teradata://tera.corp.example:1025/MART.Sales', 'Amount'],
    ['Hana', 'SAPABAP1./BIC/AFOO', 'hana://hana.corp.example:30041/HDB.SAPABAP1.%2FBIC%2FAFOO', 'AMOUNT'],
    ['Bricks', 'Gold.Sales', 'databricks://adb-1.azuredatabricks.net/main.gold.sales', 'amount'],
    ['ERP', 'SAPSR3.KNA1', 'odbc://qlik.corp.example/erp_prod/SAPSR3.KNA1', 'Amount'],
    ['Tickets', 'root', 'https://tickets.example/v2/tickets/root', 'Amount'],
    ['Odd', 'Account', 'prod/dataset/id-of-Odd/Account', 'Amount'],
  ])('%s, %s', (name, written, key, column) => {
    const found = naming.of(object(name, written), APP);
    expect(found.key).toBe(key);
    expect(found.column('Amount')).toBe(`${key}#${column}`);
  });

  test('what is assumed is said', () => {
    expect(naming.of(object('DWH', 'FactOrders'), APP).reasons).toEqual(['schema-assumed']);
    expect(naming.of(object('Ora', 'VBAP'), APP)).toMatchObject({
      name: 'ORCLPDB.VBAP',
      reasons: ['schema-unknown'],
    });
    expect(naming.of(object('DWH', 'dbo.FactOrders'), APP).reasons).toEqual([]);
  });

  test.each([
    ['', 'x', 'no-connection'],
    ['Gone', 'x', 'connection-unknown'],
    ['DWH', 'dbo.$(vTable)', 'hole'],
  ])('of the connection %j the object %s is the own of the app: %s', (name, written, reason) => {
    expect(naming.of(object(name, written), APP)).toMatchObject({ kind: 'own', reasons: [reason] });
  });

  test('no secret of a connection is in any name', () => {
    const keys = ['ERP', 'Tickets', 'Rates'].flatMap((name) => [
      naming.of(object(name, 'x'), APP).key,
      naming.of(file(`lib://${name}/x`), APP).key,
    ]);
    expect(keys.join(' ')).not.toContain('canary');
  });
});

describe('the rest', () => {
  test('BINARY of an app of the site is that app', () => {
    expect(naming.of({ type: 'binary', path: `lib://Apps/${OTHER.toUpperCase()}` }, APP)).toMatchObject({
      kind: 'app',
      key: `prod/${OTHER}`,
    });
    expect(naming.of({ type: 'binary', path: 'lib://QVD/Old.qvw' }, APP).key).toBe('file://fileserver/bi/qvd/old.qvw');
  });

  test.each<[string, object]>([
    [OTHER, { kind: 'app', key: `prod/${OTHER}`, apps: { by: 'id', keys: [`prod/${OTHER}`] } }],
    [`lib://QVD/${OTHER}.qvf`, { kind: 'app', apps: { by: 'id', keys: [`prod/${OTHER}`] } }],
    ['lib://Gone/OTHER.qvf', { kind: 'app', apps: { by: 'name', keys: [`prod/${OTHER}`] } }],
    // A file that anybody may have copied, and the app that is called like it.
    [
      'lib://QVD/Other.qvf',
      { kind: 'file', key: 'file://fileserver/bi/qvd/other.qvf', apps: { by: 'name', keys: [`prod/${OTHER}`] } },
    ],
    // Not the app itself, which is called like the one that it takes.
    ['Sales.qvf', { kind: 'app', apps: { by: 'name', keys: ['prod/s1', 'prod/s2'] } }],
    ['lib://Gone/Many.qvf', { kind: 'own', apps: undefined, isAmbiguous: true }],
    ['lib://Gone/Nobody.qvf', { kind: 'own', apps: undefined }],
  ])('BINARY of %s', (path, expected) => {
    expect({ apps: undefined, ...naming.of({ type: 'binary', path }, APP) }).toMatchObject(expected);
  });

  test.each<[Source, string]>([
    [{ type: 'inline' }, 'inline:'],
    [{ type: 'autogenerate' }, 'autogenerate:'],
    [{ type: 'resident', table: 'T' }, 'resident:T'],
    [{ type: 'extension', name: 'R.f' }, 'extension:R.f'],
  ])('%o is the own of the app', (source, text) => {
    expect(naming.of(source, APP).key).toBe(`prod/${APP.appId}/source/${text}`);
  });
});
