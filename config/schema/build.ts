// Writes the published JSON Schemas: `node config/schema/build.ts`. A test says when they are out of date.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeySpec } from '../connection/key-spec.ts';
import { CONNECTION_KEYS, SETTINGS_KEYS } from '../connection/keys.ts';
import { POLICY_KEYS } from '../policy/keys.ts';

interface Schema {
  [key: string]: unknown;
  properties?: Record<string, Schema>;
}

const note = ({ status, description, secret }: KeySpec): string =>
  [
    description,
    ...(secret === true && status !== 'tolerated' ? ['Secret: never shown; may be "file:…" or "encrypted:…".'] : []),
  ].join(' ');

/** What a key may hold in YAML and JSON: scalars may be quoted or not, and null counts as absent. */
const typeOf = (key: KeySpec): Schema => {
  switch (key.type) {
    case 'any':
      return {};
    case 'boolean':
      return { enum: [true, false, 'true', 'false', 'yes', 'no', 'on', 'off', null] };
    case 'integer':
    case 'port':
      return {
        type: ['integer', 'string', 'null'],
        minimum: key.minimum ?? 1,
        maximum: key.maximum ?? 65_535,
        pattern: '^[0-9]+$',
      };
    case 'duration':
      return { type: ['integer', 'string', 'null'], pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*(ms|s|m|h|[a-z]*)\\s*$' };
    case 'size':
      return {
        type: ['integer', 'string', 'null'],
        pattern: '^\\s*[0-9]+(\\.[0-9]+)?\\s*([kKmMgGtT]i?[bB]?|[bB])?\\s*$',
      };
    case 'string':
      return key.values === undefined ? { type: ['string', 'number', 'boolean', 'null'] } : { enum: [...key.values] };
    default:
      return key.type satisfies never;
  }
};

const schemaOf = (title: string, id: string, keys: readonly KeySpec[]): Schema => {
  const root: Schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: id,
    title,
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string', description: 'Where this schema is, for editors.' } },
  };
  for (const key of keys) {
    const path = key.path.split('.');
    let at = root;
    path.forEach((part, i) => {
      at.properties ??= {};
      const last = i === path.length - 1;
      if (key.required === true) at['required'] = [...new Set([...((at['required'] as string[]) ?? []), part])];
      const child: Schema = last
        ? {
            description: note(key),
            ...typeOf(key),
            ...(key.standard === undefined ? {} : { default: key.standard }),
          }
        : (at.properties[part] ?? { type: 'object', additionalProperties: false, properties: {} });
      at.properties[part] = child;
      at = child;
    });
  }
  return root;
};

/** The schemas by file name, as texts. */
export const schemas = (): Readonly<Record<string, string>> => ({
  'connection.schema.json': text(
    schemaOf('Connection file of Culvert', 'urn:culvert:connection-file', CONNECTION_KEYS),
  ),
  'agent.schema.json': text(
    schemaOf('Settings of the Culvert agent (agent.conf)', 'urn:culvert:agent-conf', SETTINGS_KEYS),
  ),
  'policy.schema.json': text(schemaOf('Policy of the Culvert agent', 'urn:culvert:policy', POLICY_KEYS)),
});

const text = (schema: Schema): string => `${JSON.stringify(schema, null, 2)}\n`;

if (import.meta.main)
  for (const [file, content] of Object.entries(schemas())) writeFileSync(join(import.meta.dirname, file), content);
