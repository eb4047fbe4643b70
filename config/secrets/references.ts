import { type MissingReference, nameBelow, type Outside } from '../hocon/outside.ts';
import type { ScalarTree, Tree } from '../tree.ts';

const REFERENCE = /\$\{(\??)([A-Za-z_]\w*)\.([^${}\r\n]{1,200})\}/g;

/**
 * Replaces `${root.field}` inside texts: YAML and JSON know no substitutions of their own, so there quotes do not keep
 * them from being replaced. A text that came from a secret is left as it is.
 */
export const fillTexts = (tree: Tree, outside: Outside): Tree => {
  if (tree.type === 'scalar')
    return typeof tree.value === 'string' && tree.origin === undefined ? fill(tree, outside) : tree;
  if (tree.type === 'list') return { ...tree, items: tree.items.map((item) => fillTexts(item, outside)) };
  return { ...tree, entries: new Map([...tree.entries].map(([key, value]) => [key, fillTexts(value, outside)])) };
};

const fill = (scalar: ScalarTree, outside: Outside): ScalarTree => {
  let origin: ScalarTree['origin'];
  let absent = false;
  const missing: MissingReference[] = [];
  const text = scalar.text.replace(REFERENCE, (written, optional: string, root: string, rest: string) => {
    const name = nameBelow(outside, [root, rest.trim().replaceAll('"', '')]);
    if (name === undefined) return written;
    const secret = outside.fields?.get(name);
    if (secret !== undefined) {
      origin ??= 'secret';
      return secret.reveal();
    }
    if (outside.fields !== undefined && optional === '?') {
      absent ||= written === scalar.text.trim();
      return '';
    }
    if (outside.fields !== undefined) missing.push({ at: scalar.at, name });
    origin = 'withheld';
    return 'withheld';
  });
  for (const reference of missing) outside.onMissing(reference);
  if (absent) return { type: 'scalar', value: null, text: '', at: scalar.at };
  return origin === undefined && text === scalar.text
    ? scalar
    : { type: 'scalar', value: text, text, at: scalar.at, ...(origin === undefined ? {} : { origin }) };
};
