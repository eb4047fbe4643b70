// Runs the checks and the lanes, one after another, and ends with the plain line `N passed, N failed, N skipped`.
// `node test/lanes.ts` runs everything that `npm test` stands for; `node test/lanes.ts unit browser` only those lanes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LANES = ['unit', 'simulator', 'catalog', 'network', 'faults', 'lineage', 'browser'] as const;

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const root = join(import.meta.dirname, '..');
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(LANES as readonly string[]).includes(name));
if (unknown.length > 0) {
  process.stderr.write(`unknown lane: ${unknown.join(', ')}. Lanes: ${LANES.join(', ')}\n`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];

if (asked.length === 0) {
  const check = spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' });
  if (check.status === 0) total.passed += 1;
  else total.failed += 1;
}

const folder = mkdtempSync(join(tmpdir(), 'culvert-lanes-'));
try {
  for (const lane of asked.length > 0 ? asked : LANES) {
    const started = Date.now();
    const file = join(folder, `${lane}.json`);
    process.stdout.write(`\n=== lane ${lane}\n`);
    const run = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--project',
        lane,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
      ],
      { cwd: root, stdio: 'inherit' },
    );
    let report: Report | undefined;
    try {
      report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    } catch {
      total.failed += 1;
      process.stdout.write(`lane ${lane}: vitest wrote no report (exit ${run.status})\n`);
      continue;
    }
    let failed = 0;
    for (const result of report.testResults) {
      // A file that could not be collected has no assertions and would else count as nothing.
      if (result.status === 'failed' && result.assertionResults.every((a) => a.status !== 'failed')) failed += 1;
      for (const { status, fullName } of result.assertionResults) {
        if (status === 'passed') total.passed += 1;
        else if (status === 'failed') failed += 1;
        else {
          total.skipped += 1;
          skips.push(`${lane}: ${fullName}`);
        }
      }
    }
    if (run.status !== 0 && failed === 0) failed = 1;
    total.failed += failed;
    process.stdout.write(`lane ${lane}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const skip of skips) process.stdout.write(`skipped: ${skip}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
