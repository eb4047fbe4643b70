import { parseExpression } from '#config/filter/expression.ts';
import { ExpressionError } from '#config/filter/expression-lexer.ts';
import { namePattern } from '#config/filter/pattern.ts';
import { PatternError } from '#config/filter/regex.ts';
import { settingsFilter } from '#config/filter/settings.ts';
import { Fault } from '#protocol/errors.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';
import type { SettingsProblem } from './contract.ts';

const LISTS = ['includeStreams', 'excludeStreams', 'includeApps', 'excludeApps'] as const;
/** As many as one mends at a time. */
const MOST_PROBLEMS = 50;

const NOWHERE = { index: null, line: null, column: null } as const;

const patternProblem = (setting: (typeof LISTS)[number], text: string, index: number): SettingsProblem[] => {
  try {
    namePattern(text);
    return [];
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return [{ ...NOWHERE, setting, index, message: error.message, advice: error.advice }];
  }
};

const expressionProblem = (text: string): SettingsProblem[] => {
  try {
    parseExpression(text);
    return [];
  } catch (error) {
    // A pattern in it that cannot be run has no place of its own.
    if (error instanceof PatternError)
      return [{ ...NOWHERE, setting: 'filter', message: error.message, advice: error.advice }];
    if (!(error instanceof ExpressionError)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    const place = { index: null, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return [{ ...place, setting: 'filter', message: error.message, advice: error.advice }];
  }
};

/** What is wrong with settings of which each is right. */
const altogether = (settings: ConnectorSettings): SettingsProblem[] => {
  try {
    settingsFilter(settings);
    return [];
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return [{ ...NOWHERE, setting: 'filter', message: error.message, advice: error.advice }];
  }
};

/** What keeps settings from being used, in their order; empty when they can be. Judged as the agent will judge them. */
export const settingsProblems = (settings: ConnectorSettings): readonly SettingsProblem[] => {
  const problems = [
    ...LISTS.flatMap((setting) =>
      (settings[setting] ?? []).flatMap((text, index) => patternProblem(setting, text, index)),
    ),
    ...(settings.filter === undefined ? [] : expressionProblem(settings.filter)),
  ].slice(0, MOST_PROBLEMS);
  return problems.length > 0 ? problems : altogether(settings);
};

/**
 * Settings that an agent could not use are not taken.
 *
 * @throws Fault `api.invalid_request` that names the first thing that is wrong
 */
export const refuseUnusable = (settings: ConnectorSettings): void => {
  const [problem, ...more] = settingsProblems(settings);
  if (problem === undefined) return;
  const { setting, index, line, column } = problem;
  const place = index !== null ? ` ${index + 1}` : line !== null ? `, line ${line}, column ${column ?? 1}` : '';
  const others = more.length === 0 ? '' : ` (${more.length} more)`;
  throw new Fault('api.invalid_request', `${setting}${place}: ${problem.message}${others}`, { advice: problem.advice });
};
