import { describe, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { lineageFacts } from '#agent/crawl/lineage/facts.ts';
import { lineageGaps } from '#agent/crawl/lineage/gaps.ts';
import { lineageGraph } from '#agent/crawl/lineage/graph.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import { asRow, readRecord } from '#catalog/jobs/record.ts';
import { told } from './interpreter/told.ts';

const APP = 'prod/a1';
const odbc = (name: string, target: object) => ({ id: name, name, type: 'odbc', target: { kind: 'odbc', ...target } });
const naming = new Naming({
  code: 'prod',
  host: 'qlik.example.com',
  libraries: new Set(['lib://known']),
  connections: [
    { id: 'c1', name: 'REST', type: 'rest', target: { kind: 'rest', address: 'https://api.example.com/v1' } },
    { id: 'c2', name: 'Files', type: 'folder', target: { kind: 'folder', path: 'D:\\Data' } },
    odbc('ERP', { driver: 'postgres', host: 'db.example.com', database: 'erp' }),
    odbc('Big', { driver: 'bigquery', database: 'my-project' }),
    odbc('Dsn', { dsn: 'erp' }),
    odbc('Nowhere', {}),
  ],
});

/** The lines that leave of what a script says. */
const leaving = async (script: string): Promise<readonly string[]> => {
  const lineage = told(script);
  const graph = lineageGraph({
    ...{ lineage, app: APP, withTexts: true },
    name: (source) => naming.of(source, { appId: 'a1' }),
    fields: new Map(lineage.tables.flatMap(({ fields }) => fields.map(({ name }, at) => [name, `${APP}/field/${at}`]))),
    tables: new Map(lineage.tables.map(({ name }, at) => [name, `${APP}/table/${at}`])),
  });
  const lines: string[] = [];
  const gate = new RecordGate({
    write: async (_, line) => {
      lines.push(line);
    },
  });
  const scope = { scope: APP };
  for (const { key, named, source } of graph.datasets) {
    const attributes = { written: sourceName(source), pattern: named.pattern ?? null };
    await gate.write({ ...scope, t: 'asset', kind: 'dataset', key, name: named.name, attributes });
  }
  for (const { key, dataset, name } of graph.columns)
    await gate.write({ ...scope, t: 'asset', kind: 'column', key, name, parent: dataset });
  for (const edge of graph.edges) await gate.write({ ...scope, t: 'edge', ...edge });
  const attributes = { lineage: lineageFacts(lineage, null) };
  await gate.write({ ...scope, t: 'asset', kind: 'app', key: APP, name: 'x', attributes });
  await gate.write({ ...scope, t: 'outcome', outcome: 'updated', missing: lineageGaps(lineage, graph) });
  return lines;
};

const LONG = 'x'.repeat(480);

describe('what leaves of a script that holds secrets', () => {
  test.each([
    ['the user of an address', 'LOAD a FROM [https://user:canary@host/x?token=canary] (txt);'],
    ['of one that is none', 'LOAD a FROM [https://user:canary@no host:x/x?token=canary] (txt);'],
    ['the query of a path', 'LOAD a FROM [lib://Unknown/x?token=canary&password=canary] (txt);'],
    ['of one below a service', 'LOAD a FROM [lib://REST/x?token=canary&password=canary] (txt);'],
    ['of one below a folder', 'LOAD a FROM [lib://Files/x?password=canary] (txt);'],
    ['of one below a folder known by name', 'LOAD a FROM [lib://Known/x?password=canary] (txt);'],
    ['of one from nowhere', 'LOAD a FROM [x.csv?password=canary] (txt);'],
    ['a part of an address', 'LOAD a FROM [https://host/api/password=canary/x] (txt);'],
    ['a session in an address', "LOAD a FROM [https://host/x;jsessionid=canary] (html, table is '@1');"],
    ['the name of a sheet', 'LOAD a FROM [lib://Files/x.xlsx] (ooxml, table is [password=canary]);'],
    ['the name of a table', "LIB CONNECT TO 'ERP'; SQL SELECT a FROM password=canary;"],
    ['of a service', "LIB CONNECT TO 'REST'; SQL SELECT a FROM password=canary;"],
    ['of a DSN', "LIB CONNECT TO 'Dsn'; SQL SELECT a FROM password=canary;"],
    ['of a place that nobody knows', "LIB CONNECT TO 'Nowhere'; SQL SELECT a FROM password=canary;"],
    ['the name of a connection', "LIB CONNECT TO 'Password=canary'; SQL SELECT a FROM t;"],
    ['a connection string', "ODBC CONNECT TO 'DSN=x;UID=u;PWD=canary'; SQL SELECT a FROM t;"],
    [
      'the name of a column',
      'S: LOAD a AS [pwd=canary] FROM [lib://Files/x.csv] (txt); STORE S INTO [lib://Files/y.qvd];',
    ],
    ['a hole', "LOAD a FROM [lib://Files/$(=f('pwd=canary')).qvd] (qvd);"],
    ['an included script', '$(Must_Include=https://user:canary@host/x?token=canary);'],
    ['of a path that is cut', `$(Must_Include=${LONG}https://user:${'canary'.repeat(20)}@host/x);`],
    ['of an address that is cut', `LOAD * FROM [https://user:${'canary'.repeat(20)}@host/x.qvd] (qvd);`],
    ['inline data', 'LOAD * INLINE [a, b\n1, canary\n];'],
    ['an expression', "LOAD If(a = 'x', 'pwd=canary') AS a FROM [lib://Files/x.csv] (txt);"],
  ])('no secret in %s', async (_, script) => {
    const lines = await leaving(script);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => line.includes('canary'))).toEqual([]);
  });

  test.each([
    ['SET', 'SET vPassword = canary;'],
    ['LET', "LET vApiKey = 'can' & 'ary'; LET vPassword = vApiKey;"],
    ['a condition', 'IF x THEN\nSET vPassword = canary;\nELSE\nSET vPassword = canary2;\nENDIF'],
    ['a loop', "FOR EACH vPassword IN 'canary'\nNEXT\nLET vPassword = 'canary';"],
  ])('a variable that is called a password is not expanded, when %s gives it', async (_, given) => {
    const script = `${given}
      SET vUrl = https://host/$(vPassword);
      S: LOAD If(a = '$(vPassword)', 1) AS a FROM [https://host/$(vPassword)/x.csv] (txt);
      T: LOAD b AS [$(vPassword)b] FROM [$(vUrl)/y.csv] (txt);`;
    const lines = await leaving(script);
    expect(lines.filter((line) => line.includes('canary'))).toEqual([]);
    expect(lines.filter((line) => line.includes('$(vPassword)')).length).toBeGreaterThan(3);
  });

  test('nor as a parameter of a subroutine', async () => {
    const script = "SUB get(pToken)\nLOAD a FROM [https://host/$(pToken)/x.csv] (txt);\nEND SUB\nCALL get('canary');";
    const lines = await leaving(script);
    expect(lines.filter((line) => line.includes('canary'))).toEqual([]);
    expect(lines.some((line) => line.includes('$(pToken)'))).toBe(true);
  });

  test('a variable that is called a token and is a path is one', async () => {
    const lines = await leaving('SET vTokens = lib://Files/tokens; LOAD a FROM [$(vTokens)/x.csv] (txt);');
    expect(lines.some((line) => line.includes('file://qlik.example.com/d:/data/tokens/x.csv#a'))).toBe(true);
  });

  test('is what the catalog takes, whatever the names hold', async () => {
    const script = `LOAD [\ue0f05] AS a FROM [lib://Files/\ue0f0123\ue0f1*\ud800\u0000.qvd] (qvd);
      $(x\ue0f01); LOAD \ue0f0 FROM [\ue0f0] (qvd); LIB CONNECT TO 'Big'; SQL SELECT a FROM s.t; SQL SELECT b FROM t;`;
    const lines = await leaving(script);
    expect(lines.some((line) => line.includes('bigquery/my-project.s.t'))).toBe(true);
    for (const line of lines) {
      const record = readRecord(Buffer.from(line));
      if (record.t === 'asset' || record.t === 'edge') expect(() => asRow(record, 'prod', 1)).not.toThrow();
    }
    expect(lines.join('')).not.toMatch(/[\ue0f0\ue0f1]/);
  });
});

test('a dataset of BigQuery is no key of a connection of that name', () => {
  const edge = (to: string) => ({ t: 'edge', scope: APP, kind: 'loads', from: APP, to }) as const;
  expect(() => asRow(edge('bigquery/p.d.t#c'), 'prod', 1)).not.toThrow();
  for (const to of ['bigquery', 'bigquery/a1', 'bigquery/a1.b/field/x', 'bigquery/stream/s.x', 'other/p.d.t'])
    expect(() => asRow(edge(to), 'prod', 1)).toThrow(/belongs to another connection/);
});
