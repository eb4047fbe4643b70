import { Fault } from '#protocol/errors.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';
import type { SettingsProblem } from './contract.ts';

/** What keeps settings from being used, in their order; empty when they can be. */
export const settingsProblems = (_settings: ConnectorSettings): readonly SettingsProblem[] => [];

/**
 * Settings that an agent could not use are not taken.
 *
 * @throws Fault `api.invalid_request` that names the first thing that is wrong
 */
export const refuseUnusable = (settings: ConnectorSettings): void => {
  const [problem, ...more] = settingsProblems(settings);
  if (problem === undefined) return;
  const place =
    problem.index !== null
      ? ` ${problem.index + 1}`
      : problem.line !== null
        ? `, line ${problem.line}, column ${problem.column ?? 1}`
        : '';
  const others = more.length === 0 ? '' : ` (${more.length} more)`;
  throw new Fault('api.invalid_request', `${problem.setting}${place}: ${problem.message}${others}`, {
    advice: problem.advice,
  });
};
