import { expect, test } from 'vitest';
import { JsonLists } from '#agent/qlik/json-lists.ts';

const read = (text: string, pieceBytes: number, lists = ['fields', 'tables']) => {
  const found: [string, unknown][] = [];
  const json = new JsonLists(lists, (list, element) => found.push([list, element]));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) json.push(bytes.subarray(at, at + pieceBytes));
  return { found, rest: json.end() };
};

const VALUE = {
  before: { deep: [1, { '"': '}]' }], fields: ['not these'] },
  fields: [
    { name: 'a"b\\', tags: ['x', '}'], n: 1.5e3 },
    { name: 'ü€😀' },
    'text, with ] and }',
    7,
    null,
    [1, [2]],
    {},
  ],
  'odd ":{ key': '\\"',
  tables: [],
  after: null,
  size: -0.5,
};

test.each([1, 2, 3, 7, 64, 100_000])('gives the same in pieces of %i bytes as JSON.parse', (pieceBytes) => {
  for (const spaces of [0, 2]) {
    const { found, rest } = read(JSON.stringify(VALUE, null, spaces), pieceBytes);
    expect(found).toEqual(VALUE.fields.map((element) => ['fields', element]));
    const { fields: _, tables: __, ...others } = VALUE;
    expect(rest).toEqual(others);
  }
});

test('a list that is null is a member like others, and an empty object has none', () => {
  expect(read('{"fields":null}', 3)).toEqual({ found: [], rest: { fields: null } });
  expect(read(' {} ', 1)).toEqual({ found: [], rest: {} });
});

test.each([
  '',
  '{"fields":[{"a":1},',
  '{"fields":[1',
  '[1]',
  'null',
  '{"a":tru}',
  '{"fields":[tru]}',
  '<html>',
  '{"a" 1}',
  '{}{}',
])('refuses %s', (text) => {
  expect(() => read(text, 4)).toThrow(SyntaxError);
});
