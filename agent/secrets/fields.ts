import { Secret } from '#config/secret.ts';

export type Fields = ReadonlyMap<string, Secret>;

/** The field of a secret that is no JSON object. */
export const PLAIN_FIELD = 'value';

const MAX_DEPTH = 8;
/** More than any secret for a connection has; keeps a wrong name (a data set, say) from filling the memory. */
const MAX_FIELDS = 1000;

/** JSON whose numbers stay as they are written: a password of twenty digits would lose its last ones. */
export const parseJson = (text: string): unknown => {
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  try {
    return JSON.parse(text, keep);
  } catch {
    return undefined;
  }
};

export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object, not for a list. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text at a path of keys in a JSON value, when there is one. */
export const textAt = (value: unknown, ...path: readonly string[]): string | undefined => {
  let found = value;
  for (const key of path) found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return typeof found === 'string' ? found : undefined;
};

/**
 * The fields of a JSON object from {@link parseJson}: texts, numbers and booleans as they are written; objects in objects
 * by dotted names; lists as JSON; `null` is none. At most 1000.
 */
export const fieldsOf = (json: JsonObject): Fields => {
  const fields = new Map<string, Secret>();
  const add = (name: string, value: unknown, depth: number): void => {
    if (fields.size >= MAX_FIELDS || value === null || value === undefined) return;
    if (isObject(value) && depth < MAX_DEPTH)
      for (const [key, inner] of Object.entries(value)) add(`${name}.${key}`, inner, depth + 1);
    else fields.set(name, new Secret(typeof value === 'object' ? JSON.stringify(value) : String(value)));
  };
  for (const [key, value] of Object.entries(json)) add(key, value, 1);
  return fields;
};

/** The fields of a secret that is kept as text: those of its JSON object, else one field `value` with all of it. */
export const fieldsOfText = (text: string): Fields => {
  const json = parseJson(text);
  return isObject(json) ? fieldsOf(json) : new Map([[PLAIN_FIELD, new Secret(text)]]);
};
