import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const errnoOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** What Windows answers while a virus scanner or an indexer holds the file: it passes. */
const PASSING = new Set(['EPERM', 'EBUSY', 'EACCES']);
const RETRIES_MS = [5, 10, 20, 40, 80, 160, 320, 640] as const;

/** Whether the disk refused only because somebody else looks at the file, as far as one can tell. */
export const isHeld = (error: unknown): boolean => PASSING.has(errnoOf(error));

/** Tries again for about a second what failed only because somebody else looks at the file. */
export const patiently = async <T>(
  act: () => Promise<T>,
  wait: (ms: number) => Promise<unknown> = delay,
): Promise<T> => {
  for (const waitMs of RETRIES_MS) {
    try {
      return await act();
    } catch (error) {
      if (!isHeld(error)) throw error;
      await wait(waitMs);
    }
  }
  return await act();
};

/** A name is durable when its folder is; Windows has no such call and needs none. */
export const syncFolder = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

export const writeAll = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
};

/**
 * Writes a file for this user only: when this resolves the whole of it is on the disk under its name, and until then the
 * old one is. What is written meanwhile has a name of its own, begins with the file's and is nobody else's: a link that
 * somebody laid is not followed. Nothing of it stays when the disk refuses.
 */
export const replaceFile = (path: string, bytes: Uint8Array): Promise<void> =>
  replaceFileBy(path, (file) => writeAll(file, bytes, 0));

/** The same for what is written piece by piece. */
export const replaceFileBy = async (path: string, write: (file: FileHandle) => Promise<void>): Promise<void> => {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = await patiently(() => open(temporary, 'wx', 0o600));
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await patiently(() => rename(temporary, path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
};
