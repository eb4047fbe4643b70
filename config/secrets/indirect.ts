import { basename } from 'node:path';
import type { KeySpec } from '../connection/key-spec.ts';
import type { Problems } from '../connection/problem.ts';
import type { SideFiles } from '../connection/side-files.ts';
import type { ScalarTree, Tree } from '../tree.ts';
import type { KeyStore } from './key-store.ts';
import { looksSealed, unseal } from './sealed.ts';

interface Context {
  readonly files: SideFiles;
  readonly keys: KeyStore | undefined;
  /** Of the connection: some encrypted values are for one alone. */
  readonly code?: string | undefined;
  readonly problems: Problems;
  /** Told when the agent's key was needed: what it is then decides what is read. */
  readonly onKey: () => void;
}

/**
 * Puts the value itself where the value of a secret key says where it is: `file:path` (its content without one line end
 * at the end) and `encrypted:v1:…`. What cannot be had is reported, and only keeps its place.
 */
export const fetchIndirect = (tree: Tree, keys: readonly KeySpec[], context: Context): Tree => {
  const exact = new Map(keys.map((key) => [key.path, key]));
  const roots = keys.filter((key) => key.type === 'any' && key.secret === true && key.status === 'used');
  const specOf = (path: string): KeySpec | undefined =>
    exact.get(path) ?? roots.find((root) => path.startsWith(`${root.path}.`));
  const walk = (node: Tree, path: string): Tree => {
    if (node.type === 'list') return { ...node, items: node.items.map((item) => walk(item, path)) };
    if (node.type === 'scalar') {
      const spec = specOf(path);
      return spec?.status !== 'used' || typeof node.value !== 'string' ? node : fetched(node, path, spec, context);
    }
    const entries = [...node.entries].map(
      ([key, value]) => [key, walk(value, path === '' ? key : `${path}.${key}`)] as const,
    );
    return { ...node, entries: new Map(entries) };
  };
  return walk(tree, '');
};

const withheld = (node: ScalarTree): ScalarTree => ({
  ...node,
  value: 'withheld',
  text: 'withheld',
  origin: 'withheld',
});

const fetched = (node: ScalarTree, path: string, spec: KeySpec, context: Context): ScalarTree => {
  if (node.origin === 'withheld') return node;
  // What a secret manager holds is a value, never the name of a file here.
  const named = spec.secret === true && node.origin !== 'secret' && /^\s*file:/i.test(node.text);
  const read = named ? contentOf(node, path, context) : node;
  if (read.origin === 'withheld' || !looksSealed(read.text)) return read;
  if (spec.secret !== true && spec.pem !== true) {
    context.problems.error(
      'config.invalid',
      node.at,
      `${path} holds an encrypted value, but it is no secret: it is shown to people.`,
      `Write the value of ${path} as it is.`,
    );
    return withheld(node);
  }
  context.onKey();
  const opened = unseal(read.text, context.keys, context.code);
  if (opened.type === 'value')
    return { ...node, value: opened.value.reveal(), text: opened.value.reveal(), origin: 'secret' };
  context.problems.error(
    'secrets.undecryptable',
    node.at,
    `The encrypted value of ${path} cannot be opened: ${opened.reason}.`,
    opened.advice,
  );
  return withheld(node);
};

const contentOf = (node: ScalarTree, path: string, { files, problems }: Context): ScalarTree => {
  const content = files.readNamed(node.text.trim());
  const refuse = (why: string, advice: string): ScalarTree => {
    problems.error('secrets.file_unreadable', node.at, `The file that ${path} names cannot be used: ${why}.`, advice);
    return withheld(node);
  };
  if (content.type !== 'file')
    return refuse(content.reason, 'Check the path: it is relative to the folder of this file, or absolute.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content.bytes);
  } catch {
    return refuse('it is not UTF-8', 'Save the file as UTF-8 without anything but the value.');
  }
  const value = text.replace(/\r?\n$/, '');
  if (value.trim() === '') return refuse('it is empty', `Write the value into ${basename(content.realPath)}.`);
  return { ...node, value, text: value, origin: 'secret' };
};
