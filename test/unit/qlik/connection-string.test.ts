import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConnectionTarget, connectionTarget } from '#agent/qlik/repository/connection-string.ts';
import { anyText } from '../any-text.ts';

const said = (target: ConnectionTarget): Record<string, unknown> =>
  Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined));

test.each<[what: string, text: string, type: string, expected: Record<string, unknown>]>([
  ['a folder on a drive', 'd:\\qlik\\qvd\\', 'folder', { kind: 'folder', path: 'd:\\qlik\\qvd\\' }],
  [
    'a share',
    '\\\\srv-nas\\Freigabe Vertrieb\\',
    'folder',
    { kind: 'folder', host: 'srv-nas', path: '\\\\srv-nas\\Freigabe Vertrieb\\' },
  ],
  ['a share over WebDAV', '\\\\srv@SSL\\DavWWWRoot\\x', 'folder', { host: 'srv', path: '\\\\srv@SSL\\DavWWWRoot\\x' }],
  ['a data source by name', 'ODBC CONNECT TO [ERP_PROD];', 'ODBC', { kind: 'odbc', dsn: 'ERP_PROD' }],
  [
    'a data source with a user behind its name',
    "ODBC CONNECT32 TO 'ERP PROD;UID=canary;PWD=canary'",
    'ODBC',
    { kind: 'odbc', dsn: 'ERP PROD' },
  ],
  [
    'a driver without a data source',
    'ODBC CONNECT64 TO [Driver={ODBC Driver 17 for SQL Server};Server=tcp:sql01.corp.example,1433;Database=DW;UID=canary;PWD={canary;}}x}];',
    'ODBC',
    {
      kind: 'odbc',
      driver: 'ODBC Driver 17 for SQL Server',
      host: 'sql01.corp.example',
      port: 1433,
      database: 'DW',
    },
  ],
  [
    'OLE DB with blanks in keys',
    'OLEDB CONNECT TO [Provider=SQLOLEDB.1;Persist Security Info=True;User ID=canary;Password=canary;Initial Catalog=SalesDW;Data Source=sql01\\BI,1433;Use Procedure for Prepare=1];',
    'OLEDB',
    { kind: 'oledb', provider: 'SQLOLEDB.1', host: 'sql01', instance: 'BI', port: 1433, database: 'SalesDW' },
  ],
  [
    'OLE DB with quotes in quotes',
    'OLEDB CONNECT TO [Provider=MSDASQL;Data Source="sql ""x""";Password="can;ary";Initial Catalog=\'it\'\'s\'];',
    'OLEDB',
    { kind: 'oledb', provider: 'MSDASQL', database: "it's" },
  ],
  [
    'a file behind OLE DB',
    'OLEDB CONNECT TO [Provider=Microsoft.ACE.OLEDB.12.0;Data Source=c:\\data\\old.accdb;Jet OLEDB:Database Password=canary];',
    'OLEDB',
    { kind: 'oledb', provider: 'Microsoft.ACE.OLEDB.12.0', path: 'c:\\data\\old.accdb' },
  ],
  [
    'Oracle by its easy way',
    'OLEDB CONNECT TO [Provider=OraOLEDB.Oracle.1;Data Source=ora1.corp.example:1521/PRODDB;User ID=canary];',
    'OLEDB',
    { host: 'ora1.corp.example', port: 1521, database: 'PRODDB' },
  ],
  [
    'Oracle by a description',
    'OLEDB CONNECT TO [Provider=OraOLEDB.Oracle.1;Data Source=(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=ora2)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=FIN)))];',
    'OLEDB',
    { host: 'ora2', port: 1522, database: 'FIN' },
  ],
  [
    'a connector of Qlik',
    'CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=postgres;host=pg-hr.corp.example;port=5432;db=HRCore;SSLMode=require;pwd=canary;"',
    'QvOdbcConnectorPackage.exe',
    {
      kind: 'custom',
      provider: 'QvOdbcConnectorPackage.exe',
      driver: 'postgres',
      host: 'pg-hr.corp.example',
      port: 5432,
      database: 'HRCore',
    },
  ],
  [
    'a warehouse',
    'CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=snowflake;host=acme.example;port=443;db=LOGISTICS;warehouse=BI_WH;role=READER;schema=PUBLIC;"',
    'QvOdbcConnectorPackage.exe',
    { driver: 'snowflake', database: 'LOGISTICS', schema: 'PUBLIC', warehouse: 'BI_WH', port: 443 },
  ],
  [
    'IPv6 in brackets',
    'CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;driver=postgres;server=[2001:db8::7]:5433;db=x;"',
    'QvOdbcConnectorPackage.exe',
    { host: '2001:db8::7', port: 5433 },
  ],
  [
    'REST',
    'CUSTOM CONNECT TO "provider=QvRestConnector.exe;url=https://api:canary@tickets.example:8443/v2/tickets;v=canary?api_key=canary#canary;timeout=30;queryHeaders=Authorization%2Bearer canary;"',
    'QvRestConnector.exe',
    {
      kind: 'rest',
      provider: 'QvRestConnector.exe',
      host: 'tickets.example',
      port: 8443,
      path: '/v2/tickets',
      address: 'https://tickets.example:8443/v2/tickets',
    },
  ],
  [
    'a file on the web',
    'https://corp.sharepoint.example/sites/bi/Shared%20Documents/plan.xlsx?tempauth=canary',
    'internet',
    {
      kind: 'web',
      host: 'corp.sharepoint.example',
      path: '/sites/bi/Shared Documents/plan.xlsx',
      address: 'https://corp.sharepoint.example/sites/bi/Shared%20Documents/plan.xlsx',
    },
  ],
  ['a web address at an IPv6 host', 'http://canary:canary@[::1]:8080/', 'internet', { host: '::1', port: 8080 }],
  ['an address in an unknown scheme', 'jdbc:postgresql://canary:canary@h/db', 'internet', { kind: 'other' }],
  [
    'a connector that nobody knows',
    'provider=Acme.exe;secret=canary',
    'Acme.exe',
    { kind: 'custom', provider: 'Acme.exe' },
  ],
  ['nonsense', 'canary canary', '', { kind: 'other' }],
  ['nothing', '', '', { kind: 'other' }],
  [
    'a password with a semicolon, which makes a key come twice',
    'ODBC CONNECT TO [Driver=x;Server=real;PWD=a;Server=canary];',
    'ODBC',
    { kind: 'odbc', driver: 'x' },
  ],
  [
    'a user in the place of a host',
    'CUSTOM CONNECT TO "provider=Acme.exe;host=canary:canary@db1;port=99999;"',
    'Acme.exe',
    { kind: 'custom', host: 'db1', provider: 'Acme.exe' },
  ],
])('%s', (_what, text, type, expected) => {
  const target = said(connectionTarget(text, type));
  expect(target).toMatchObject(expected);
  // A kind that is given is the whole of it: nothing else was taken.
  if ('kind' in expected) expect(target).toEqual(expected);
  expect(JSON.stringify(target)).not.toContain('canary');
});

const SAFE = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const QUOTED = fc.constantFrom(
  (text: string) => text,
  (text: string) => `{${text.replaceAll('}', '}}')}}`,
  (text: string) => `"${text.replaceAll('"', '""')}"`,
  (text: string) => `'${text.replaceAll("'", "''")}'`,
);
const SECRET_KEY = fc.constantFrom(
  'pwd',
  'Password',
  'UID',
  'User ID',
  'username',
  'token',
  'api_key',
  'queryHeaders',
  'X',
);

test('whatever stands under keys that are not known, however it is quoted, stays behind', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('ODBC CONNECT TO [', 'OLEDB CONNECT TO [', 'CUSTOM CONNECT TO "'),
      fc.array(fc.tuple(SECRET_KEY, SAFE, QUOTED), { maxLength: 4 }),
      SAFE,
      fc.array(fc.tuple(SECRET_KEY, SAFE, QUOTED), { maxLength: 4 }),
      (head, before, host, after) => {
        const close = head.endsWith('[') ? ']' : '"';
        const escaped = (text: string): string => (close === '"' ? text.replaceAll('"', '""') : text);
        const pairs = [
          'Provider=P',
          ...before.map(([key, secret, quote]) => `${key}=${escaped(quote(`canary-${secret}`))}`),
          `Server=${host}`,
          ...after.map(([key, secret, quote]) => `${key} = ${escaped(quote(`canary-${secret}`))}`),
        ];
        const target = connectionTarget(`${head}${pairs.join(';')}${close};`, '');
        expect(JSON.stringify(target)).not.toContain('canary');
        expect(target.host).toBe(host);
      },
    ),
  );
});

test('no text makes it throw or take long', () => {
  fc.assert(
    fc.property(anyText(300), fc.constantFrom('', 'folder', 'ODBC', 'x.exe'), (text, type) => {
      connectionTarget(text, type);
      connectionTarget(`ODBC CONNECT TO [Server=${text}`, type);
    }),
  );
  const long = `ODBC CONNECT TO [${'a='.repeat(400_000)}`;
  expect(connectionTarget(long, '').kind).toBe('odbc');
  expect(connectionTarget(`OLEDB CONNECT TO [Data Source=${'('.repeat(20_000)}`, '').kind).toBe('oledb');
  for (let times = 0; times < 200; times += 1)
    expect(connectionTarget(`ODBC CONNECT TO [Server=[${':'.repeat(19_900)}_];DB=x]`, '').host).toBeUndefined();
});
