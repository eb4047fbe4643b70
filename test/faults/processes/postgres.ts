import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries, type SystemUser, unprivileged } from '#catalog/store/binaries.ts';

const READY_WITHIN_MS = 30_000;
/** What is fixed for a database that is used through its whole life at one address. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=60',
  'shared_buffers=64MB',
];

/** A real PostgreSQL that can be killed and started again at the same address. */
export class KillableDatabase implements AsyncDisposable {
  readonly url: string;
  readonly #data: string;
  readonly #port: number;
  readonly #program: string;
  readonly #user: SystemUser | undefined;
  readonly #settings: readonly string[];
  #server: ChildProcess | undefined;
  kills = 0;

  private constructor(
    data: string,
    port: number,
    program: string,
    user: SystemUser | undefined,
    more: readonly string[],
  ) {
    this.#data = data;
    this.#port = port;
    this.#program = program;
    this.#user = user;
    this.#settings = [...SETTINGS, ...more].flatMap((setting) => ['-c', setting]);
    this.url = `postgres://culvert@127.0.0.1:${port}/postgres`;
  }

  /**
   * @param folder of its own, which another user can come through when this is root
   * @param more settings, over those that all have
   */
  static async start(folder: string, port: number, more: readonly string[] = []): Promise<KillableDatabase> {
    const user = unprivileged();
    const { initdb, postgres } = await findBinaries(user);
    const home = join(folder, 'postgresql');
    await mkdir(home, { recursive: true, mode: 0o700 });
    if (user) chownSync(home, user.uid, user.gid);
    const data = join(home, 'data');
    const made = spawn(initdb, ['-D', data, '-U', 'culvert', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'], {
      ...user,
      cwd: home,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
    });
    const [code] = (await once(made, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`initdb ended with ${code}`);
    const database = new KillableDatabase(data, port, postgres, user, more);
    await database.#start();
    return database;
  }

  /** As the machine's memory killer does it: no shutdown, no checkpoint; then it recovers. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.kills += 1;
    const gone = once(server, 'close');
    server.kill('SIGKILL');
    await gone;
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (!server || server.exitCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGINT');
    await gone;
  }

  async #start(): Promise<void> {
    const endMs = performance.now() + READY_WITHIN_MS;
    let log = '';
    while (performance.now() < endMs) {
      const server = spawn(this.#program, ['-D', this.#data, '-p', String(this.#port), ...this.#settings], {
        ...this.#user,
        cwd: this.#data,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
      });
      this.#server = server;
      const isReady = await new Promise<boolean>((resolve) => {
        server.stderr?.setEncoding('utf8').on('data', (text: string) => {
          log = (log + text).slice(-4_000);
          if (text.includes('ready to accept connections')) resolve(true);
        });
        // Its children of before hold the memory for a moment longer: it says so and ends.
        server.once('exit', () => resolve(false));
      });
      if (isReady) return;
    }
    throw new Error(`PostgreSQL did not start again:\n${log}`);
  }
}
