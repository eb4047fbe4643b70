import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Dialer } from '#agent/network/dialer.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { type LintedFile, lintFile, lintFolder } from '#config/lint/lint.ts';
import { lintWritable } from '#config/lint/writable.ts';
import type { PolicyFile } from '#config/policy/policy-file.ts';
import type { Secrets } from '#config/secrets/secrets.ts';
import { loadSettings } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';
import { FAILED, USAGE } from './exit-codes.ts';
import { STANDARD_CONFIG, secretsFor } from './secrets.ts';

export interface ValidateOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** Warnings count as errors. */
  readonly strict?: boolean;
}

const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

/** @throws Fault `config.unreadable` when there is nothing at the path */
const lint = async (path: string, secrets: Secrets): Promise<readonly LintedFile[]> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return lintFolder(path, { secrets });
  const linted = await lintFile(path, { secrets });
  if (linted !== undefined) return [linted];
  throw new Fault('config.unreadable', `There is no ${path}`, {
    advice: 'Name the file or the folder to check: culvert validate <path>.',
  });
};

/** The settings that belong to what is checked, when there is something to say of their file. */
const lintSettings = async (path: string): Promise<readonly LintedFile[]> => {
  const problems = await lintWritable(path);
  const { policy = { type: 'none' as const } } = loadSettings(path).settings ?? {};
  const unnamed = { code: null, name: null };
  return [
    ...(problems.length === 0 ? [] : [{ file: basename(path), ...unnamed, problems }]),
    ...(policy.type === 'none' ? [] : [{ file: policy.file, ...unnamed, problems: problemsOf(policy) }]),
  ];
};

/** Whether the path is that of the policy that the settings name: nothing of a connection is to be looked for in it. */
const isPolicy = (path: string, config: string): boolean => {
  const { settings, files } = loadSettings(config);
  const file = settings === undefined || settings.policy.type === 'none' ? undefined : settings.policy.file;
  return file === basename(path) && files.includes(resolve(path));
};

const problemsOf = (policy: PolicyFile): readonly Problem[] => (policy.type === 'broken' ? policy.problems : []);

/**
 * Checks a file or a folder. The exit code is 0 when nothing is wrong, 1 when there are errors (with `strict` also for
 * warnings), 2 when nothing could be checked.
 *
 * @throws Fault `config.unreadable` when there is nothing at the path
 */
export const validate = async (path: string, options: ValidateOptions): Promise<void> => {
  const config = options.config ?? STANDARD_CONFIG;
  const linted = [...(await lintSettings(config))];
  if (!isPolicy(path, config))
    linted.push(
      ...(await lint(path, secretsFor(options.config, new Dialer())).catch((error: unknown) => {
        process.exitCode = USAGE;
        throw error;
      })),
    );
  const problems = linted.flatMap((file) => file.problems);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const ok = errors === 0 && (options.strict !== true || warnings === 0);
  if (options.json) {
    const connections = linted
      .filter(({ code }) => code !== null)
      .map(({ file, code, name, problems: own }) => ({
        file,
        code,
        name,
        usable: own.every(({ severity }) => severity !== 'error'),
      }));
    // A published shape: fields may be added, none may change.
    const report = { version: 1, files: linted.length, errors, warnings, ok, connections, problems };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem, process.stdout.columns ?? 80)}\n\n`);
    const counts = [count(linted.length, 'file'), count(errors, 'error'), count(warnings, 'warning')].join(', ');
    process.stdout.write(`${counts}${!ok && errors === 0 ? ' (which count, with --strict)' : ''}\n`);
  }
  if (!ok) process.exitCode = FAILED;
};
