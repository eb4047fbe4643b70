/** JSON pointers into properties: what `qData` of a list definition asks for. */
const part = (text: string): string => text.replaceAll('~1', '/').replaceAll('~0', '~');

/** The value at the pointer; undefined when there is nothing. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at = value;
  for (const name of pointer.split('/').slice(1)) {
    if (typeof at !== 'object' || at === null) return undefined;
    const key = part(name);
    at = Object.hasOwn(at, key) ? (at as Readonly<Record<string, unknown>>)[key] : undefined;
  }
  return at;
}

/**
 * `qData` of a list item: every name with the value that its pointer finds; names without one are left out. A list of
 * plain texts comes out as an empty text, as a real engine answers `/qDim/qFieldDefs`, when `textListsEmpty`.
 */
export function dataOf(
  definition: unknown,
  properties: unknown,
  textListsEmpty: boolean,
): Readonly<Record<string, unknown>> {
  const data: Record<string, unknown> = {};
  if (typeof definition !== 'object' || definition === null) return data;
  for (const [name, pointer] of Object.entries(definition)) {
    if (typeof pointer !== 'string') continue;
    const value = valueAt(properties, pointer);
    if (value === undefined) continue;
    const texts = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
    data[name] = texts && textListsEmpty ? '' : value;
  }
  return data;
}
