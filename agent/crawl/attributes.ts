export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Attributes of a sparse asset: undefined was not read, and what is empty is null, so that it is removed. */
export const told = (attributes: Readonly<Record<string, JsonValue | undefined>>): JsonObject => {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    kept[name] = value === '' || (Array.isArray(value) && value.length === 0) ? null : value;
  }
  return kept;
};

/** Attributes without what says nothing: undefined, null, empty texts and empty lists. */
export const present = (attributes: Readonly<Record<string, JsonValue | undefined>>): JsonObject => {
  const kept: JsonObject = {};
  // No entries: they would be two objects for each attribute of each record.
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
};
