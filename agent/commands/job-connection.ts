import type { Connection } from '#config/connection/connection.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { Fault } from '#protocol/errors.ts';

/**
 * The connection that a job names, in the version that is in force now: a job keeps it until its end.
 *
 * @throws Fault `job.unknown_connection`, `job.connection_invalid`
 */
export const connectionOfJob = (folder: Pick<ConnectionFolder, 'get' | 'states'>, code: string): Connection => {
  const connection = folder.get(code);
  if (connection === undefined) {
    const broken = folder.states().find((state) => state.code === code && state.state === 'error');
    throw broken === undefined
      ? new Fault('job.unknown_connection', `This agent has no connection ${code}`)
      : new Fault('job.connection_invalid', `${broken.file} cannot be used: ${broken.problems[0]?.message ?? ''}`);
  }
  if (!connection.enabled)
    throw new Fault('job.connection_invalid', `The connection ${code} is disabled`, {
      advice: `Set enabled = true in ${connection.file}.`,
    });
  return connection;
};
