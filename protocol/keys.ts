import { createHash } from 'node:crypto';

/**
 * Asset keys: stable, readable, case-sensitive. Parts are joined by `/`. In a part `%`, `/` and control characters are
 * percent-encoded as UTF-8 and nothing else is. A part whose encoded form is longer than 200 bytes is cut to at most
 * 180 bytes (never inside a character or an escape) and ends in `~` and 16 hex digits of the SHA-256 of the whole
 * encoded part, so that two long names stay apart.
 */
const MAX_PART_BYTES = 200;
const CUT_PART_BYTES = 180;

const encoder = new TextEncoder();

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what a key may not hold.
const RESERVED = /[%/\u0000-\u001f\u007f-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same characters, asked for without a place to begin at.
const IS_RESERVED = /[%/\u0000-\u001f\u007f-\u009f]/;

const percent = (text: string): string =>
  Array.from(encoder.encode(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** The encoded form of one part of a key. Lone surrogates become U+FFFD, as everywhere in a record. */
export const keyPart = (part: string): string =>
  // Nearly all are ids and short names, and a crawl makes millions of keys.
  part.length * 3 <= MAX_PART_BYTES && !IS_RESERVED.test(part) && part.isWellFormed()
    ? part
    : cut(part.toWellFormed().replace(RESERVED, percent));

/** Keeps an encoded part short enough for an index, and two long ones apart. */
const cut = (encoded: string): string => {
  // A UTF-16 unit has three bytes at most: short parts, which nearly all are, need no counting.
  if (encoded.length * 3 <= MAX_PART_BYTES || encoder.encode(encoded).length <= MAX_PART_BYTES) return encoded;
  let kept = '';
  let bytes = 0;
  for (const [unit] of encoded.matchAll(/%[0-9A-F]{2}|[\s\S]/gu)) {
    bytes += encoder.encode(unit).length;
    if (bytes > CUT_PART_BYTES) break;
    kept += unit;
  }
  return `${kept}~${createHash('sha256').update(encoded).digest('hex').slice(0, 16)}`;
};

/** Joins parts to a key: `assetKey('prod', appId, 'field', 'a/b')` is `prod/<appId>/field/a%2Fb`. */
export const assetKey = (...parts: readonly string[]): string => {
  let key = keyPart(parts[0] ?? '');
  for (let at = 1; at < parts.length; at += 1) key += `/${keyPart(parts[at] as string)}`;
  return key;
};

/** What a connection's `code` may hold; other characters are percent-encoded by {@link connectionCode}. */
export const CODE_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * The first part of every key of a connection. A code outside {@link CODE_PATTERN} is encoded byte by byte, which the
 * caller reports as a warning; a code of over 64 bytes after that is cut as any part is.
 */
export const connectionCode = (code: string): string =>
  CODE_PATTERN.test(code) ? code : cut(code.toWellFormed().replace(/[^A-Za-z0-9._-]/gu, percent));

/** What {@link connectionCode} makes: what an agent reports as a code, and what can be the first part of an asset's key. */
export const isConnectionCode = (code: string): boolean => /^[A-Za-z0-9._%~-]{1,200}$/.test(code);
