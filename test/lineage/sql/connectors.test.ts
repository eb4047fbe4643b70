import { describe, expect, test } from 'vitest';
import { ask } from './asked.ts';

const NESTED = `SELECT
	"total" AS "total_u0",
	"__KEY_root",
	(SELECT
		"id",
		"name" AS "label",
		"__KEY_items",
		"__FK_items",
		(SELECT
			"@Value",
			"__FK_tags"
		FROM "tags" FK "__FK_tags" ArrayValueAlias "@Value")
	FROM "items" PK "__KEY_items" FK "__FK_items")
FROM JSON (wrap on) "root" PK "__KEY_root"`;

describe('statements of the REST connector', () => {
  test.each([
    ['as the wizard writes it', NESTED],
    [
      'with a connection of its own',
      `${NESTED}\nWITH CONNECTION (URL "$(vUrl)/x?a=1;b", HTTPHEADER "Authorization" "Bearer canary-token")`,
    ],
    ['under the keyword SQL', `SQL ${NESTED};`],
  ])('give the columns of all arrays in one list: %s', async (_, sql) => {
    const asked = await ask(sql);
    expect(asked.values).toEqual({
      total_u0: ['root#total'],
      __KEY_root: ['root#__KEY_root'],
      id: ['items#id'],
      label: ['items#name'],
      __KEY_items: ['items#__KEY_items'],
      __FK_items: ['items#__FK_items'],
      '@Value': ['tags#@Value'],
      __FK_tags: ['tags#__FK_tags'],
    });
    expect(asked.analysis).toMatchObject({ how: 'rest', open: false, objects: ['root', 'tags', 'items'] });
    expect(asked.analysis.tables.map((table) => table.name)).toEqual(['tags', 'items', 'root']);
    expect(JSON.stringify(asked.analysis)).not.toContain('canary');
  });

  test('CSV and XML', async () => {
    const csv = await ask(
      `SELECT "Col 1", "b" FROM CSV (header on, delimiter ",", quote """") "CSV_source" WITH CONNECTION (URL "x")`,
    );
    expect(csv.values).toEqual({ 'Col 1': ['CSV_source#Col 1'], b: ['CSV_source#b'] });
    const xml = await ask(
      `SELECT (SELECT "attr:id" AS "id", "@Content", "__FK_row" FROM "row" FK "__FK_row" ContentFieldAlias "@Content") FROM XML "root" PK "__KEY_root"`,
    );
    expect(xml.values).toEqual({ id: ['row#attr:id'], '@Content': ['row#@Content'], __FK_row: ['row#__FK_row'] });
  });
});

describe('statements of web connectors', () => {
  test('name an endpoint', async () => {
    const asked = await ask(
      `SELECT dimension1, ga:users AS users, [Page Title], "a b" FROM DataFromQuery
       WITH PROPERTIES (profileId='1', token='canary-token', metrics='a, b) c', filter='$(vFilter)')`,
    );
    expect(asked.values).toEqual({
      dimension1: ['DataFromQuery#dimension1'],
      users: ['DataFromQuery#ga:users'],
      'Page Title': ['DataFromQuery#Page Title'],
      'a b': ['DataFromQuery#a b'],
    });
    expect(asked.analysis).toMatchObject({ how: 'rest', open: false, objects: ['DataFromQuery'] });
    expect(JSON.stringify(asked.analysis)).not.toContain('canary');
  });

  test('a star leaves the result open', async () => {
    const { analysis } = await ask("SELECT * FROM Users WITH PROPERTIES (a='b')");
    expect(analysis).toMatchObject({ open: true, columns: [], objects: ['Users'] });
  });

  test('properties behind a query of a database are left out', async () => {
    const asked = await ask("SELECT a, UPPER(b) AS c FROM dbo.t WHERE d = 1 WITH PROPERTIES (x='y')");
    expect(asked.values).toEqual({ a: ['dbo.t#a'], c: ['dbo.t#b'] });
    expect(asked.analysis.how).toBe('parser');
  });
});
