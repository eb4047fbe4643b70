import { execFile } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program, with `input` on its standard input. */
export const culvert = (
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...process.env, CULVERT_ENROL_TOKEN: undefined, ...options.env };
    const child = execFile(process.execPath, [MAIN, ...args], { env, cwd: options.cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(options.input ?? '');
  });
