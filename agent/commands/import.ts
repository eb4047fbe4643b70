import { basename, dirname, extname, join, resolve } from 'node:path';
import { Dialer } from '#agent/network/dialer.ts';
import { formatProblem, wrap } from '#config/connection/problem.ts';
import { readFromDiskAsync } from '#config/files.ts';
import { planImport } from '#config/import/import.ts';
import type { ImportContext, ImportPlan } from '#config/import/plan.ts';
import { lintFile } from '#config/lint/lint.ts';
import { connectionText, formatOf, type Item } from '#config/writing/connection-file.ts';
import { Fault } from '#protocol/errors.ts';
import { called } from './called.ts';
import { FAILED } from './exit-codes.ts';
import { writeNewFiles } from './new-file.ts';
import { secretsFor } from './secrets.ts';

export interface ImportOptions {
  readonly out?: string;
}

const WIDTH = 80;
const say = (text: string): void => void process.stderr.write(`${wrap(text, WIDTH, '')}\n`);

/** @throws Fault `config.unreadable` when there is no such file */
const read = async (file: string): Promise<Buffer> => {
  const content = await readFromDiskAsync(resolve(file));
  if (content.type === 'file') return content.bytes;
  throw new Fault('config.unreadable', `${file} cannot be read: ${content.reason}`, {
    advice: 'Name a YAML or JSON file of OpenMetadata, or a .conf of Zeenea.',
  });
};

const heading = (file: string, product: string): Item => ({
  type: 'note',
  in: [],
  text: `Made by culvert import from ${basename(file).replaceAll(/\p{C}/gu, ' ')} (${product}).`,
});

/**
 * Turns a file of OpenMetadata or Zeenea into a connection file. What it says about the work goes to standard error.
 *
 * @throws Fault `config.invalid` for what cannot be imported and for files that are there already
 */
export const importFile = async (file: string, options: ImportOptions): Promise<void> => {
  const bytes = await read(file);
  const target = options.out === undefined ? undefined : resolve(options.out);
  const context: ImportContext = {
    file: basename(file),
    folder: dirname(resolve(file)),
    target: target === undefined ? undefined : dirname(target),
    stem: target === undefined ? '' : basename(target, extname(target)),
  };
  const plan = planImport(bytes, context, process.env);
  if (plan.type === 'refused') {
    for (const problem of plan.problems) process.stderr.write(`${formatProblem(problem, WIDTH)}\n\n`);
    throw new Fault('config.invalid', `${file} cannot be imported`, { advice: 'Correct what is named above.' });
  }
  const text = connectionText([heading(file, plan.product), ...plan.items], formatOf(options.out ?? ''));
  if (target === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeNewFiles([
    { path: target, content: text },
    ...plan.sideFiles.map(({ name, content }) => ({ path: join(dirname(target), name), content })),
  ]);
  await tell(file, options.out ?? target, target, plan);
};

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

const tell = async (
  file: string,
  out: string,
  target: string,
  plan: ImportPlan & { readonly type: 'plan' },
): Promise<void> => {
  const linted = await lintFile(target, { secrets: secretsFor(undefined, new Dialer()) });
  for (const problem of linted?.problems ?? []) process.stderr.write(`${formatProblem(problem, WIDTH)}\n\n`);
  say(`Wrote ${out}, readable for this user alone.`);
  if (plan.sideFiles.length > 0) say(`Beside it: ${plan.sideFiles.map(({ name }) => name).join(', ')}.`);
  if (plan.dropped.length > 0)
    say(
      `Left out${formatOf(out) === 'json' ? '' : ' (comments in the file say why)'}: ${plan.dropped.map(lastOf).join(', ')}.`,
    );
  if (dirname(target) === dirname(resolve(file)))
    say(`Now move ${basename(file)} out of this folder: both files have the same code.`);
  const errors = linted?.problems.some(({ severity }) => severity === 'error') === true;
  say(
    errors
      ? `Correct what is named above, then: ${called()} validate ${out}`
      : `Next: ${called()} doctor ${linted?.code ?? out}`,
  );
  if (errors) process.exitCode = FAILED;
};
