import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONNECTION_KEYS, SETTINGS_KEYS } from '#config/connection/keys.ts';
import { POLICY_KEYS } from '#config/policy/keys.ts';
import { schemas } from '#config/schema/build.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'config', 'schema');

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean;
}

const leaves = (node: Node, path: readonly string[] = []): string[] =>
  node.properties === undefined
    ? [path.join('.')]
    : Object.entries(node.properties).flatMap(([key, child]) => leaves(child, [...path, key]));

describe('the published JSON Schemas', () => {
  test.each(Object.entries(schemas()))('%s is what the table of keys says', (file, content) => {
    const published: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    expect(published, 'run: node config/schema/build.ts').toEqual(JSON.parse(content));
  });

  test('every key has its place in a schema, and nothing else has', () => {
    const published = (file: string): Node => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Node;
    const keysOf = (file: string) =>
      leaves(published(file))
        .filter((path) => path !== '$schema')
        .sort();
    expect(keysOf('connection.schema.json')).toEqual(CONNECTION_KEYS.map(({ path }) => path).sort());
    expect(keysOf('policy.schema.json')).toEqual(POLICY_KEYS.map(({ path }) => path).sort());
    expect(keysOf('agent.schema.json')).toEqual(SETTINGS_KEYS.map(({ path }) => path).sort());
  });
});
