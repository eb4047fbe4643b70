import { diagnose } from '#agent/doctor/diagnose.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import type { Diagnose } from './test-job.ts';

/** The doctor of a running agent: it looks at what is in force, over the sessions that the agent has. */
export const folderDoctor =
  (folder: Pick<ConnectionFolder, 'get'>, dialer: Dialer): Diagnose =>
  async ({ state, signal, onStart, onCheck }) => {
    const connection = state.code === null || state.inForce === null ? undefined : folder.get(state.code);
    await diagnose({ file: state.file, connection, problems: state.problems }, { dialer, signal, onStart, onCheck });
  };
