import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatProblem, wrap } from '#config/connection/problem.ts';
import { lintFile } from '#config/lint/lint.ts';
import { connectionText, formatOf, SCHEMA_FILE } from '#config/writing/connection-file.ts';
import { problemsOf, templateItems } from '#config/writing/template.ts';
import type { WrittenValue } from '#config/writing/value.ts';
import { type ErrorCode, Fault } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';
import { called } from '../called.ts';
import { FAILED } from '../exit-codes.ts';
import { writeNewFiles } from '../new-file.ts';
import { type AnswerSource, fromStandardInput, noAnswers } from './answers.ts';
import { QUESTIONS, type Question, variableOf, WAY_TEXTS, WAYS } from './questions.ts';

export interface InitOptions {
  readonly out?: string;
  readonly yes?: boolean;
  /** The other options are answers, by the name of their question in camel case. */
  readonly [answer: string]: string | boolean | undefined;
}

const WIDTH = 80;
const say = (text: string, indent = ''): void => void process.stderr.write(`${wrap(text, WIDTH, indent)}\n`);
const camel = (name: string): string => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

interface Draft {
  readonly answers: Map<string, string>;
  readonly values: Map<string, WrittenValue>;
  /** Variables that the agent needs in its environment. */
  readonly variables: Set<string>;
}

/** Codes of a file that is named and cannot be read, which may only be missing yet. */
const NOT_THERE: ReadonlySet<string> = new Set<ErrorCode>(['config.unreadable', 'secrets.file_unreadable']);

/** What stops an answer, and what is only said of it: a file that is named may be made later. */
const judge = (
  problems: readonly Problem[],
): { readonly stop: readonly Problem[]; readonly remarks: readonly Problem[] } => {
  const stop = problems.filter(({ severity, code }) => severity === 'error' && !NOT_THERE.has(code));
  return { stop, remarks: problems.filter((problem) => !stop.includes(problem)) };
};

/** Takes an answer into the draft. A text says why it cannot be taken. */
const take = (question: Question, answer: string, draft: Draft, folder: string): string | undefined => {
  draft.answers.set(question.name, answer);
  if (answer === '') return undefined;
  const keys = question.keys(answer);
  if (typeof keys === 'string') return keys;
  const variable = question.name.endsWith('-from') ? variableOf(answer) : undefined;
  if (variable !== undefined) draft.variables.add(variable);
  for (const [path, value] of keys) draft.values.set(path, value);
  const { stop, remarks } = judge(
    problemsOf(
      draft.values,
      keys.map(([path]) => path),
      { folder, env: environment(draft) },
    ),
  );
  const [first] = stop;
  if (first !== undefined) {
    for (const [path] of keys) draft.values.delete(path);
    return `${first.message} ${first.advice}`;
  }
  for (const { message, code } of remarks) say(NOT_THERE.has(code) ? `Not there yet: ${message}` : message, '    ');
  return undefined;
};

/** The variables of the agent need not be set where the file is written. */
const environment = ({ variables }: Draft): Readonly<Record<string, string | undefined>> => ({
  ...Object.fromEntries([...variables].map((name) => [name, 'x'])),
  ...process.env,
});

/** @throws Fault `config.missing_key` when there is no answer to be had, `config.invalid` for one that cannot be */
const askFor = async (
  question: Question,
  source: AnswerSource,
  given: string | undefined,
  draft: Draft,
  folder: string,
): Promise<void> => {
  const standard = question.standard?.(draft.answers);
  const refuse = (why: string): Fault =>
    new Fault('config.invalid', `--${question.name}: ${why}`, { advice: 'See: culvert init --help' });
  if (given !== undefined) {
    const needed = given.trim() === '' && standard !== '' ? 'this needs an answer.' : undefined;
    const wrong = needed ?? take(question, given.trim(), draft, folder);
    if (wrong !== undefined) throw refuse(wrong);
    return;
  }
  if (source.person) {
    say('');
    say(question.text);
    if (question.name === 'auth')
      for (const way of WAYS) process.stderr.write(`  ${way.padEnd(12)}${WAY_TEXTS[way]}\n`);
  }
  for (;;) {
    const prompt = standard === undefined || standard === '' ? '> ' : `[${standard}] > `;
    const line = await source.ask(prompt);
    const answer = line?.trim() === '' ? standard : line?.trim();
    if (answer === undefined && (line === undefined || !source.person))
      throw new Fault('config.missing_key', `There is no answer to: ${question.text}`, {
        advice: `Write --${question.name}, or answer on a terminal. See: culvert init --help`,
      });
    if (answer === undefined) {
      say('This needs an answer.', '    ');
      continue;
    }
    const wrong = take(question, answer, draft, folder);
    if (wrong === undefined) return;
    if (!source.person) throw refuse(wrong);
    say(wrong, '    ');
  }
};

const defaultOut = (code: string): string =>
  existsSync('connections') ? join('connections', `${code}.conf`) : `${code}.conf`;

/**
 * Writes a commented connection file by asking, or from options alone with `--yes`. `open` says where answers come from.
 *
 * @throws Fault `config.missing_key`, `config.invalid` for answers that are missing or wrong
 */
export const init = async (options: InitOptions, open: () => AnswerSource = fromStandardInput): Promise<void> => {
  if (options.out !== undefined && existsSync(options.out))
    throw new Fault('config.invalid', `${options.out} is there already, and is not overwritten`, {
      advice: 'Name another file with --out.',
    });
  const source = options.yes === true ? noAnswers : open();
  const folder = resolve(
    options.out === undefined ? (existsSync('connections') ? 'connections' : '.') : dirname(options.out),
  );
  const draft: Draft = { answers: new Map(), values: new Map(), variables: new Set() };
  draft.values.set('connector_id', { pieces: ['qlik-sense'], bare: false });
  if (source.person)
    say('A connection file for one Qlik Sense site. Enter takes what stands in brackets; Ctrl-C ends.');
  try {
    for (const question of QUESTIONS) {
      if (question.when?.(draft.answers) === false) continue;
      const given = options[camel(question.name)];
      await askFor(question, source, typeof given === 'string' ? given : undefined, draft, folder);
    }
  } finally {
    source.close();
  }
  const out = options.out ?? defaultOut(draft.answers.get('code') ?? 'qlik');
  const format = formatOf(out);
  await writeNewFiles([{ path: out, content: connectionText(templateItems(draft.values), format) }]);
  await finish(out, draft);
};

const finish = async (out: string, draft: Draft): Promise<void> => {
  const linted = await lintFile(out, { env: environment(draft) });
  say('');
  for (const problem of linted?.problems ?? []) process.stderr.write(`${formatProblem(problem, WIDTH)}\n\n`);
  say(`Wrote ${out}, readable for this user alone.`);
  if (formatOf(out) !== 'hocon')
    say(`For an editor: ${called()} schema connection > ${join(dirname(out), SCHEMA_FILE)}`);
  for (const name of draft.variables) say(`Set ${name} in the environment of the agent.`);
  const errors = linted?.problems.filter(({ severity }) => severity === 'error') ?? [];
  if (draft.answers.get('auth') === 'jwt' && errors.length > 0) {
    const url = new URL(draft.answers.get('url') ?? 'https://qlik.example.com');
    const prefix = url.pathname.replaceAll(/^\/+|(?<!\/)\/+$/g, '');
    const folder = dirname(resolve(dirname(out), draft.answers.get('key-path') ?? ''));
    say('Make the key, and enter in the QMC what this prints:');
    say(
      `${called()} jwt init --out ${folder} --host ${url.hostname}${prefix === '' ? '' : ` --prefix ${prefix}`} --user-directory ${draft.answers.get('user-directory') ?? ''} --user-id ${draft.answers.get('user-id') ?? ''}`,
      '  ',
    );
  }
  say(errors.length > 0 ? 'When what is named above is there:' : 'Next:');
  say(`${called()} validate ${out}`, '  ');
  say(`${called()} doctor ${out}`, '  ');
  if (judge(errors).stop.length > 0) process.exitCode = FAILED;
};
