/**
 * The parser's tree as we read it: every node is an object with one key, its kind. Only what is named here is known;
 * everything else is walked through, so that a new kind of node costs nothing.
 */
export type Tree = Readonly<Record<string, unknown>>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The node's kind and its contents: `{ select: {…} }`. */
export function kindOf(value: unknown): readonly [string, Tree] | undefined {
  if (!isTree(value)) return undefined;
  for (const key in value) {
    const inner = value[key];
    return isTree(inner) ? [key, inner] : undefined;
  }
  return undefined;
}

/** What stands below this key. */
export const at = (tree: Tree, key: string): unknown => tree[key];

/** The list below this key; empty when there is none. */
export function list(tree: Tree, key: string): readonly unknown[] {
  const value = tree[key];
  return Array.isArray(value) ? value : [];
}

/** An identifier's text: `{ name: 'x' }` or a plain string. */
export function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (!isTree(value)) return undefined;
  const name = value['name'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Texts of a list of identifiers. */
export const namesOf = (values: readonly unknown[]): string[] =>
  values.map(nameOf).filter((name): name is string => name !== undefined);
