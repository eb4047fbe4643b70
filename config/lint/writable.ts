import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Problem } from '#protocol/status.ts';

/** Rights of the group and of others to write; Windows keeps rights elsewhere and reports none of these truly. */
const GROUP = 0o020;
const OTHERS = 0o002;

/** A volume that nobody can write, such as those of Kubernetes, whatever the bits of its folders say. */
const isReadOnly = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS';
  }
};

/**
 * Warns of a file or folder that users other than its owner may write; nothing is said of what is not there. `file` is
 * what the problem is told of.
 */
export const lintWritable = async (path: string, file = basename(path)): Promise<readonly Problem[]> => {
  const found = process.platform === 'win32' ? undefined : await stat(path).catch(() => undefined);
  if (found === undefined || (found.mode & (GROUP | OTHERS)) === 0 || (await isReadOnly(path))) return [];
  const who = (found.mode & OTHERS) === 0 ? `The group with the id ${found.gid}` : 'Every user of this machine';
  const what = found.isDirectory() ? 'the folder ' : '';
  return [
    {
      severity: 'warning',
      code: 'config.exposed',
      message: `${who} may write ${what}${basename(path)} (mode ${(found.mode & 0o777).toString(8)}), and with it decide where the agent sends its secrets.`,
      advice: `Let only its owner write it: chmod go-w ${basename(path)}`,
      file,
    },
  ];
};
