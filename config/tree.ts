/** Where something stands: 1-based line and column, columns in UTF-16 code units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * A configuration file after parsing, whatever its syntax was (HOCON, YAML, JSON). Scalars keep the text that stood in
 * the file, so that `0123` can be read as a string; objects are Maps, so that no key is special.
 */
export type Tree = ObjectTree | ListTree | ScalarTree;

export interface ObjectTree {
  readonly type: 'object';
  readonly entries: ReadonlyMap<string, Tree>;
  readonly at: Place;
}

export interface ListTree {
  readonly type: 'list';
  readonly items: readonly Tree[];
  readonly at: Place;
}

export interface ScalarTree {
  readonly type: 'scalar';
  readonly value: string | number | boolean | null;
  /** The text of the scalar as the file has it, after quotes and escapes were taken away. */
  readonly text: string;
  readonly at: Place;
  readonly origin?: Origin;
}

/**
 * Where a text came from when it does not stand in the file: from a secret, or nowhere yet (`withheld`): then it only
 * keeps the place of a secret that could not be had, which was reported.
 */
export type Origin = 'secret' | 'withheld';

/** A plain value for comparison and rendering; objects have no prototype. Numbers stay numbers. */
export const plainValue = (tree: Tree): unknown => {
  if (tree.type === 'scalar') return tree.value;
  if (tree.type === 'list') return tree.items.map(plainValue);
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of tree.entries) result[key] = plainValue(value);
  return result;
};

/** The paths and places of all scalars of an origin. */
export function* scalarsOf(
  tree: Tree,
  origin: Origin,
  path = '',
): Generator<{ readonly path: string; readonly at: Place }> {
  if (tree.type === 'scalar') {
    if (tree.origin === origin) yield { path, at: tree.at };
  } else if (tree.type === 'list') for (const item of tree.items) yield* scalarsOf(item, origin, path);
  else for (const [key, value] of tree.entries) yield* scalarsOf(value, origin, path === '' ? key : `${path}.${key}`);
}

/** The node under a path of keys; undefined where there is none. */
export const descend = (tree: Tree | undefined, path: readonly string[]): Tree | undefined => {
  let node = tree;
  for (const key of path) node = node?.type === 'object' ? node.entries.get(key) : undefined;
  return node;
};
