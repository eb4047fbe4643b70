import { basename, dirname, resolve } from 'node:path';
import type { Connection } from '#config/connection/connection.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { loadConnectionFile } from '#config/loading.ts';
import type { Secrets } from '#config/secrets/secrets.ts';
import { Fault } from '#protocol/errors.ts';
import { MEND } from './settings.ts';

/**
 * The connection of a file that a command was given; what is odd about the file goes to standard error.
 *
 * @throws Fault for a file that is not there or cannot be used
 */
export const connectionOfFile = async (file: string, secrets: Secrets): Promise<Connection> => {
  const parsed = await loadConnectionFile(basename(file), { folder: dirname(resolve(file)), secrets });
  if (parsed === undefined)
    throw new Fault('config.unreadable', `There is no file ${file}`, { advice: 'Name one connection file.' });
  for (const problem of parsed.problems)
    process.stderr.write(`${formatProblem(problem, process.stderr.columns ?? 80)}\n`);
  if (parsed.connection === undefined) throw new Fault('config.invalid', `${file} cannot be used`, { advice: MEND });
  return parsed.connection;
};
