import { redactText } from './redaction.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Deeper than any definition that people make; what lies below is cut off, so that no input exhausts the stack. */
const MAX_DEPTH = 40;

export interface Cleansed<T> {
  readonly value: T;
  /** U+0000 or lone surrogates were replaced by U+FFFD. */
  readonly sanitized: boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what no PostgreSQL text can hold.
const NUL = /\u0000/g;

/** Texts that a database can hold: U+0000 and lone surrogates become U+FFFD. */
export const wellFormed = (text: string): string => {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replace(NUL, '\uFFFD') : whole;
};

/** A copy with all texts redacted and well formed, in keys and values, at any depth. */
export const cleanse = (attributes: JsonObject): Cleansed<JsonObject> => {
  let sanitized = false;
  const text = (raw: string): string => {
    const sound = wellFormed(raw);
    if (sound !== raw) sanitized = true;
    return redactText(sound);
  };
  const name = (raw: string): string => {
    const sound = wellFormed(raw);
    if (sound !== raw) sanitized = true;
    return sound;
  };
  const walk = (value: JsonValue, depth: number): JsonValue => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= MAX_DEPTH) return null;
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1));
    return object(value, depth);
  };
  const object = (value: JsonObject, depth: number): JsonObject =>
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [name(key), walk(inner, depth + 1)]));
  const value = object(attributes, 0);
  return { value, sanitized };
};

/** Attributes without what says nothing: undefined, null, empty texts and empty lists. */
export const present = (attributes: Readonly<Record<string, JsonValue | undefined>>): JsonObject => {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
};
