import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, patiently } from '#config/durable-file.ts';

export const AUDIT_FOLDER = 'audit';
/** Where processes other than the agent leave what they did, until the agent takes it into the chain. */
export const NOTES_FOLDER = 'notes';
/** How far the chain was written: not durable, so it may lag behind, and never runs ahead. */
export const HEAD_FILE = 'head';
/** Room that is given up when the disk is full, so that what left can still be told. */
export const RESERVE_FILE = 'reserve';

const FILE = /^audit-(\d{6,})\.ndjson$/;

export const auditFile = (number: number): string => `audit-${String(number).padStart(6, '0')}.ndjson`;

/** The numbers of the log's files, the oldest first. */
export const auditFiles = async (folder: string): Promise<readonly number[]> =>
  (await names(folder))
    .flatMap((name) => {
      const number = FILE.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    })
    .sort((a, b) => a - b);

/** The names in a folder; none when it is not there. */
export const names = async (folder: string): Promise<readonly string[]> => {
  try {
    return await patiently(() => readdir(folder));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
};

/** The lines of one file without their `\n`; `torn` is what follows the last whole one. */
export const readLines = async (
  folder: string,
  number: number,
): Promise<{ readonly lines: readonly string[]; readonly torn: string; readonly bytes: number }> => {
  const content = await patiently(() => readFile(join(folder, auditFile(number))));
  const lines = content.toString('utf8').split('\n');
  const torn = lines.pop() ?? '';
  return { lines, torn, bytes: content.length };
};

/** What {@link HEAD_FILE} says; undefined when it is missing or makes no sense. */
export const readHead = async (folder: string): Promise<{ readonly n: number; readonly hash: string } | undefined> => {
  try {
    const [, n = '', hash = ''] =
      /^(\d{15}) ([0-9a-f]{64})\n$/.exec(await readFile(join(folder, HEAD_FILE), 'utf8')) ?? [];
    return n === '' ? undefined : { n: Number(n), hash };
  } catch {
    return undefined;
  }
};

export const headText = (n: number, hash: string): string => `${String(n).padStart(15, '0')} ${hash}\n`;
