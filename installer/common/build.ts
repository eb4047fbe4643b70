// `npm run build`: what is shipped, in dist/. `dist/culvert.mjs` is the agent, which starts `dist/culvert-lineage.mjs` with
// `dist/polyglot_sql.wasm` for load scripts; `dist/culvert-catalog.mjs`, `dist/migrations`
// and `dist/web` are the catalog; LICENSES.txt names all that went into them. `dist/test` holds the same programs, which a
// test can kill at named places. `--only release` or `--only test` makes one of the two.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build as buildPage } from 'vite';
import { bundle } from './bundle.ts';
import { collectLicences } from './licences.ts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');
const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
if (only !== undefined && only !== 'release' && only !== 'test') {
  process.stderr.write('usage: npm run build -- [--only release|test]\n');
  process.exit(2);
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', [...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The commit that the sources are of; a container or an archive without a clone may say it in CULVERT_COMMIT. */
const commitNow = (): string => {
  if (!existsSync(join(root, '.git'))) return process.env['CULVERT_COMMIT'] ?? 'unknown';
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-dirty'}`;
  } catch {
    return process.env['CULVERT_COMMIT'] ?? 'unknown';
  }
};

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const commit = commitNow();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
const tell = (sizes: Awaited<ReturnType<typeof bundle>>['sizes']): void => {
  for (const { file, bytes } of sizes) say(`  ${relative(root, file).padEnd(32)} ${mebibytes(bytes).padStart(10)}`);
};

say(`culvert ${version}, commit ${commit}`);
if (only !== 'test') {
  for (const name of ['culvert.mjs', 'culvert-lineage.mjs', 'culvert-catalog.mjs'])
    for (const file of [name, `${name}.map`]) await rm(join(dist, file), { force: true });
  const page = await buildPage({
    configFile: join(root, 'catalog/web/vite.config.ts'),
    root: join(root, 'catalog/web'),
    logLevel: 'warn',
  });
  const outputs = (Array.isArray(page) ? page : [page]).flatMap((one) => ('output' in one ? one.output : []));
  const modules = outputs.flatMap((one) => (one.type === 'chunk' ? one.moduleIds : []));
  const made = await bundle({ folder: dist, flavour: 'release', version, commit });
  const { text, packages } = collectLicences(root, [...made.inputs, ...modules.map((id) => relative(root, id))]);
  await writeFile(join(dist, 'LICENSES.txt'), text);
  tell(made.sizes);
  say(
    `  ${'dist/web'.padEnd(32)} ${mebibytes(outputs.reduce((sum, one) => sum + Buffer.byteLength(one.type === 'chunk' ? one.code : one.source), 0)).padStart(10)}`,
  );
  say(`  dist/LICENSES.txt: ${packages} packages`);
}
if (only !== 'release') tell((await bundle({ folder: join(dist, 'test'), flavour: 'test', version, commit })).sizes);
