import type { KeySpec } from '../connection/key-spec.ts';
import { looksLikePem } from '../connection/pem.ts';
import type { Problems } from '../connection/problem.ts';
import type { ScalarTree, Tree } from '../tree.ts';

/** Why a value that came from a secret may not stand in this key, and what to do; undefined when it may. */
const misplaced = (spec: KeySpec, node: ScalarTree): readonly [why: string, advice: string] | undefined => {
  if (spec.secret === true || spec.fromSecret === true || spec.status !== 'used') return undefined;
  if (spec.pem !== true)
    return [
      'it is no secret: it is shown to people, or says where secrets are sent',
      `Write the value of ${spec.path} into this file.`,
    ];
  // The name of a file would be shown.
  return looksLikePem(node.text)
    ? undefined
    : ['what it holds is no PEM text', 'Keep the whole PEM text in the secret.'];
};

/**
 * Refuses values that came from a secret (a manager, a file, an encrypted value) in keys that are none: who may write a
 * connection file could have them shown or sent to a server of his own. They are taken out, so that none of them gets
 * anywhere, not even as the name of a file that is refused.
 */
export const refuseMisplaced = (tree: Tree, keys: readonly KeySpec[], problems: Problems): Tree => {
  const exact = new Map(keys.map((key) => [key.path, key]));
  const taken: { readonly path: string; readonly at: ScalarTree['at'] }[] = [];
  const walk = (node: Tree, path: string): Tree => {
    if (node.type === 'list') return { ...node, items: node.items.map((item) => walk(item, path)) };
    if (node.type === 'object') {
      const entries = [...node.entries].map(
        ([key, value]) => [key, walk(value, path === '' ? key : `${path}.${key}`)] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    const spec = node.origin === 'secret' ? exact.get(path) : undefined;
    const found = spec === undefined ? undefined : misplaced(spec, node);
    if (found === undefined) return node;
    const [why, advice] = found;
    problems.error('config.invalid', node.at, `${path} comes from a secret, but ${why}.`, advice);
    taken.push({ path, at: node.at });
    return { type: 'scalar', value: null, text: '', at: node.at };
  };
  const kept = walk(tree, '');
  problems.withhold(taken);
  return kept;
};
