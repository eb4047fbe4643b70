import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LineageProcess } from '../../agent/lineage/process/lineage-process.ts';
import type { LookUp, ScriptAnswer } from '../../agent/lineage/process/messages.ts';
import { scriptsIn } from '../lineage/measure/scripts.ts';
import { machine, rounded, shown, spreadOf, wholeNumber } from './figures.ts';
import { generatedScript } from './lineage/generated-script.ts';

const LINES = 5_000;
/**
 * Runs between the first and those that are timed. The agent keeps one process for all scripts of a crawl: these are
 * 100,000 lines, about what some 500 apps have, and until then the functions of the interpreter are being compiled.
 */
const WARM_UP = 20;
/** Scripts of the project's own, which are timed where there is no corpus. */
const OWN = join(import.meta.dirname, '..', 'lineage', 'scripts');

/** Nothing surrounds the scripts: whatever they ask for is not known. */
const nothing: LookUp = ({ type }) =>
  Promise.resolve(
    type === 'include'
      ? { type, text: undefined }
      : type === 'columns'
        ? { type, columns: undefined }
        : type === 'files'
          ? { type, files: undefined }
          : { type, facts: undefined },
  );

/**
 * How long load scripts take in the process that the agent interprets them in: a generated script of 5,000 lines without
 * SQL, as the first of a fresh process and as one of many in a crawl, and every script of a corpus (`--corpus DIR`), or the
 * project's own.
 */
export const run = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: { corpus: { type: 'string' }, rounds: { type: 'string', default: '15' } },
  });
  process.stdout.write(`${machine()}\n`);
  await using interpreter = new LineageProcess({ timeoutMs: 120_000 });
  const text = generatedScript(LINES);
  const timed = async (): Promise<number> => (await interpreter.script({ text }, nothing)).effort.interpretMs;
  const first = await timed();
  for (let round = 0; round < WARM_UP; round++) await timed();
  const times: number[] = [];
  for (let round = 0; round < wholeNumber('rounds', values.rounds); round++) times.push(await timed());
  const perScript = spreadOf(times);
  process.stdout.write(
    `a script of ${LINES} lines without SQL: ${rounded(first)} ms as the first of its process, ` +
      `after ${WARM_UP} others ${shown(perScript, 'ms')}\n`,
  );

  const scripts = scriptsIn(values.corpus ?? OWN);
  const started = performance.now();
  const answers: ScriptAnswer[] = [];
  for (const script of scripts) answers.push(await interpreter.script({ text: script.text }, nothing));
  const seconds = (performance.now() - started) / 1000;
  const sum = (of: (answer: ScriptAnswer) => number): number =>
    answers.reduce((total, answer) => total + of(answer), 0);
  const lines = scripts.reduce((total, script) => total + script.text.split('\n').length, 0);
  const [interpretMs, sqlMs] = [sum(({ effort }) => effort.interpretMs), sum(({ effort }) => effort.sqlMs)];
  const [total, understood] = [
    sum(({ lineage }) => lineage.statements.total),
    sum(({ lineage }) => lineage.statements.understood),
  ];
  process.stdout.write(
    `${scripts.length} ${values.corpus === undefined ? "scripts of the project's own" : 'scripts'}, ${lines} lines: ${rounded(seconds)} s, ` +
      `${rounded((interpretMs / lines) * 1000)} ms per 1,000 lines; ${understood} of ${total} statements understood\n`,
  );
  const figures = {
    bench: 'lineage',
    msPer5000Lines: perScript.median,
    firstMsPer5000Lines: rounded(first),
    corpusSeconds: rounded(seconds),
    statementsUnderstood: values.corpus === undefined ? null : rounded(understood / total, 4),
    sqlShare: rounded(sqlMs / interpretMs, 3),
    peakRssMiB: Math.round(interpreter.peakRssBytes / 1024 ** 2),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
};
