import { asFault, type ErrorInfo, Fault } from '#protocol/errors.ts';
import { shortened } from '#protocol/printable.ts';
import { NAME_CHARS } from '#protocol/records.ts';
import { knownSecrets } from './known-secrets.ts';
import { redactText } from './rules.ts';
import { wellFormed } from './well-formed.ts';

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
type JsonObject = { [key: string]: JsonValue };

/** Deeper than any definition that people make; what lies below is cut off, so that no input exhausts the stack. */
const MAX_DEPTH = 40;
/** A text as it may leave: without what looks like a secret or is one, and such that a database can hold it. */
export const leavingText = (text: string): string => knownSecrets.redact(redactText(wellFormed(text)));

/**
 * A name or a message as it may leave: {@link leavingText}, and not long. A longer name is an expression or worse; it may not
 * make a record larger than any batch, which ends the crawl.
 */
export const leavingName = (text: string): string => shortened(leavingText(text), NAME_CHARS);

/**
 * A key as it may leave: without secret values of ours, but as it is otherwise. Its first part is the connection's code, which
 * the catalog gave us and which has to agree.
 */
export const leavingKey = (key: string): string => {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.slice(0, slash) + knownSecrets.redactOurs(key.slice(slash));
};

interface Cleansed {
  readonly value: JsonObject;
  /** U+0000 or lone surrogates were replaced by U+FFFD. */
  readonly sanitized: boolean;
}

/**
 * Attributes with all texts as they may leave, in keys and values, at any depth. What needs no change is not copied: nearly
 * no record of a crawl holds a secret, and copies were a tenth of its work.
 */
export const leavingAttributes = (attributes: JsonObject): Cleansed => {
  let sanitized = false;
  const sound = (raw: string): string => {
    const text = wellFormed(raw);
    if (text !== raw) sanitized = true;
    return text;
  };
  const walk = (value: JsonValue, depth: number): JsonValue => {
    if (typeof value === 'string') return knownSecrets.redact(redactText(sound(value)));
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= MAX_DEPTH) return null;
    return Array.isArray(value) ? list(value, depth) : object(value, depth);
  };
  const list = (value: JsonValue[], depth: number): JsonValue[] => {
    let changed: JsonValue[] | undefined;
    for (let at = 0; at < value.length; at += 1) {
      const item = value[at] as JsonValue;
      const clean = walk(item, depth + 1);
      if (clean !== item) changed ??= value.slice();
      if (changed !== undefined) changed[at] = clean;
    }
    return changed ?? value;
  };
  const object = (value: JsonObject, depth: number): JsonObject => {
    const names = Object.keys(value);
    let changed: [string, JsonValue][] | undefined;
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      const inner = value[name] as JsonValue;
      const cleanName = knownSecrets.redact(sound(name));
      const clean = walk(inner, depth + 1);
      if (clean !== inner || cleanName !== name)
        changed ??= names.slice(0, at).map((before) => [before, value[before] as JsonValue]);
      changed?.push([cleanName, clean]);
    }
    return changed === undefined ? value : Object.fromEntries(changed);
  };
  const value = object(attributes, 0);
  return { value, sanitized };
};

/** An error as it may leave: servers write what they like into their messages. */
export const leavingError = <T extends Pick<ErrorInfo, 'message' | 'advice'>>(error: T): T => ({
  ...error,
  message: leavingName(error.message),
  advice: knownSecrets.redact(error.advice),
});

/** The same for a Fault that is still to be told; a plain error becomes one. */
export const leavingFault = (error: unknown): Fault => {
  const fault = asFault(error);
  const { message, advice } = leavingError(fault.toJSON());
  return message === fault.message && advice === fault.advice
    ? fault
    : new Fault(fault.code, message, { advice, retryable: fault.retryable, cause: fault.cause });
};
