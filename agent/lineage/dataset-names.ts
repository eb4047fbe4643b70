import { createHash } from 'node:crypto';
import type { ServerPath } from '#config/connection/server-path.ts';
import { redactText } from '#config/redaction/rules.ts';
import { assetKey, keyPart } from '#protocol/keys.ts';

/** Leaves room for the name of a column in what the catalog indexes. */
const MOST_KEY_BYTES = 720;

/**
 * The key of a file as a dataset, by the names of OpenLineage (`file://host/path`): the same for every app and every
 * connection that reads or writes it, since it says where the file is and not how somebody calls it. `host`: of the Qlik
 * server, for a path of one of its own drives. Undefined for `lib://…`, which says nothing without its data connection.
 */
export const fileDataset = ({ root, names, ignoresCase }: ServerPath, host: string): string | undefined => {
  if (root.startsWith('lib://')) return undefined;
  const place = root === '/' ? [host] : root.startsWith('//') ? root.slice(2).split('/') : [host, root];
  const parts = [...place, ...names].map((part) => redactText(ignoresCase ? part.toLowerCase() : part));
  return boundedKey(`file://${assetKey(...parts)}`);
};

/** The key of a column of a dataset, without what looks like a secret: a column may be named by its expression. */
export const columnOf = (dataset: string, name: string): string => `${dataset}#${keyPart(redactText(name))}`;

/** A key that fits into an index; a longer one is cut, and its end told apart by a digest. */
export const boundedKey = (key: string): string => {
  if (Buffer.byteLength(key) <= MOST_KEY_BYTES) return key;
  const kept = Buffer.from(key)
    .subarray(0, MOST_KEY_BYTES - 40)
    .toString('utf8')
    .replace(/(?:\ufffd|%[\dA-F]?)$/, '');
  return `${kept}~${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
};
