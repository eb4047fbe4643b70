import { expect, test } from 'vitest';
import { lineageOf, told } from './told.ts';

test('a script that ends in EXIT SCRIPT leaves what there was, and not what it had dropped', async () => {
  const lineage = await lineageOf(
    'SET v = 1; A: LOAD a FROM x.qvd (qvd); B: LOAD a AS b RESIDENT A; DROP TABLE A; EXIT SCRIPT; C: LOAD c FROM y.qvd (qvd);',
  );
  expect(told(lineage)).toEqual(['-A.a < x.qvd:a', 'B.b < x.qvd:a']);
  expect(lineage.variables.get('v')).toBe('1');
});

test('what an If decides by is a value, and what a SELECT filters by is none', async () => {
  const { tables } = await lineageOf("T: LOAD If(f = 'Y', 1, 0) AS g; SQL SELECT f FROM t WHERE m = 1;");
  const roles = tables.flatMap(({ fields }) => fields.flatMap(({ origins }) => origins));
  expect(roles.map(({ field, role }) => [field, role])).toEqual([['f', 'value']]);
});

test('a stored * is what the file has, or else the table in the app', async () => {
  const script = 'T: LOAD * FROM x.qvd (qvd); STORE T INTO y.qvd (qvd);';
  const model = new Map([['T', ['a', 'b']]]);
  const stored = async (columns?: readonly string[]) => {
    const { stores } = await lineageOf(script, {
      model,
      columns: (source) => (source.type === 'file' && source.path === 'y.qvd' ? columns : undefined),
    });
    return stores.flatMap(({ fields }) => fields.map(({ name, origins }) => `${name} ${origins[0]?.reasons}`));
  };
  expect(await stored()).toEqual(['a model', 'b model']);
  expect(await stored(['a'])).toEqual(['a file-head']);
});
