import { hash as digest } from 'node:crypto';
import { searchText, sortName } from '#catalog/store/assets.ts';
import { canonicalJson } from '#catalog/store/canonical.ts';
import { isStorableValue } from '#catalog/store/storable.ts';
import { Fault } from '#protocol/errors.ts';
import { isConnectionCode } from '#protocol/keys.ts';
import { shortened } from '#protocol/printable.ts';
import {
  type AssetRecord,
  type EdgeRecord,
  type GoneRecord,
  type ListedRecord,
  NAME_CHARS,
  type PictureRecord,
  StreamRecord,
} from '#protocol/records.ts';
import { hasTooManyValues } from '#protocol/value-count.ts';

/** Keys are indexed; an index entry of PostgreSQL holds two of this length. */
const KEY_BYTES = 1024;
const HASH_BYTES = 16;

/** A row of `staged_record`, as JSON gives it to PostgreSQL. */
export interface StagedRow {
  readonly scope: string;
  readonly line: number;
  readonly t: 'asset' | 'edge' | 'listed' | 'picture' | 'gone';
  readonly key: string;
  readonly kind?: string;
  readonly name?: string;
  readonly sort_name?: string;
  readonly search_text?: string;
  readonly parent?: string;
  /** JSON as text. */
  readonly attributes?: string;
  readonly hash?: string;
  /** Of a picture, base64. */
  readonly content?: string;
}

/** A line that is no good record: `scope` tells whose it is, when that much can be read. */
export class BadRecord extends Error {
  readonly scope: string | undefined;

  constructor(scope: string | undefined, message: string) {
    super(message);
    this.scope = scope;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Escapes that PostgreSQL cannot hold are rare: only lines that have some are searched for them. */
const SUSPICIOUS = /\\u(0000|d[89a-f])/i;

/** Whose a line is that is not parsed, if it begins as agents write it. */
const scopeAtHead = (line: Uint8Array): string | undefined => {
  const head = Buffer.from(line.subarray(0, 4 * KEY_BYTES)).toString('utf8');
  const [, name] = /^\{"t":"\w{1,20}","scope":("(?:[^"\\]|\\.)*")/.exec(head) ?? [];
  try {
    return name === undefined ? undefined : String(JSON.parse(name));
  } catch {
    return undefined;
  }
};

/**
 * One line as a record.
 *
 * @throws BadRecord
 */
export const readRecord = (line: Uint8Array): StreamRecord => {
  if (hasTooManyValues(line)) throw new BadRecord(scopeAtHead(line), 'it holds too many values');
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(line);
    value = JSON.parse(text);
  } catch {
    throw new BadRecord(undefined, 'a line is not JSON in UTF-8');
  }
  const result = StreamRecord.safeParse(value);
  if (result.success && !(SUSPICIOUS.test(text) && !isStorableValue(value))) return result.data;
  const scope = (value as { scope?: unknown } | null)?.scope;
  const issue = result.error?.issues[0];
  throw new BadRecord(
    typeof scope === 'string' ? scope : undefined,
    issue ? `${issue.path.join('.') || 'record'}: ${issue.message}` : 'holds U+0000 or half a surrogate pair',
  );
};

const within = (key: string, root: string): boolean => key === root || key.startsWith(`${root}/`);

const checkKeys = (scope: string, ...keys: readonly (string | undefined)[]): void => {
  for (const key of keys)
    if (key !== undefined && Buffer.byteLength(key) > KEY_BYTES)
      throw new BadRecord(scope, `a key has more than ${KEY_BYTES} bytes: ${key.slice(0, 200)}…`);
};

/**
 * May an agent publish this scope for this connection? Only the site itself and what lies below it.
 *
 * @throws Fault `bridge.protocol`
 */
export const checkScope = (connection: string, scope: string, kind: 'site' | 'app'): void => {
  checkKeys(scope, scope);
  // A code with a `/` in it would be the root of another connection's app.
  const fits =
    isConnectionCode(connection) && (kind === 'site' ? scope === connection : scope.startsWith(`${connection}/`));
  if (!fits) throw new Fault('bridge.protocol', `The scope ${scope} does not belong to the connection ${connection}.`);
};

/** Lies a key below no connection? Names of datasets begin with a namespace, such as `postgres:`, which no code can be. */
const isFree = (key: string): boolean => !isConnectionCode(key.split('/', 1)[0] ?? '') || BIGQUERY.test(key);

/** The one namespace without a `:`, `bigquery/project.dataset.table`: no key of a connection of that code looks like it. */
const BIGQUERY = /^bigquery\/[^./]+\.[^/]+$/;

/** Nothing of another connection may be named: an agent that was taken over must not draw lines into its neighbours. */
const checkNeighbours = (scope: string, connection: string, ...keys: readonly (string | undefined)[]): void => {
  for (const key of keys)
    if (key !== undefined && !within(key, connection) && !isFree(key))
      throw new BadRecord(scope, `${key.slice(0, 200)} belongs to another connection`);
};

/** Datasets and columns are named by where they are; everything else lies below its scope. */
const FREE_KINDS: ReadonlySet<string> = new Set(['dataset', 'column']);

/**
 * What the hash of a sparse asset ends in, in hex: longer than all others, it is never that of a whole one, so that the
 * next whole one is written in any case.
 */
const SPARSE = '00';
/** Bytes of the hash of a sparse asset. */
export const SPARSE_HASH_BYTES = HASH_BYTES + 1;

/** Of canonical JSON. */
const contentHash = (content: string): string => digest('sha256', content).slice(0, HASH_BYTES * 2);

/**
 * A picture as it is staged: of an asset of its own scope alone.
 *
 * @throws BadRecord
 */
export const pictureRow = (record: PictureRecord, connection: string, line: number): StagedRow => {
  const { t, scope, key, source, mediaType, content } = record;
  checkKeys(scope, key);
  checkNeighbours(scope, connection, key);
  if (!within(key, scope)) throw new BadRecord(scope, `the key ${key} does not lie in its scope`);
  return { scope, line, t, key, kind: source, name: mediaType, content, hash: contentHash(`${mediaType} ${content}`) };
};

/**
 * A record as it is staged.
 *
 * @throws BadRecord when the key lies outside the scope or is too long, or something of another connection is named.
 */
export const asRow = (
  record: AssetRecord | EdgeRecord | ListedRecord | PictureRecord | GoneRecord,
  connection: string,
  line: number,
): StagedRow => {
  const { t, scope } = record;
  if (t === 'listed') {
    checkKeys(scope, record.key);
    checkNeighbours(scope, connection, record.key);
    return { scope, line, t, key: record.key, name: shortened(record.name, NAME_CHARS) };
  }
  if (t === 'gone') {
    checkKeys(scope, record.key);
    if (!within(record.key, scope)) throw new BadRecord(scope, `the key ${record.key} does not lie in its scope`);
    return { scope, line, t, key: record.key };
  }
  if (t === 'picture') return pictureRow(record, connection, line);
  if (t === 'edge') {
    const { kind, from, to, attributes = {} } = record;
    checkKeys(scope, from, to);
    checkNeighbours(scope, connection, from, to);
    const text = canonicalJson(attributes);
    return { scope, line, t, key: from, kind, parent: to, attributes: text, hash: contentHash(text) };
  }
  const { key, kind, parent } = record;
  // Lists of them are read and written in one go.
  const name = shortened(record.name, NAME_CHARS);
  checkKeys(scope, key, parent);
  if (FREE_KINDS.has(kind) ? !within(key, scope) && !isFree(key) : !within(key, scope))
    throw new BadRecord(scope, `the key ${key} does not lie in its scope`);
  checkNeighbours(scope, connection, parent);
  const attributes: Record<string, unknown> = { ...record.attributes, ...(record.sanitized && { sanitized: true }) };
  const text = canonicalJson(attributes);
  return {
    scope,
    line,
    t,
    key,
    kind,
    name,
    sort_name: sortName(name),
    search_text: searchText(name, attributes['description']),
    ...(parent === undefined ? {} : { parent }),
    attributes: text,
    hash:
      contentHash(`[${JSON.stringify(kind)},${JSON.stringify(name)},${JSON.stringify(parent ?? null)},${text}]`) +
      (record.sparse === true ? SPARSE : ''),
  };
};
