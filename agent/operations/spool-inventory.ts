import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What lies in the spool of one attempt; nothing of its data. */
export interface SpooledAttempt {
  readonly folder: string;
  readonly jobId: string | null;
  readonly attempt: number | null;
  readonly connection: string | null;
  readonly kind: string | null;
  readonly acceptedAt: string | null;
  /** How it ended on this side; null while it did not. */
  readonly result: string | null;
  readonly files: number;
  readonly bytes: number;
}

const MOST_ATTEMPTS = 1_000;
const RECORD_FILE = 'attempt.json';

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
};

const look = async (spoolFolder: string, folder: string): Promise<SpooledAttempt> => {
  const path = join(spoolFolder, folder);
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(path, name)).catch(() => undefined))?.size ?? 0),
  );
  const record = parsed(await readFile(join(path, RECORD_FILE), 'utf8').catch(() => ''));
  const spec = parsed(textOf(record['spec']) ?? '');
  return {
    folder,
    jobId: textOf(record['jobId']),
    attempt: typeof record['attempt'] === 'number' ? record['attempt'] : null,
    connection: textOf(spec['connection']),
    kind: textOf(spec['kind']),
    acceptedAt: textOf(record['acceptedAt']),
    result: textOf(objectOf(record['seal'])['result']),
    files: names.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
};

/**
 * What lies in a spool, with or without an agent that works in it. Empty when there is no spool.
 * @throws Error when the folder cannot be read
 */
export const spoolInventory = async (spoolFolder: string): Promise<readonly SpooledAttempt[]> => {
  let names: readonly string[];
  try {
    names = (await readdir(spoolFolder, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  const found: SpooledAttempt[] = [];
  for (const name of [...names].sort().slice(0, MOST_ATTEMPTS)) found.push(await look(spoolFolder, name));
  return found;
};
