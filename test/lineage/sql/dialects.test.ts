import { describe, expect, test } from 'vitest';
import { dialectOf } from '../../../agent/lineage/sql/dialects.ts';
import { ask } from './asked.ts';

/** Statements as they stand in load scripts, with their origins worked out by hand. */
const ROWS: readonly {
  readonly called: string;
  readonly dialect: string | undefined;
  readonly sql: string;
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly objects: readonly string[];
  readonly how?: string;
}[] = [
  {
    called: 'SQL Server: brackets, hints, TOP, alias = expression, linked database',
    dialect: 'tsql',
    sql: `SELECT TOP (100) PERCENT o.[Order ID], Total = SUM(d.[Unit Price] * d.Quantity), [Cust Name] = c.Name
          FROM Sales..Orders o (NOLOCK) INNER JOIN dbo.[Order Details] d WITH (NOLOCK, INDEX(1)) ON d.OrderID = o.[Order ID]
          LEFT JOIN dbo.Customers AS c ON c.Id = o.CustomerId WHERE o.[Date] >= {ts '2020-01-01 00:00:00'}
          GROUP BY o.[Order ID], c.Name OPTION (MAXDOP 1)`,
    values: {
      'Order ID': ['Sales..Orders#Order ID'],
      Total: ['dbo.Order Details#Unit Price', 'dbo.Order Details#Quantity'],
      'Cust Name': ['dbo.Customers#Name'],
    },
    objects: ['Sales..Orders', 'dbo.Order Details', 'dbo.Customers'],
  },
  {
    called: 'SQL Server: a linked server, CROSS APPLY, CONVERT, ISNULL, CASE',
    dialect: 'tsql',
    sql: `SELECT CONVERT(varchar(10), t.D, 120) AS Day, ISNULL(t.A, t.B) X, CASE WHEN t.K = 1 THEN t.L ELSE 0 END AS Y, v.Z,
          DATEDIFF(day, t.D, GETDATE()) Age
          FROM SRV.Erp.dbo.T t CROSS APPLY (SELECT MAX(u.Z) AS Z FROM dbo.U u WHERE u.Id = t.Id) v`,
    values: {
      Day: ['SRV.Erp.dbo.T#D'],
      X: ['SRV.Erp.dbo.T#A', 'SRV.Erp.dbo.T#B'],
      Y: ['SRV.Erp.dbo.T#K', 'SRV.Erp.dbo.T#L'],
      Z: ['dbo.U#Z'],
      Age: ['SRV.Erp.dbo.T#D'],
    },
    objects: ['SRV.Erp.dbo.T', 'dbo.U'],
  },
  {
    called: 'Oracle: (+), NVL, DECODE, SYSDATE, dual, MINUS, quoted names',
    dialect: 'oracle',
    sql: `SELECT /*+ FULL(a) */ a.ID, NVL(b.NAME, '-') NAME, DECODE(a.ST, 'A', 1, 0) ST, TRUNC(SYSDATE) TODAY, "a"."Mixed"
          FROM ERP.ORDERS "a", ERP.PARTNERS b WHERE a.PID = b.ID(+) MINUS SELECT ID, NAME, ST, D, M FROM ERP.OLD`,
    values: {
      ID: ['ERP.ORDERS#ID'],
      NAME: ['ERP.PARTNERS#NAME'],
      ST: ['ERP.ORDERS#ST'],
      TODAY: [],
      Mixed: ['ERP.ORDERS#Mixed'],
    },
    objects: ['ERP.ORDERS', 'ERP.PARTNERS', 'ERP.OLD'],
  },
  {
    called: 'Oracle: CONNECT BY, LISTAGG',
    dialect: 'oracle',
    sql: `SELECT e.EMPNO, LISTAGG(e.ENAME, ',') WITHIN GROUP (ORDER BY e.HIRED) AS NAMES, LEVEL AS LVL FROM EMP e
          START WITH e.MGR IS NULL CONNECT BY PRIOR e.EMPNO = e.MGR`,
    values: { EMPNO: ['EMP#EMPNO'], NAMES: ['EMP#ENAME'], LVL: [] },
    objects: ['EMP'],
  },
  {
    called: 'Snowflake: CTE, QUALIFY, semi-structured, FLATTEN',
    dialect: 'snowflake',
    sql: `WITH last AS (SELECT id, amt, raw FROM DWH.PUBLIC.FACT QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) = 1)
          SELECT l.id, l.amt::number(10,2) AS amount, l.raw:customer.name::string AS customer, f.value:sku AS sku
          FROM last l, LATERAL FLATTEN(input => l.raw:lines) f`,
    values: {
      id: ['DWH.PUBLIC.FACT#id'],
      amount: ['DWH.PUBLIC.FACT#amt'],
      customer: ['DWH.PUBLIC.FACT#raw'],
      sku: ['DWH.PUBLIC.FACT#raw~'],
    },
    objects: ['DWH.PUBLIC.FACT'],
  },
  {
    called: 'PostgreSQL: casts, FILTER, DISTINCT ON, quoted mixed case, unnamed columns',
    dialect: 'postgresql',
    sql: `SELECT DISTINCT ON (o."Id") o."Id", o.total::text, sum(l.qty) FILTER (WHERE l.ok) AS qty, count(*), upper(o.note)
          FROM public."Orders" o JOIN public.lines l USING (order_id) GROUP BY 1, 2`,
    values: {
      Id: ['public.Orders#Id'],
      total: ['public.Orders#total'],
      qty: ['public.lines#qty'],
      count: [],
      upper: ['public.Orders#note'],
    },
    objects: ['public.Orders', 'public.lines'],
  },
  {
    called: 'MySQL: backticks, IFNULL, GROUP_CONCAT, LIMIT',
    dialect: 'mysql',
    sql: `SELECT \`o\`.\`id\`, IFNULL(o.\`name\`, 'x') AS \`the name\`, GROUP_CONCAT(DISTINCT t.tag ORDER BY t.pos SEPARATOR ', ') tags,
          DATE_FORMAT(o.created, '%Y-%m') ym FROM \`shop\`.\`order head\` o LEFT JOIN shop.tags t ON t.oid = o.id GROUP BY o.id LIMIT 10, 5`,
    values: {
      id: ['shop.order head#id'],
      'the name': ['shop.order head#name'],
      tags: ['shop.tags#tag'],
      ym: ['shop.order head#created'],
    },
    objects: ['shop.order head', 'shop.tags'],
  },
  {
    called: 'Teradata: SEL, LOCKING, FORMAT, QUALIFY, TOP',
    dialect: 'teradata',
    sql: `LOCKING ROW FOR ACCESS SEL TOP 10 a.cust_id, a.bal (FORMAT '-(9)9'), RANK() OVER (ORDER BY a.bal DESC) AS rnk
          FROM edw.acct a QUALIFY rnk <= 3`,
    values: { cust_id: ['edw.acct#cust_id'], bal: ['edw.acct#bal'], rnk: ['edw.acct#bal'] },
    objects: ['edw.acct'],
  },
  {
    called: 'DB2: FETCH FIRST, WITH UR, labelled durations, special registers',
    dialect: 'db2',
    sql: `SELECT A.CUSNO, A.DT - 3 DAYS AS DUE, CURRENT DATE AS TODAY, VALUE(B.NM, A.NM) AS NM FROM PROD.CUST A
          LEFT OUTER JOIN PROD.NAMES B ON B.NO = A.CUSNO FETCH FIRST 100 ROWS ONLY WITH UR`,
    values: {
      CUSNO: ['PROD.CUST#CUSNO'],
      DUE: ['PROD.CUST#DT'],
      TODAY: [],
      NM: ['PROD.NAMES#NM', 'PROD.CUST#NM'],
    },
    objects: ['PROD.CUST', 'PROD.NAMES'],
  },
  {
    called: 'DB2 for i: LIB/TABLE, its name as a qualifier',
    dialect: 'db2',
    sql: `SELECT ITEMS.ITNO, S.QTY# FROM M3DTA/ITEMS, M3DTA/STOCK S WHERE ITEMS.ITNO = S.ITNO FOR FETCH ONLY OPTIMIZE FOR 50 ROWS`,
    values: { ITNO: ['M3DTA/ITEMS#ITNO'], 'QTY#': ['M3DTA/STOCK#QTY#'] },
    objects: ['M3DTA/ITEMS', 'M3DTA/STOCK'],
  },
  {
    called: 'HANA: a calculation view with parameters, hints',
    dialect: 'hana',
    sql: `SELECT "MATNR", SUM("QTY") AS "QTY" FROM "_SYS_BIC"."sales.reports/CV_SALES" ('PLACEHOLDER' = ('$$P_YEAR$$', '2020'),
          'PLACEHOLDER' = ('$$P_MON$$', '1')) GROUP BY "MATNR" WITH HINT(OLAP_PARALLEL_AGGREGATION)`,
    values: {
      MATNR: ['_SYS_BIC.sales.reports/CV_SALES#MATNR'],
      QTY: ['_SYS_BIC.sales.reports/CV_SALES#QTY'],
    },
    objects: ['_SYS_BIC.sales.reports/CV_SALES'],
  },
  {
    called: 'BigQuery: project.dataset.table in backticks, EXCEPT, UNNEST, structs',
    dialect: 'bigquery',
    sql: 'SELECT s.id, s.geo.country AS country, e.name AS event FROM `proj-1.ga.sessions` s, UNNEST(s.events) AS e',
    values: {
      id: ['proj-1.ga.sessions#id'],
      country: ['proj-1.ga.sessions#geo'],
      event: ['proj-1.ga.sessions#events~'],
    },
    objects: ['proj-1.ga.sessions'],
  },
  {
    called: 'Hive: LATERAL VIEW, backticks',
    dialect: 'hive',
    sql: 'SELECT t.`user id`, tag FROM web.log t LATERAL VIEW explode(t.tags) x AS tag WHERE t.ds = 1',
    values: { 'user id': ['web.log#user id'], tag: ['web.log#tags~'] },
    objects: ['web.log'],
  },
  {
    called: 'Redshift: GETDATE, NVL, alias of the same list',
    dialect: 'redshift',
    sql: 'SELECT price * qty AS gross, gross * 0.19 AS vat, NVL(a, b) AS c FROM spectrum.sales',
    values: {
      gross: ['spectrum.sales#price', 'spectrum.sales#qty'],
      vat: ['spectrum.sales#price~', 'spectrum.sales#qty~'],
      c: ['spectrum.sales#a', 'spectrum.sales#b'],
    },
    objects: ['spectrum.sales'],
  },
  {
    called: 'Informix: SKIP and FIRST, OUTER',
    dialect: 'informix',
    sql: 'SELECT SKIP 10 FIRST 5 c.customer_num, o.order_num FROM stores:informix.customer c, OUTER orders o WHERE c.customer_num = o.customer_num',
    values: { customer_num: ['stores:informix.customer#customer_num'], order_num: ['orders#order_num'] },
    objects: ['stores:informix.customer', 'orders'],
  },
  {
    called: 'Access: joins in parentheses, IIF, dates, table!column, DISTINCTROW',
    dialect: 'access',
    sql: `SELECT DISTINCTROW A.[Kunden Nr], IIf(B![Menge] > 0, B.Menge, 0) AS Menge, C.Name
          FROM (Kunden AS A INNER JOIN [Auftrags Pos] AS B ON A.ID = B.KID) LEFT JOIN Orte AS C ON C.ID = A.OID
          WHERE A.Datum > #1/31/2020#`,
    values: { 'Kunden Nr': ['Kunden#Kunden Nr'], Menge: ['Auftrags Pos#Menge'], Name: ['Orte#Name'] },
    objects: ['Kunden', 'Auftrags Pos', 'Orte'],
  },
  {
    called: 'Excel through ODBC: a sheet',
    dialect: 'access',
    sql: 'SELECT [Ship To], F2 FROM [Sheet1$A1:F200]',
    values: { 'Ship To': ['Sheet1$A1:F200#Ship To'], F2: ['Sheet1$A1:F200#F2'] },
    objects: ['Sheet1$A1:F200'],
  },
  {
    called: 'SAP: lists without commas, tildes',
    dialect: 'sap',
    sql: `SELECT VBAK~VBELN VBAK~ERDAT VBAP~POSNR FROM VBAK INNER JOIN VBAP ON VBAK~VBELN = VBAP~VBELN WHERE VBAK~MANDT = '100'`,
    values: { VBELN: ['VBAK#VBELN'], ERDAT: ['VBAK#ERDAT'], POSNR: ['VBAP#POSNR'] },
    objects: ['VBAK', 'VBAP'],
  },
  {
    called: 'nobody says which database: commas too many, comments, a semicolon',
    dialect: undefined,
    sql: `SQL SELECT a, -- the key
            b, // not any more: c,
            /* d, */ e AS \`E e\`,
          FROM "x"."y" WHERE f = 'it''s; // no comment';`,
    values: { a: ['x.y#a'], b: ['x.y#b'], 'E e': ['x.y#e'] },
    objects: ['x.y'],
  },
];

describe('a SELECT of each database', () => {
  for (const { called, dialect, sql, values, objects, how } of ROWS) {
    test(called, async () => {
      const asked = await ask(sql, dialect);
      expect(asked.analysis.how).toBe(how ?? 'parser');
      expect(asked.values).toEqual(values);
      expect(asked.analysis.objects).toEqual(objects);
      expect(asked.analysis.open).toBe(false);
    });
  }

  test('reads most of them as well when nobody says which database it is', async () => {
    const own = new Set(['sap', 'hana', 'informix', 'redshift']);
    for (const { called, dialect, sql, values } of ROWS.filter((row) => !own.has(row.dialect ?? ''))) {
      const asked = await ask(sql);
      const names = (found: Readonly<Record<string, readonly string[]>>) =>
        Object.values(found).map((from) => from.map((o) => o.replace(/[~?!]$/, '')));
      expect(names(asked.values), `${called} (${dialect})`).toEqual(names(values));
    }
  });
});

describe('the dialect of a connection', () => {
  const facts = (type: string, provider?: string) => ({ type, provider, database: undefined, schema: undefined });
  test.each([
    ['QvOdbcConnectorPackage.exe', 'snowflake', 'snowflake'],
    ['QvOdbcConnectorPackage.exe', 'mssql', 'tsql'],
    ['OLEDB', 'SQLNCLI11.1', 'tsql'],
    ['OLEDB', 'MSOLEDBSQL', 'tsql'],
    ['OLEDB', 'OraOLEDB.Oracle.1', 'oracle'],
    ['OLEDB', 'IBMDADB2.DB2COPY1', 'db2'],
    ['OLEDB', 'Microsoft.ACE.OLEDB.12.0', 'access'],
    ['ODBC', 'Amazon Redshift (x64)', 'redshift'],
    ['ODBC', 'Simba Spark ODBC Driver', 'spark'],
    ['ODBC', 'HDBODBC', 'hana'],
    ['QvSAPSqlConnector.exe', undefined, 'sap'],
    ['ODBC', 'iSeries Access ODBC Driver', 'db2'],
    ['ODBC', undefined, undefined],
    ['folder', undefined, undefined],
  ])('%s with %s is %s', (type, provider, dialect) => {
    expect(dialectOf(facts(type, provider))).toBe(dialect);
  });
});
