import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache');
const SETUP_MS = 180_000;

/**
 * A virtual environment of Python with what a requirements file pins, made once and kept beside the packages; `undefined`
 * when it cannot be: says so, with the line to type. In continuous integration that is an error.
 */
export const pythonWith = (name: string, requirements: string, what: string): string | undefined => {
  const done = spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' });
  let line = 'Python cannot make a virtual environment: as root, type  apt-get install python3-venv python3-pip';
  if (done.status === 0)
    try {
      return install(join(CACHE, name), requirements);
    } catch (error) {
      line = `its packages cannot be installed: ${error instanceof Error ? error.message : String(error)}`;
    }
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** ${what} skipped. ${line}\n\n`);
  return undefined;
};

const install = (folder: string, requirements: string): string => {
  const python = join(folder, 'bin', 'python3');
  /** Holds the requirements that the environment was made from: written last. */
  const complete = join(folder, 'complete.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(complete) && readFileSync(complete, 'utf8') === wanted) return python;
  rmSync(folder, { recursive: true, force: true });
  const steps: readonly (readonly [string, readonly string[]])[] = [
    ['python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', requirements]],
  ];
  for (const [program, args] of steps) {
    const { status, stderr } = spawnSync(program, [...args], { encoding: 'utf8', timeout: SETUP_MS });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${stderr}`);
  }
  writeFileSync(complete, wanted);
  return python;
};
