import { lstatSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';

const statsOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Fault('spool.failed', `${path} cannot be written (${errnoOf(error)})`, {
      cause: error,
      advice: 'Choose a file that this user may write.',
    });
  }
};

/**
 * How to open a file that a person named, to write into it. In a folder where others may write, too, one of them may have
 * laid a file there that stays his, or a link to a file of this user: both are refused, and where nothing is, nothing that
 * comes meanwhile is followed.
 *
 * @throws Fault `spool.failed`
 */
export const flagsToWrite = (path: string): 'w' | 'wx' => {
  const stats = statsOf(path);
  if (stats === undefined) return 'wx';
  const own = process.getuid?.();
  // Links of the system's own, such as /dev/stdout, are root's; pipes and devices are somebody's on purpose.
  const isForeign = own !== undefined && stats.uid !== own && stats.uid !== 0;
  if (isForeign && (stats.isFile() || stats.isSymbolicLink()))
    throw new Fault('spool.failed', `${path} is of another user: what is written there would be his`, {
      retryable: false,
      advice: 'Choose a folder where no other user may write.',
    });
  return 'w';
};

/** Writes a file for this user alone, in place of one of that name. @throws Fault `spool.failed` */
export const writeOwnFile = (path: string, text: string): void => {
  const flag = flagsToWrite(path);
  if (flag === 'w' && statsOf(path)?.isFile() === true) rmSync(path);
  writeFileSync(path, text, { mode: 0o600, flag: statsOf(path) === undefined ? 'wx' : flag });
};
