import { crc32 } from 'node:zlib';
import type { Seal } from '#protocol/agent-events.ts';

/** An attempt as it was accepted: all that a restarted agent needs to go on with it. */
export interface AttemptRecord {
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseToken: string;
  readonly stream: number;
  /** The exact text of the job and the catalog's signature over it. */
  readonly spec: string;
  readonly signature: string;
  readonly acceptedAt: string;
  /** The catalog that it was taken from takes records in parts; absent in records of earlier releases. */
  readonly parts?: boolean | undefined;
  readonly seal?: Seal | undefined;
}

const checkOf = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** The file of a record: one line of JSON, and its CRC-32. */
export const encodeRecord = (record: AttemptRecord): Uint8Array => {
  const text = JSON.stringify(record);
  return Buffer.from(`${text}\n${checkOf(text)}\n`);
};

/**
 * Reads the file of a record; undefined when it is damaged. A flipped bit leaves good JSON as often as not: with another
 * token the attempt would be lost, with another seal the gateway would refuse every session. Earlier releases wrote no
 * CRC.
 */
export const decodeRecord = (bytes: Uint8Array): AttemptRecord | undefined => {
  const [text = '', check = ''] = Buffer.from(bytes).toString().split('\n');
  if (check !== '' && check !== checkOf(text)) return undefined;
  try {
    return JSON.parse(text) as AttemptRecord;
  } catch {
    return undefined;
  }
};
