/** Can PostgreSQL hold this text? It has no U+0000, and UTF-8 has no lone surrogates. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const clean = (text: string): string => (isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\uFFFD'));

/** The same JSON value with U+FFFD for what PostgreSQL cannot hold. */
export const storable = <T>(value: T): T => {
  if (typeof value === 'string') return clean(value) as T;
  if (Array.isArray(value)) return value.map(storable) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [clean(name), storable(member)])) as T;
};

/** Is every string in this JSON value, names of members included, one that PostgreSQL can hold? */
export const isStorableValue = (value: unknown): boolean => {
  if (typeof value === 'string') return isStorable(value);
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isStorableValue);
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorableValue(member));
};
