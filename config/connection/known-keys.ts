import type { Place, Tree } from '../tree.ts';
import { foreignName } from './foreign-names.ts';
import type { KeySpec } from './key-spec.ts';
import { distance, mostEdits } from './nearest.ts';
import type { Problems } from './problem.ts';

/** Only the shape of a name may be shown: what looks like anything else could be a secret in the wrong place. */
const showable = (path: string): boolean => path.length <= 80 && /^[A-Za-z][A-Za-z0-9_.-]*$/.test(path);

const nearest = (path: string, keys: readonly KeySpec[]): string | undefined => {
  if (path.length > 80) return undefined;
  const wanted = path.toLowerCase();
  let best: { readonly path: string; readonly cost: number } | undefined;
  for (const key of keys) {
    if (key.status === 'tolerated' && key.remark === undefined) continue;
    const cost = Math.min(
      distance(wanted, key.path),
      // The same last part below another parent: `auth.key` for `connection.auth.key`.
      key.path.endsWith(`.${wanted}`) || wanted.endsWith(`.${key.path}`) ? 1 : Number.POSITIVE_INFINITY,
    );
    if (best === undefined || cost < best.cost) best = { path: key.path, cost };
  }
  return best !== undefined && best.cost <= mostEdits(path) ? best.path : undefined;
};

interface Leaf {
  readonly path: string;
  readonly at: Place;
  readonly empty: boolean;
  /** Of a scalar: its text, in lower case. */
  readonly text: string | undefined;
}

function* leaves(tree: Tree, path: string, open: (path: string) => boolean): Generator<Leaf> {
  if (tree.type === 'object' && open(path)) {
    for (const [key, value] of tree.entries) yield* leaves(value, path === '' ? key : `${path}.${key}`, open);
    return;
  }
  const empty = tree.type === 'scalar' && (tree.value === null || tree.text.trim() === '');
  yield { path, at: tree.at, empty, text: tree.type === 'scalar' ? tree.text.trim().toLowerCase() : undefined };
}

/**
 * Reports every key that has no effect, because it belongs to other connectors or is unknown: with a warning, unless it
 * would have narrowed what is crawled; then the file is refused.
 */
export const checkKeys = (
  tree: Tree,
  keys: readonly KeySpec[],
  problems: Problems,
  placeOf: (path: string) => Place | undefined,
): void => {
  const subtrees = keys.filter((key) => key.type === 'any').map((key) => key.path);
  const below = (path: string): string | undefined =>
    subtrees.find((root) => path === root || path.startsWith(`${root}.`));
  const exact = new Map(keys.map((key) => [key.path, key]));
  for (const { path, at, empty, text } of leaves(tree, '', (p) => below(p) === undefined)) {
    // What editors check the file with.
    if (path === '$schema') continue;
    const root = below(path);
    const spec = exact.get(root ?? path);
    // Of a value that came from elsewhere (a substitution, an include) the place of the key is what helps.
    const place = placeOf(path) ?? at;
    if (spec === undefined) {
      const inside = keys.find((key) => key.path.startsWith(`${path}.`) && key.status === 'used');
      if (inside === undefined) unknown(path, place, keys, problems);
      else if (!empty)
        problems.error(
          'config.invalid',
          place,
          `${path} must be an object, not a single value.`,
          `Write ${inside.path} = "…", for instance.`,
        );
      continue;
    }
    if (spec.remark !== undefined) {
      const { message, advice, same } = spec.remark;
      if (!empty && !same.includes(text ?? '')) problems.warn('config.unknown_key', place, message, advice);
    } else if (spec.status === 'tolerated' && !empty)
      problems.warn(
        'config.unknown_key',
        place,
        `${path} belongs to other connectors and has no effect on Qlik Sense.`,
        'Nothing needs to be done; the line may be deleted.',
      );
  }
};

/** What would narrow the crawl if it were known: without it more would be crawled than its writer meant. */
const NARROWING = /^crawl\.(?:include|exclude|apps|sheets)\b/;

const unknown = (path: string, at: Place, keys: readonly KeySpec[], problems: Problems): void => {
  if (NARROWING.test(path)) {
    problems.error(
      'config.invalid',
      at,
      'A key that is not known stands here, so that nobody can say what it was to keep.',
      'Write one of crawl.include.streams, crawl.include.apps, crawl.include.sheets, or the same with exclude.',
    );
    return;
  }
  const own = keys.some((key) => key.path === 'connection.url');
  const foreign = own && /^(?:connection\.)?(?:auth\.)?[^.]+$/.test(path) ? foreignName(path) : undefined;
  if (foreign !== undefined) {
    problems.warn('config.unknown_key', at, foreign.message, foreign.advice);
    return;
  }
  if (!showable(path)) {
    problems.warn('config.unknown_key', at, 'A key that is not known stands here; it has no effect.');
    return;
  }
  const guess = nearest(path, keys);
  problems.warn(
    'config.unknown_key',
    at,
    `${path} is not a known key; it has no effect.${guess === undefined ? '' : ` Did you mean ${guess}?`}`,
    guess === undefined ? undefined : `Write ${guess} instead of ${path}, or delete the line.`,
  );
};
