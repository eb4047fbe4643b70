export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Attributes without what says nothing: undefined, null, empty texts and empty lists. */
export const present = (attributes: Readonly<Record<string, JsonValue | undefined>>): JsonObject => {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
};
