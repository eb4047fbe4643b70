import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { interpret } from '../../../agent/lineage/interpreter/interpret.ts';
import { LIMITS } from '../../../agent/lineage/process/interpret-once.ts';
import type { ScriptLineage } from '../../../agent/lineage/result.ts';
import type { AnalyseSql } from '../../../agent/lineage/sql/analysis.ts';
import { loadSql } from '../../../agent/lineage/sql/load.ts';
import { labelsIn } from './labels.ts';
import { agreement, precision, recall, type Score, sum } from './score.ts';
import { type CorpusScript, scriptsIn } from './scripts.ts';

const USAGE = 'usage: node test/lineage/main.ts corpus --corpus DIR [--labels DIR] [--only TEXT] [--details]\n';
const NOTHING: Score = { right: 0, missing: [], extra: [] };

/** What came of a script; `lineage` is undefined when the interpreter threw. */
interface Run {
  readonly script: CorpusScript;
  readonly lineage: ScriptLineage | undefined;
  readonly ms: number;
}

/**
 * Interprets every script of a corpus, holds those that are labelled to their labels, and prints figures: a table for
 * people, and one line of JSON. Answers with the exit code.
 */
export async function corpus(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      corpus: { type: 'string' },
      labels: { type: 'string', default: join(import.meta.dirname, '..', 'corpus') },
      only: { type: 'string' },
      details: { type: 'boolean', default: false },
    },
  });
  if (values.corpus === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const load = await loadSql();
  const sql = { ms: 0, asked: 0, fallback: 0 };
  const timed: AnalyseSql = (request) => {
    const started = performance.now();
    const analysis = load(request);
    sql.ms += performance.now() - started;
    sql.asked += 1;
    if (analysis.diagnostics.some((d) => d.code === 'lineage.sql.not-parsed')) sql.fallback += 1;
    return analysis;
  };
  const runs = scriptsIn(values.corpus)
    .filter(({ path }) => values.only === undefined || path.includes(values.only))
    .map((script) => run(script, timed));
  const scored = score(runs, values.labels, values.details);
  const figures = { ...figuresOf(runs), sqlSeconds: seconds(sql.ms), selects: sql.asked, opaqueSelects: sql.fallback };
  for (const [name, value] of Object.entries({ ...figures, ...scored }))
    process.stdout.write(`${name.padEnd(22)}${value}\n`);
  process.stdout.write(`${JSON.stringify({ lineage: 'corpus', ...figures, ...scored })}\n`);
  return figures.crashes > 0 ? 1 : 0;
}

const seconds = (ms: number): number => Math.round(ms) / 1_000;
const share = (part: number, whole: number): number => (whole === 0 ? 1 : Math.round((part / whole) * 10_000) / 10_000);

function run(script: CorpusScript, analyse: AnalyseSql): Run {
  const started = performance.now();
  try {
    const lineage = interpret(script.text, {}, LIMITS, analyse);
    return { script, lineage, ms: performance.now() - started };
  } catch (error) {
    process.stderr.write(`${script.path}: ${error instanceof Error ? error.stack : String(error)}\n`);
    return { script, lineage: undefined, ms: performance.now() - started };
  }
}

function figuresOf(runs: readonly Run[]) {
  const done = runs.flatMap(({ lineage }) => lineage ?? []);
  const add = (of: (lineage: ScriptLineage) => number) => done.reduce((total, lineage) => total + of(lineage), 0);
  const statements = add((l) => l.statements.total);
  const slowest = runs.reduce((worst, next) => (next.ms > worst.ms ? next : worst), runs[0] ?? { ms: 0 });
  return {
    scripts: runs.length,
    lines: runs.reduce((total, { script }) => total + script.text.split('\n').length, 0),
    crashes: runs.length - done.length,
    cut: done.filter((lineage) => lineage.cut !== undefined).length,
    statements,
    understood: share(
      add((l) => l.statements.understood),
      statements,
    ),
    opaque: add((l) => l.statements.opaque),
    datasets: add((l) => l.datasets.length),
    withHoles: add((l) => l.datasets.filter(({ holes }) => holes.length > 0).length),
    seconds: seconds(runs.reduce((total, { ms }) => total + ms, 0)),
    slowestSeconds: seconds(slowest.ms),
  };
}

function score(runs: readonly Run[], folder: string, details: boolean) {
  const byHash = new Map(runs.map((r) => [r.script.sha256, r]));
  let [sources, stores, labelled, finals] = [NOTHING, NOTHING, 0, 0];
  for (const [file, label] of labelsIn(folder)) {
    const lineage = byHash.get(label.sha256)?.lineage;
    if (lineage === undefined) continue;
    const found = agreement(label, lineage);
    labelled += 1;
    finals += found.finals.length;
    sources = sum(sources, found.sources);
    stores = sum(stores, found.stores);
    const wrong = [
      ...[...found.sources.missing, ...found.stores.missing].map((entry) => `  - ${entry}`),
      ...[...found.sources.extra, ...found.stores.extra].map((entry) => `  + ${entry}`),
      ...found.finals.map((name) => `  ! final: ${name}`),
    ];
    if (details && wrong.length > 0) process.stdout.write(`${file} (${label.path})\n${wrong.join('\n')}\n`);
  }
  return {
    labelled,
    sources: sources.right + sources.missing.length,
    precision: Math.round(precision(sources) * 10_000) / 10_000,
    recall: Math.round(recall(sources) * 10_000) / 10_000,
    storePrecision: Math.round(precision(stores) * 10_000) / 10_000,
    storeRecall: Math.round(recall(stores) * 10_000) / 10_000,
    wrongFinals: finals,
  };
}
