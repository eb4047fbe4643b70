import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#protocol/errors.ts';

const ATTEMPTS = 3;

/** When a process began, so that a number which the system gave out again is not taken for the old process. */
const startOf = (pid: number): string => {
  try {
    // The 22nd field; the second is the program's name in parentheses and may hold anything.
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    );
  } catch {
    return '';
  }
};

const isAlive = (pid: number, start: string): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return start === '' || startOf(pid) === '' || startOf(pid) === start;
};

/**
 * Locks a data folder for this process; a lock whose process has ended is taken over.
 *
 * @returns the function that unlocks it.
 * @throws Fault `catalog.unavailable` when another catalog works in the folder, or it cannot be written.
 */
export const lockFolder = (folder: string): (() => void) => {
  const file = join(folder, 'lock');
  for (let attempt = 1; ; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o600);
      writeSync(handle, `${process.pid} ${startOf(process.pid)}\n`);
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST')
        throw new Fault('catalog.unavailable', `The data folder ${folder} cannot be written (${code})`, {
          cause: error,
          advice: 'Run as the user who made the folder, free disk space, or name another folder with --data.',
          retryable: false,
        });
    }
    let holder = '';
    try {
      holder = readFileSync(file, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const [pid = '', start = ''] = holder.split(' ');
    if (attempt >= ATTEMPTS || isAlive(Number(pid), start))
      throw new Fault('catalog.unavailable', `Another catalog (process ${pid || 'unknown'}) works in ${folder}`, {
        advice: 'Stop that catalog first, or name another folder with --data.',
        retryable: false,
      });
    rmSync(file, { force: true });
  }
};
