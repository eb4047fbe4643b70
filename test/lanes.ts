// Runs the checks and the lanes, one after another, and ends with the plain line `N passed, N failed, N skipped`.
// `node test/lanes.ts` runs everything that `npm test` stands for; `node test/lanes.ts unit browser` only those lanes.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Each lane with the minutes after which it hangs, which no timeout of a test notices in a loop that never yields. */
const LANES = { unit: 8, simulator: 12, catalog: 20, network: 20, faults: 25, lineage: 10, browser: 12 } as const;
type Lane = keyof typeof LANES;
const isLane = (name: string): name is Lane => Object.hasOwn(LANES, name);

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const root = join(import.meta.dirname, '..');
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !isLane(name));
if (unknown.length > 0) {
  process.stderr.write(`unknown lane: ${unknown.join(', ')}. Lanes: ${Object.keys(LANES).join(', ')}\n`);
  process.exit(2);
}
const lanes = asked.length > 0 ? asked.filter(isLane) : (Object.keys(LANES) as Lane[]);

/**
 * Runs vitest with all its workers in a process group of their own, which is ended when the lane takes too long.
 * Gives the exit status; undefined when it was ended.
 */
const runLane = async (lane: Lane, args: readonly string[]): Promise<number | null | undefined> => {
  const vitest = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const end = (signal: NodeJS.Signals): void => {
    if (vitest.pid === undefined) return;
    try {
      process.kill(-vitest.pid, signal);
    } catch {
      // It ended by itself.
    }
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    end(signal);
    process.exitCode = 130;
    process.exit();
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    end('SIGKILL');
  }, LANES[lane] * 60_000);
  try {
    const [status] = (await once(vitest, 'exit')) as [number | null];
    return late ? undefined : status;
  } finally {
    clearTimeout(limit);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
};

const total = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];
/** What failed, for the last screen of a log: a lane's own output may be an hour above it. */
const failures: string[] = [];
const fail = (what: string, messages: readonly string[] = []): void => {
  const said = messages.flatMap((message) =>
    stripVTControlCharacters(message)
      .split('\n')
      .filter((line) => !/^\s+at .*node_modules/.test(line))
      .slice(0, 12),
  );
  failures.push([`failed: ${what}`, ...said.map((line) => `  ${line}`)].join('\n'));
};

if (asked.length === 0) {
  const check = spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' });
  if (check.status === 0) total.passed += 1;
  else {
    total.failed += 1;
    fail('npm run check');
  }
}

const folder = mkdtempSync(join(tmpdir(), 'culvert-lanes-'));
try {
  for (const lane of lanes) {
    const started = Date.now();
    const file = join(folder, `${lane}.json`);
    process.stdout.write(`\n=== lane ${lane}\n`);
    const status = await runLane(lane, [
      '--project',
      lane,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ]);
    let report: Report | undefined;
    try {
      report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    } catch {
      total.failed += 1;
      const why =
        status === undefined
          ? `ended after ${LANES[lane]} minutes: a file that is not listed above hangs`
          : `vitest wrote no report (exit ${status})`;
      process.stdout.write(`lane ${lane}: ${why}\n`);
      fail(`${lane}: ${why}`);
      continue;
    }
    let failed = 0;
    for (const result of report.testResults) {
      // A file that could not be collected has no assertions and would else count as nothing.
      if (result.status === 'failed' && result.assertionResults.every((a) => a.status !== 'failed')) {
        failed += 1;
        fail(`${lane}: ${relative(root, result.name)}`, [result.message ?? '']);
      }
      for (const { status, fullName, failureMessages } of result.assertionResults) {
        if (status === 'passed') total.passed += 1;
        else if (status === 'failed') {
          failed += 1;
          fail(`${lane}: ${relative(root, result.name)}: ${fullName}`, failureMessages);
        } else {
          total.skipped += 1;
          skips.push(`${lane}: ${fullName}`);
        }
      }
    }
    if (status !== 0 && failed === 0) {
      failed = 1;
      fail(`${lane}: no test failed, but vitest ended with ${status ?? `no status after ${LANES[lane]} minutes`}`);
    }
    total.failed += failed;
    process.stdout.write(`lane ${lane}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const skip of skips) process.stdout.write(`skipped: ${skip}\n`);
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
