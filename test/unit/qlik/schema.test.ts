import known from 'enigma.js/schemas/12.2015.0.json' with { type: 'json' };
import current from 'enigma.js/schemas/12.2027.0.json' with { type: 'json' };
import { expect, test } from 'vitest';
import { schema } from '#agent/qlik/engine/schema.ts';

test.each([
  ['12.2015.0', known],
  ['12.2027.0', current],
])('the methods that are called are those of the engine %s', (_version, published) => {
  const structs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = published.structs;
  for (const [type, methods] of Object.entries(schema.structs)) {
    for (const [method, definition] of Object.entries(methods)) {
      expect(structs[type]?.[method], `${type}.${method}`).toEqual(definition);
    }
  }
});
