import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFromDisk } from '#config/files.ts';
import { parseHocon } from '#config/hocon/hocon.ts';
import { plainValue } from '#config/tree.ts';
import { CORPUS_ENV, type CorpusCase } from '../corpus/case.ts';

const JAR = '/usr/share/java/typesafe-config.jar';
export const INSTALL = 'apt-get install libtypesafe-config-java default-jre-headless';

/** What a reader makes of a case: canonical JSON, or `error`. */
export type Answers = Readonly<Record<string, string>>;

/** JSON with sorted keys, so that equal values are equal texts; works for keys such as `__proto__`. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join(',')}}`;
};

/** True when Lightbend's library can be asked here. */
export const hasOracle = (): boolean =>
  existsSync(JAR) && spawnSync('java', ['-version'], { stdio: 'ignore', timeout: 30_000 }).status === 0;

/** Lays every case out in a folder of its own, below one folder. */
export const layOut = (cases: readonly CorpusCase[]): string => {
  const root = mkdtempSync(join(tmpdir(), 'culvert-corpus-'));
  for (const { name, text, files } of cases) {
    for (const [file, content] of Object.entries({ 'main.conf': text, ...files })) {
      const path = join(root, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
  return root;
};

/** Asks Lightbend's library about all cases in one run. */
export const askLightbend = (root: string): Answers => {
  const run = spawnSync('java', ['-cp', JAR, join(import.meta.dirname, 'Oracle.java'), root], {
    encoding: 'utf8',
    env: { ...CORPUS_ENV, PATH: process.env['PATH'] ?? '' },
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) throw new Error(`the oracle failed: ${run.stderr}`);
  return Object.fromEntries(
    run.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', kind = '', text = ''] = line.split('\t');
        // A number beyond a double is no JSON; Lightbend prints it all the same.
        return [name, kind === 'ok' ? canonical(JSON.parse(text.replaceAll(':Infinity', ':null'))) : 'error'];
      }),
  );
};

/** Asks our own reader. */
export const askOurs = (root: string, cases: readonly CorpusCase[]): Answers =>
  Object.fromEntries(
    cases.map(({ name, text }) => {
      const folder = join(root, name);
      const { tree } = parseHocon(text, 'main.conf', { includes: { folder, read: readFromDisk }, env: CORPUS_ENV });
      return [name, tree === undefined ? 'error' : canonical(plainValue(tree))];
    }),
  );

export const cleanUp = (root: string): void => rmSync(root, { recursive: true, force: true });
