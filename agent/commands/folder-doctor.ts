import { diagnose } from '#agent/doctor/diagnose.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import type { Settings } from '#config/settings.ts';
import type { Problem } from '#protocol/status.ts';
import { diagnoseLink } from './doctor-link.ts';
import type { Diagnose } from './test-job.ts';

/** The agent's settings as they are in force, and what is wrong in the file as it stands. */
export interface SettingsNow {
  readonly settings: Settings;
  readonly problems: readonly Problem[];
}

/** The doctor of a running agent: it looks at what is in force, over the sessions that the agent has. */
export const folderDoctor =
  (folder: Pick<ConnectionFolder, 'get'>, dialer: Dialer, settingsNow: () => SettingsNow): Diagnose =>
  async ({ state, link, signal, onStart, onCheck }) => {
    const connection = state.code === null || state.inForce === null ? undefined : folder.get(state.code);
    const options = { dialer, signal, onStart, onCheck };
    await diagnose({ file: state.file, connection, problems: state.problems }, options);
    if (link) await diagnoseLink({ ...settingsNow(), ...options });
  };
