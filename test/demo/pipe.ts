import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Connection, Job } from '#catalog/api/contract.ts';
import { Api } from './api.ts';
import { type Program, startProgram } from './program.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const CATALOG = join(root, 'catalog/main.ts');
const AGENT = join(root, 'agent/main.ts');

export interface PipeOptions {
  /** Everything is kept here; made when it does not exist. */
  readonly folder: string;
  /** Port of the catalog; 0 for a free one. */
  readonly port?: number;
  /** Folder of the agent's keys and spool; default below `folder`. */
  readonly stateFolder?: string;
  /** Further lines of the agent's settings. */
  readonly settings?: string;
  /** A PostgreSQL that is there; by default the catalog starts one of its own below `folder`. */
  readonly databaseUrl?: string;
  readonly say?: (line: string) => void;
}

/** A catalog and an agent on this machine, each as the real program in a process of its own. */
export class Pipe implements AsyncDisposable {
  readonly folder: string;
  /** The folder that the agent watches. */
  readonly connections: string;
  readonly api: Api;
  /** Address of the page with a log-in that works once. */
  readonly loginLink: string;
  readonly catalog: Program;
  #agent: Program;

  private constructor(folder: string, api: Api, loginLink: string, catalog: Program, agent: Program) {
    this.folder = folder;
    this.connections = join(folder, 'connections');
    this.api = api;
    this.loginLink = loginLink;
    this.catalog = catalog;
    this.#agent = agent;
  }

  get agent(): Program {
    return this.#agent;
  }

  /** Starts both and enrols the agent. @throws Error with a program's last lines when it does not get ready. */
  static async start({
    folder,
    port = 0,
    stateFolder,
    settings: more = '',
    databaseUrl,
    say = () => {},
  }: PipeOptions): Promise<Pipe> {
    await mkdir(join(folder, 'connections'), { recursive: true, mode: 0o700 });
    // Run as root, PostgreSQL is another user: where it cannot come through, the database would lie outside of this
    // folder and stay behind. What lies in the folder is closed to others by itself.
    if (process.getuid?.() === 0) await chmod(folder, 0o711);
    await using stack = new AsyncDisposableStack();
    say('starting the catalog with its PostgreSQL');
    const data = join(folder, 'catalog');
    const serve = ['serve', '--data', data, '--port', String(port), '--init-organisation', 'Demo', '--json'];
    const env: Record<string, string> = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
    const catalog = stack.use(await startProgram('the catalog', CATALOG, serve, { env }));
    const admin = async (...args: string[]): Promise<Record<string, string>> => {
      const { stdout } = await run(process.execPath, [CATALOG, ...args, '--data', data, '--json'], {
        env: { ...process.env, ...env },
      });
      return JSON.parse(stdout) as Record<string, string>;
    };
    const user = await admin('user', 'add', '--email', 'demo@culvert.example', '--one-time-login');
    const { token: apiToken = '' } = await admin('token', 'create', '--api', '--name', 'demo');
    const api = new Api(String(catalog.ready['address']), apiToken);
    const enrolment = await api.call<{ token: string }>('POST', '/api/v1/enrolment-tokens', {});

    say('enrolling and starting an agent');
    const settings = join(folder, 'agent.conf');
    const token = join(folder, 'enrolment-token');
    await writeFile(
      settings,
      `# Settings of the agent: where the catalog is, and which folder to watch.
name = "demo-agent"
gateway.url = "${String(catalog.ready['gateway'])}"
connections = "connections"
state = "${stateFolder ?? 'state'}"
${more}`,
    );
    await writeFile(token, enrolment.token, { mode: 0o600 });
    await run(process.execPath, [AGENT, 'enroll', '--config', settings, '--token-file', token]);
    const agent = stack.use(await startAgent(folder));
    stack.move();
    return new Pipe(folder, api, user['link'] ?? '', catalog, agent);
  }

  /** Starts the agent again after it was stopped or killed. */
  async restartAgent(): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    this.#agent = await startAgent(this.folder);
  }

  /** Waits until the catalog shows the connection as `wanted` says. */
  async connection(code: string, wanted: (connection: Connection) => boolean, withinMs = 20_000): Promise<Connection> {
    const end = Date.now() + withinMs;
    let last = '';
    while (Date.now() < end) {
      try {
        const connection = await this.api.get<Connection>(`/api/v1/connections/${encodeURIComponent(code)}`);
        if (wanted(connection)) return connection;
        last = JSON.stringify(connection.status);
      } catch (error) {
        last = String(error);
      }
      await sleep(100);
    }
    throw new Error(`connection ${code} did not get there within ${withinMs} ms: ${last}\n${this.#agent.tail()}`);
  }

  /** Follows a job to its end. */
  async follow(id: string, onProgress: (job: Job) => void = () => {}, withinMs = 900_000): Promise<Job> {
    const end = Date.now() + withinMs;
    while (Date.now() < end) {
      const job = await this.api.job(id);
      onProgress(job);
      if (job.state === 'published' || job.state === 'failed' || job.state === 'cancelled') return job;
      await sleep(200);
    }
    throw new Error(`job ${id} did not end within ${withinMs} ms:\n${this.#agent.tail()}`);
  }

  /** Starts a crawl and follows it to its end. */
  async crawl(code: string, onProgress?: (job: Job) => void): Promise<Job> {
    return await this.follow((await this.api.startCrawl(code)).id, onProgress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.catalog[Symbol.asyncDispose]();
  }
}

const startAgent = (folder: string): Promise<Program> =>
  startProgram('the agent', AGENT, ['run', '--config', join(folder, 'agent.conf'), '--json']);
