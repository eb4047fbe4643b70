import { LIMITS } from '#protocol/constants.ts';
import type { StreamRecord } from '#protocol/records.ts';

/** The largest line of a record, its `\n` included, for a catalog that takes no records in parts. */
export const MAX_RECORD_BYTES = LIMITS.wholeRecordBytes;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The line of a record as it is counted, hashed and sent. */
export const recordLine = (record: StreamRecord): string => `${JSON.stringify(record)}\n`;

/** Strings shorter than this are never cut: they are names, ids and codes. */
const KEEP_CHARACTERS = 256;
const MARK = '…';

const cut = (value: Json, characters: number): Json => {
  if (typeof value === 'string')
    return value.length <= characters ? value : `${value.slice(0, characters).toWellFormed()}${MARK}`;
  if (Array.isArray(value)) return value.map((item) => cut(item, characters));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cut(item, characters)]));
  return value;
};

/**
 * A record that fits. One that is larger than {@link MAX_RECORD_BYTES} gets its long strings in `attributes` cut, the
 * longest most, and `attributes.truncated` set to true; when even that is not enough (very many values), `attributes`
 * keeps only that mark. An outcome that lists very much that is missing keeps the first of it. To be called before the
 * record is counted into the hash of its scope.
 */
export const fitRecord = (record: StreamRecord, maxBytes = MAX_RECORD_BYTES): StreamRecord => {
  const size = (candidate: StreamRecord): number => Buffer.byteLength(recordLine(candidate));
  if (size(record) <= maxBytes) return record;
  if (record.t === 'outcome') {
    let missing = record.missing ?? [];
    while (missing.length > 0 && size({ ...record, missing }) > maxBytes)
      missing = missing.slice(0, missing.length >> 1);
    return { ...record, missing };
  }
  if (record.t !== 'asset' && record.t !== 'edge') return record;
  const attributes = (record.attributes ?? {}) as { [name: string]: Json };
  for (let characters = maxBytes; characters >= KEEP_CHARACTERS; characters >>= 1) {
    const shorter = cut(attributes, characters) as { [name: string]: Json };
    const fitted = { ...record, attributes: { ...shorter, truncated: true } };
    if (size(fitted) <= maxBytes) return fitted;
  }
  return { ...record, attributes: { truncated: true } };
};
