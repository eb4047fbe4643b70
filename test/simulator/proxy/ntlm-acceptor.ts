/**
 * The other end of NTLM: gss-ntlmssp of the Debian packages, in a process of its own. It is not code of this project, so
 * that a client which works here was not made to work here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PYTHON = '/usr/bin/python3';
const NEEDED = [PYTHON, '/etc/gss/mech.d/mech.ntlmssp.conf', '/usr/lib/python3/dist-packages/gssapi/__init__.py'];
const ANSWER_MS = 15_000;

/** What to type when the acceptor cannot run on this machine; null when it can. */
export const missingForNtlm = (): string | null =>
  NEEDED.every((path) => existsSync(path)) ? null : 'apt-get install gss-ntlmssp python3-gssapi';

export interface Account {
  readonly directory: string;
  readonly id: string;
  readonly password: string;
}

export type Accepted =
  | { readonly state: 'continue'; readonly token: string }
  | { readonly state: 'done'; readonly user: string; readonly bound: boolean }
  | { readonly state: 'refused'; readonly reason: string };

export class NtlmAcceptor {
  readonly #accounts: readonly Account[];
  readonly #waiting = new Map<number, (answer: Accepted) => void>();
  #folder: string | undefined;
  #process: ChildProcess | undefined;
  #closed = false;
  #next = 1;

  constructor(accounts: readonly Account[]) {
    // The file of users has no way to write the others: they can log in by the form only.
    this.#accounts = accounts.filter(
      ({ directory, id, password }) => !/[:\r\n]/.test(directory + id) && !/[\r\n]/.test(password),
    );
  }

  /** The answer to a token of a client, base64 both; `binding`: of the TLS connection that it came on. */
  accept(connection: string, token: string, binding: Buffer | null): Promise<Accepted> {
    const id = this.#next;
    this.#next += 1;
    const process = this.#start();
    return new Promise((resolve) => {
      const finish = (answer: Accepted): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => finish({ state: 'refused', reason: 'the acceptor did not answer' }), ANSWER_MS);
      this.#waiting.set(id, finish);
      process.stdin?.write(
        `${JSON.stringify({ id, connection, token, binding: binding === null ? null : binding.toString('base64') })}\n`,
      );
    });
  }

  /** Forgets what it knows of a connection that was closed. */
  end(connection: string): void {
    this.#process?.stdin?.write(`${JSON.stringify({ connection, end: true })}\n`);
  }

  close(): void {
    this.#closed = true;
    this.#process?.stdin?.end();
    this.#process?.kill();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Starts with the first token: most sites never need it. */
  #start(): ChildProcess {
    if (this.#closed) throw new RangeError('the acceptor was closed');
    if (this.#process !== undefined) return this.#process;
    this.#folder = mkdtempSync(join(tmpdir(), 'simulator-ntlm-'));
    const users = join(this.#folder, 'users.txt');
    const lines = this.#accounts.map(({ directory, id, password }) => `${directory}:${id}:${password}\n`);
    writeFileSync(users, lines.join(''), { mode: 0o600 });
    const child = spawn(PYTHON, [join(import.meta.dirname, 'ntlm_acceptor.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', NTLM_USER_FILE: users },
    });
    child.stdin?.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as { id: number } & Accepted;
      this.#waiting.get(id)?.(answer as Accepted);
    });
    const gone = (): void => {
      this.#process = undefined;
      for (const finish of [...this.#waiting.values()]) finish({ state: 'refused', reason: 'the acceptor ended' });
    };
    child.once('error', gone);
    child.once('exit', gone);
    this.#process = child;
    return child;
  }
}
