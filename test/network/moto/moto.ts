import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const VENV = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'culvert-moto');
const PYTHON = join(VENV, 'bin', 'python3');
/** Holds the requirements that the environment was made from: written last. */
const COMPLETE = join(VENV, 'complete.txt');
const SETUP_MS = 180_000;

/** Sets moto up; true when it cannot be: says so, with the line to type. In continuous integration that is an error. */
export const noMoto = (): boolean => {
  const interpreter = 'python3';
  const done = spawnSync(interpreter, ['-c', 'import ensurepip, venv'], { stdio: 'ignore' });
  let line = 'Python cannot make a virtual environment: as root, type  apt-get install python3-venv python3-pip';
  if (done.status === 0)
    try {
      install();
      return false;
    } catch (error) {
      line = `moto cannot be installed: ${error instanceof Error ? error.message : String(error)}`;
    }
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** AWS by moto's server skipped. ${line}\n\n`);
  return true;
};

/** Installs moto as pinned into a virtual environment of its own, unless it is there from before. */
const install = (): void => {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(COMPLETE) && readFileSync(COMPLETE, 'utf8') === wanted) return;
  rmSync(VENV, { recursive: true, force: true });
  const interpreter = 'python3';
  const steps: readonly (readonly [string, readonly string[]])[] = [
    [interpreter, ['-m', 'venv', VENV]],
    [PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', REQUIREMENTS]],
  ];
  for (const [program, args] of steps) {
    const { status, stderr } = spawnSync(program, [...args], { encoding: 'utf8', timeout: SETUP_MS });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${stderr}`);
  }
  writeFileSync(COMPLETE, wanted);
};

/** What an administrator of the account sends; moto wants a signature only when {@link Moto.guard} was called. */
const HEADERS = (service: string): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=canary/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

/** moto's server (AWS in one process), started on a free port. */
export class Moto implements AsyncDisposable {
  readonly origin: string;
  readonly #child: ChildProcess;

  private constructor(origin: string, child: ChildProcess) {
    this.origin = origin;
    this.#child = child;
  }

  static async start(): Promise<Moto> {
    const child = spawn(PYTHON, ['-u', '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const origin = await new Promise<string>((resolve, reject) => {
      const hear = (text: string): void => {
        said += text;
        const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      };
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`moto ended with ${String(code)}: ${said.slice(-2000)}`)));
    });
    return new Moto(origin, child);
  }

  async #post(path: string, headers: Record<string, string>, body: string): Promise<string> {
    const reply = await fetch(`${this.origin}${path}`, { method: 'POST', headers, body });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`moto: ${reply.status} ${text}`);
    return text;
  }

  /** Everything that was made is gone, and nobody is asked who they are. */
  async reset(): Promise<void> {
    await this.guard(false);
    await this.#post('/moto-api/reset', {}, '');
  }

  /** From now on every request needs a signature that is right and a policy that permits it; or none. */
  async guard(on = true): Promise<void> {
    await this.#post('/moto-api/reset-auth', {}, on ? '0' : '1000000000');
  }

  async secrets(action: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'x-amz-target': `secretsmanager.${action}`, 'content-type': 'application/x-amz-json-1.1' };
    const text = await this.#post('/', { ...HEADERS('secretsmanager'), ...headers }, JSON.stringify(body));
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Elements of what IAM or STS answers. */
  async ask(
    service: 'iam' | 'sts',
    action: string,
    parameters: Record<string, string>,
  ): Promise<(element: string) => string> {
    const version = service === 'iam' ? '2010-05-08' : '2011-06-15';
    const body = new URLSearchParams({ Action: action, Version: version, ...parameters }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const xml = await this.#post('/', { ...HEADERS(service), ...headers }, body);
    return (element) => new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(patience);
  }
}
