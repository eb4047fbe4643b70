import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { formatProblem } from '#config/connection/problem.ts';
import { scanFolder } from '#config/folder.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { Fault } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';

/** Files that were meant to be connection files: Windows hides the second extension, and Notepad adds it. */
const misnamed = async (folder: string): Promise<readonly Problem[]> =>
  (await readdir(folder))
    .filter((name) => /\.(conf|hocon|json|ya?ml)\.txt$/i.test(name))
    .map((file) => ({
      severity: 'warning',
      code: 'config.unreadable',
      message: 'The name ends in .txt, so this file is not read.',
      advice: `Rename it to ${file.slice(0, -4)}.`,
      file,
    }));

/** The problems of one file, or of a whole folder, where files can also clash with each other. */
const problemsOf = async (path: string): Promise<{ readonly files: number; readonly problems: readonly Problem[] }> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const { states } = await scanFolder(path);
    const problems = states.flatMap((state) => state.problems);
    return { files: states.length, problems: [...problems, ...(await misnamed(path))] };
  }
  const parsed = await loadConnectionFile(basename(path), { folder: dirname(resolve(path)) });
  if (parsed === undefined)
    throw new Fault('config.unreadable', `There is no ${path}`, {
      advice: 'Name the file or the folder to check: validate <path>.',
    });
  return { files: 1, problems: parsed.problems };
};

export const validate = async (path: string, options: { readonly json?: boolean }): Promise<void> => {
  const { files, problems } = await problemsOf(path);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (options.json) process.stdout.write(`${JSON.stringify({ files, errors, problems }, null, 2)}\n`);
  else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem, process.stdout.columns ?? 80)}\n\n`);
    const warnings = problems.length - errors;
    process.stdout.write(`${files} ${files === 1 ? 'file' : 'files'}, ${errors} errors, ${warnings} warnings\n`);
  }
  if (errors > 0) process.exitCode = 1;
};
