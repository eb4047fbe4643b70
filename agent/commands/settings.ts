import { formatProblem } from '#config/connection/problem.ts';
import { loadSettings, type Settings } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';

/**
 * The settings of `agent.conf`; what is wrong with them goes to standard error first.
 *
 * @throws Fault `config.invalid` when they cannot be used
 */
export const readSettings = (path: string): Settings => {
  const { settings, problems } = loadSettings(path);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem, process.stderr.columns ?? 80)}\n`);
  if (settings === undefined) throw new Fault('config.invalid', `${path} cannot be used`);
  return settings;
};
