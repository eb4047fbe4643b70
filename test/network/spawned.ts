import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const LIMIT_MS = 60_000;

/** Runs a program to its end, while nothing else runs in this process; throws with what it complained of. */
export const run = (program: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): void => {
  const done = spawnSync(program, [...args], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    env: { ...process.env, ...env },
    cwd,
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${program} ${args[0]}: exit ${done.status}: ${done.stderr}${done.stdout}`);
};

/** Runs a program of this project beside the servers of this process; resolves to what it printed. */
export const runBeside = async (file: string, env: Record<string, string>, input: string): Promise<string> => {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  });
  child.stdin.end(input);
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${file}: exit ${String(code)}`);
  return printed;
};

/** Those of the programs that are not on this machine. */
export const missingPrograms = (programs: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(programs)
    .filter(([program, args]) => spawnSync(program, [...args], { stdio: 'ignore' }).error !== undefined)
    .map(([program]) => program);
