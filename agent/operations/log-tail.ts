import { open } from 'node:fs/promises';
import { RecentEntries, type RecentEntry } from './recent.ts';

/** Whole lines from the end of a file, the oldest first; at most `mostBytes` of them. Empty when there is no such file. */
export const lastLines = async (path: string, mostBytes: number): Promise<readonly string[]> => {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const length = Math.min(size, mostBytes);
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, size - length);
    const lines = bytes.subarray(0, bytesRead).toString('utf8').split('\n');
    // The first is half a line, unless the whole file was read; the last one is empty.
    return lines.slice(length < size ? 1 : 0).filter((line) => line !== '');
  } finally {
    await file.close();
  }
};

const LOOK_BACK_BYTES = 256 * 1024;

/** The last warnings and errors that a log file tells of, the newest first. */
export const recentIn = async (path: string): Promise<readonly RecentEntry[]> => {
  const recent = new RecentEntries();
  for (const line of await lastLines(path, LOOK_BACK_BYTES)) recent.take(line);
  return recent.list;
};
