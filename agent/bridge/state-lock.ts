import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';

const LOCK_FILE = 'lock';
const ATTEMPTS = 3;
/** The holder touches its lock this often… */
const TOUCH_MS = 5_000;
/** …and where the system does not say when a process began, a lock that is older than this has no holder. */
const FRESH_MS = 60_000;

/**
 * When a process began, so that a number which the system gave out again is not taken for the old process; empty where
 * the system does not say it.
 */
const startOf = (pid: number): string => {
  try {
    // The third field and the 22nd; the second is the program's name in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // A process that was killed and that nobody asked after is still listed, as a zombie.
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
};

const runs = (pid: number): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
};

/** The process that holds the lock; undefined when it has ended. */
const holderOf = (file: string): number | undefined => {
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ');
    const number = Number(pid);
    if (!runs(number)) return undefined;
    const now = startOf(number);
    const same = start !== '' && now !== '' ? start === now : Date.now() - statSync(file).mtimeMs < FRESH_MS;
    return same ? number : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** The process that works in the state folder now; undefined when there is none, or the lock cannot be read. */
export const lockHolder = (folder: string): number | undefined => {
  try {
    return holderOf(join(folder, LOCK_FILE));
  } catch {
    return undefined;
  }
};

/** Whether an agent works in the state folder now. */
export const agentRunsIn = (folder: string): boolean => {
  try {
    return holderOf(join(folder, LOCK_FILE)) !== undefined;
  } catch {
    // A folder that others may not look into is somebody's.
    return true;
  }
};

/**
 * Locks the state folder for this process: two agents in one would delete each other's spool and take each other's
 * session. The lock of a process that has ended, however it ended, is taken over.
 *
 * @throws Fault `bridge.already_running` when another agent works in the folder, `spool.failed` when it cannot be written
 */
export const lockStateFolder = async (folder: string): Promise<Disposable> => {
  const file = join(folder, LOCK_FILE);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let attempt = 1; ; attempt++) {
      try {
        writeFileSync(file, `${process.pid} ${startOf(process.pid)}\n`, { flag: 'wx', mode: 0o600 });
        break;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      const holder = holderOf(file);
      if (holder !== undefined || attempt >= ATTEMPTS)
        throw new Fault(
          'bridge.already_running',
          `Another agent${holder === undefined ? '' : ` (process ${holder})`} works in ${folder}`,
        );
      rmSync(file, { force: true });
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('spool.failed', `The state folder ${folder} cannot be written (${errnoOf(error)})`, {
      cause: error,
    });
  }
  const timer = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // Somebody emptied the folder; the spool will say what that means for it.
    }
  }, TOUCH_MS).unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      rmSync(file, { force: true });
    },
  };
};
