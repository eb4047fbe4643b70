import { diagnose } from '#agent/doctor/diagnose.ts';
import { diagnoseLink } from '#agent/doctor/link.ts';
import { verdictOf } from '#agent/doctor/run.ts';
import { mends } from '#agent/doctor/settings.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import { leavingProblem } from '#config/connection/problem.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import type { Settings } from '#config/settings.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import type { Problem } from '#protocol/status.ts';
import { nameOnly } from './path-names.ts';
import type { Diagnose } from './test-job.ts';

/** The agent's settings as they are in force, and what is wrong in the file as it stands. */
export interface SettingsNow {
  readonly settings: Settings;
  readonly problems: readonly Problem[];
}

/** A check of the link as it may leave the machine: where the agent's own files lie is nobody else's business. */
const withoutFolders = (check: CheckRecord, { settings, problems }: SettingsNow): CheckRecord => {
  const named = nameOnly([settings.file, settings.stateFolder, ...problems.map(({ file }) => file)]);
  return {
    ...check,
    seen: named(check.seen),
    ...(check.advice === undefined ? {} : { advice: named(check.advice) }),
    details: check.details.map(named),
  };
};

/** The doctor of a running agent: it looks at what is in force, over the sessions that the agent has. */
export const folderDoctor =
  (folder: Pick<ConnectionFolder, 'get'>, dialer: Dialer, settingsNow: () => SettingsNow): Diagnose =>
  async ({ state, link, signal, onStart, onCheck, onSettings }) => {
    const connection = state.code === null || state.inForce === null ? undefined : folder.get(state.code);
    const options = { dialer, signal, onStart, onCheck };
    const problems = state.problems.map(leavingProblem);
    const { records, settings } = await diagnose({ file: state.file, connection, problems }, options);
    const cause = verdictOf(records);
    for (const { title, fields, ...block } of settings)
      await onSettings({
        t: 'settings',
        title,
        mends: cause !== undefined && mends(block, cause),
        fields: fields.map(([name, value]) => ({ name, value })),
      });
    if (!link) return;
    const now = settingsNow();
    await diagnoseLink({ ...now, ...options, onCheck: (check) => onCheck(withoutFolders(check, now)) });
  };
