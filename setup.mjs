// Installs the dependencies when they are missing or older than the lockfile. Runs on any Node ≥ 18, needs nothing
// installed, and is silent when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.culvert-setup');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex');
const found = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';

if (found !== wanted) {
  // Windows keeps a running .exe locked: when this very process runs on node_modules' Node, `npm ci` cannot delete it.
  const lockedByUs = process.platform === 'win32' && process.execPath.startsWith(modules + sep);
  // Errors only: an older Node is what this is for, and npm would warn of it once for each package.
  const command = [lockedByUs ? 'install' : 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  process.stderr.write(`culvert: installing dependencies (npm ${command[0]})\n`);
  rmSync(stamp, { force: true });
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const started = Date.now();
  const result = npm
    ? spawnSync(node ?? process.execPath, [npm, ...command], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', command, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) {
    process.stderr.write(`culvert: npm ${command[0]} failed. Run it by hand to see why.\n`);
    process.exit(result.status ?? 1);
  }
  const local = spawnSync('node', ['-p', 'process.versions.node'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PATH: join(modules, '.bin') + (process.platform === 'win32' ? ';' : ':') + process.env.PATH,
    },
  });
  const major = Number.parseInt(local.stdout ?? '', 10);
  if (!(major >= 24)) {
    process.stderr.write(
      `culvert: Node 24 is needed, found ${local.stdout?.trim() || 'none'}. No Node package for ${process.platform}-${process.arch}: install Node 24.\n`,
    );
    process.exit(1);
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stamp, wanted);
  process.stderr.write(`culvert: dependencies ready in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
