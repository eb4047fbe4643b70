import { existsSync } from 'node:fs';
import { formatProblem } from '#config/connection/problem.ts';
import { loadSettings, type Settings } from '#config/settings.ts';
import type { UsableSettings } from '#config/settings-watch.ts';
import { Fault } from '#protocol/errors.ts';

/** Advice when files that only the start reads cannot be used. */
export const MEND = 'Correct what is named above, then run the command again.';

/**
 * The settings of `agent.conf`; what is wrong with them goes to standard error first.
 *
 * @throws Fault `config.unreadable` when there is no such file, `config.invalid` when the settings cannot be used
 */
export const readUsableSettings = (path: string): UsableSettings => {
  if (!existsSync(path))
    throw new Fault('config.unreadable', `There is no ${path}`, {
      advice: 'Write it, with gateway.url, connections and state, as the README shows; or name another with --config.',
    });
  const loaded = loadSettings(path);
  const { settings, problems } = loaded;
  for (const problem of problems) process.stderr.write(`${formatProblem(problem, process.stderr.columns ?? 80)}\n`);
  if (settings === undefined) throw new Fault('config.invalid', `${path} cannot be used`, { advice: MEND });
  return { ...loaded, settings };
};

/** As {@link readUsableSettings}, for commands that do not follow later edits. */
export const readSettings = (path: string): Settings => readUsableSettings(path).settings;
