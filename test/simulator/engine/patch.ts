/**
 * The delta protocol: a client that sends `delta: true` gets JSON patches against what it last got from the same method
 * of the same handle. The first answer is one `add` at `/`; an unchanged one is an empty list.
 */
export interface Patch {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that need no escaping and cannot be taken for an index; everything else is replaced as a whole. */
const plain = (key: string): boolean => /^[A-Za-z_$][\w$-]*$/.test(key);

const same = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
};

const compare = (before: Json, after: Json, path: string, patches: Patch[]): void => {
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) patches.push({ op: 'remove', path: `${path}/${key}` });
  }
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    const at = `${path}/${key}`;
    if (!Object.hasOwn(before, key)) patches.push({ op: 'add', path: at, value });
    else if (isObject(old) && isObject(value) && [...Object.keys(old), ...Object.keys(value)].every(plain))
      compare(old, value, at, patches);
    else if (!same(old, value)) patches.push({ op: 'replace', path: at, value });
  }
};

/** What turns `before` into `after`; `before` is undefined when the client has nothing yet. */
export function patchesOf(before: unknown, after: unknown): readonly Patch[] {
  if (before === undefined) return [{ op: 'add', path: '/', value: after }];
  if (same(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ op: 'replace', path: '/', value: after }];
  if (![...Object.keys(before), ...Object.keys(after)].every(plain))
    return [{ op: 'replace', path: '/', value: after }];
  const patches: Patch[] = [];
  compare(before, after, '', patches);
  return patches;
}
