import type { Problem } from '#protocol/status.ts';
import { foreignName } from '../connection/foreign-names.ts';
import type { KeySpec } from '../connection/key-spec.ts';
import { CONNECTION_KEYS } from '../connection/keys.ts';
import { plainValue, type Tree } from '../tree.ts';
import type { Item } from '../writing/connection-file.ts';
import { bareValue } from '../writing/value.ts';
import { movedPath } from './paths.ts';
import type { ImportContext, ImportPlan } from './plan.ts';
import type { Source } from './source.ts';

const SPECS = new Map(CONNECTION_KEYS.map((key) => [key.path, key]));
const SUBTREES = CONNECTION_KEYS.filter((key) => key.type === 'any');
const SECRET = 'Better not in clear: encrypt it with culvert encrypt, or write "file:" and the path of a file.';

const specOf = (path: string): KeySpec | undefined =>
  SPECS.get(path) ?? SUBTREES.find((root) => path.startsWith(`${root.path}.`));

/** Plans a connection file from one of Zeenea, which has the same keys, or from one of our own in another format. */
export const planFromConnectionFile = (
  tree: Tree & { readonly type: 'object' },
  source: Source,
  context: ImportContext,
): ImportPlan => {
  const connector = tree.entries.get('connector_id');
  const id = connector?.type === 'scalar' ? connector.text.trim() : '';
  if (id !== 'qlik-sense') return { type: 'refused', problems: [otherConnector(id, connector, context.file)] };
  const items: Item[] = [];
  const dropped: string[] = [];
  const drop = (path: readonly string[], why: string): void => {
    const name = path.join('.');
    const shown = /^[A-Za-z][A-Za-z0-9_.-]{0,79}$/.test(name) ? name : 'a key that is not known';
    dropped.push(shown);
    items.push({ type: 'note', in: path.slice(0, -1), text: `Left out: ${shown}. ${why}` });
  };
  const walk = (node: Tree, path: readonly string[]): void => {
    const name = path.join('.');
    const spec = specOf(name);
    if (name === '$schema') return;
    if (node.type === 'object' && (spec === undefined || (spec.type === 'any' && spec.status === 'used'))) {
      const inside = path.length === 0 || spec !== undefined || knows(name);
      if (inside) {
        for (const [key, value] of node.entries) walk(value, [...path, key]);
        return;
      }
    }
    if (spec === undefined) {
      const foreign = foreignName(name);
      drop(path, foreign === undefined ? 'Culvert does not know it.' : `${foreign.message} ${foreign.advice}`);
    } else if (spec.status === 'tolerated') drop(path, 'It belongs to other connectors.');
    else if (name === 'catalog_code') drop(path, 'An agent has one catalog, the one that it enrolled with.');
    else value(node, path, spec);
  };
  const value = (node: Tree, path: readonly string[], spec: KeySpec): void => {
    if (node.type === 'scalar' && (node.value === null || node.text.trim() === '')) return;
    const text = node.type === 'scalar' ? node.text : JSON.stringify(plainValue(node));
    const plain = spec.type === 'string' || spec.type === 'any';
    const pieces = source.pieces(text);
    const clear = spec.secret === true && !/^\s*(?:file:|encrypted:v\d+:)/i.test(text);
    const written =
      node.type === 'list'
        ? { pieces: [text], bare: true }
        : plain && !(spec.type === 'any' && node.type === 'scalar' && typeof node.value !== 'string')
          ? { pieces, bare: false }
          : pieces.length === 1 && typeof pieces[0] === 'string'
            ? bareValue(pieces[0].trim())
            : { pieces, bare: false };
    items.push({
      type: 'value',
      path,
      value: movedPath(path.join('.'), written, context),
      note: `${spec.description}${clear && pieces.every((piece) => typeof piece === 'string') ? ` ${SECRET}` : ''}`,
    });
  };
  walk(tree, []);
  return {
    type: 'plan',
    product: context.file.endsWith('.conf') ? 'Zeenea' : 'Culvert',
    items,
    sideFiles: [],
    dropped,
  };
};

const knows = (path: string): boolean => CONNECTION_KEYS.some((key) => key.path.startsWith(`${path}.`));

const otherConnector = (id: string, node: Tree | undefined, file: string): Problem => ({
  severity: 'error',
  code: 'config.invalid',
  message:
    id === ''
      ? 'connector_id is missing, so this is neither a connection file of Zeenea nor one of Culvert.'
      : `This file is for ${/^[a-z0-9-]{1,40}$/.test(id) ? `the connector ${id}` : 'another connector'}; Culvert reads Qlik Sense Enterprise on Windows (qlik-sense) only.`,
  advice:
    id === ''
      ? 'Name a .conf of Zeenea, or a YAML or JSON file of OpenMetadata with source.type: qliksense.'
      : 'Leave it with Zeenea, or name the file of the Qlik Sense connection.',
  file,
  ...(node === undefined ? {} : { line: node.at.line, column: node.at.column }),
});
