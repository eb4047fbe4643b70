import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pythonWith } from '../python.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
let python: string | undefined;

/** Sets moto up; true when it cannot be: says so, with the line to type. In continuous integration that is an error. */
export const noMoto = (): boolean => {
  python = pythonWith('culvert-moto', REQUIREMENTS, "AWS by moto's server");
  return python === undefined;
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
    if (python === undefined) throw new Error('moto is not set up: ask noMoto() first');
    const child = spawn(python, ['-u', '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
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
