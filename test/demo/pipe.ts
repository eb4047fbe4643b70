import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Connection, Job } from '#catalog/api/contract.ts';
import type { Addresses } from '#test/simulator/simulator.ts';
import { Api } from './api.ts';
import { type Program, startProgram } from './program.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const script = {
  simulator: join(root, 'test/simulator/main.ts'),
  catalog: join(root, 'catalog/main.ts'),
  agent: join(root, 'agent/main.ts'),
} as const;

/** What the simulator says when it is ready. */
export type SiteAddresses = Addresses;

export interface PipeOptions {
  /** Everything is kept here; made when it does not exist. */
  readonly folder: string;
  readonly seed: number;
  readonly apps: number;
  readonly profile?: string;
  /** Further arguments of the simulator, such as fault switches. */
  readonly simulatorArguments?: readonly string[];
  /** Port of the catalog; 0 for a free one. */
  readonly port?: number;
  readonly agentEnvironment?: Readonly<Record<string, string>>;
  readonly say?: (line: string) => void;
}

/** A Qlik site, a catalog and an agent on this machine, each as the real program in a process of its own. */
export class Pipe implements AsyncDisposable {
  readonly folder: string;
  readonly connections: string;
  readonly api: Api;
  /** Address of the page with a log-in that works once. */
  readonly loginLink: string;
  readonly site: SiteAddresses;
  readonly simulator: Program;
  readonly catalog: Program;
  agent: Program;
  readonly #stack: AsyncDisposableStack;
  readonly #options: PipeOptions;

  private constructor(
    options: PipeOptions,
    parts: { api: Api; loginLink: string; simulator: Program; catalog: Program; agent: Program },
    stack: AsyncDisposableStack,
  ) {
    this.folder = options.folder;
    this.connections = join(options.folder, 'connections');
    this.api = parts.api;
    this.loginLink = parts.loginLink;
    this.site = parts.simulator.ready as unknown as SiteAddresses;
    this.simulator = parts.simulator;
    this.catalog = parts.catalog;
    this.agent = parts.agent;
    this.#stack = stack;
    this.#options = options;
  }

  /** Starts all three and enrols the agent. @throws Error with a program's last lines when it does not get ready. */
  static async start(options: PipeOptions): Promise<Pipe> {
    const { folder } = options;
    const say = options.say ?? (() => {});
    await mkdir(join(folder, 'connections'), { recursive: true });
    await using stack = new AsyncDisposableStack();
    say(`starting a Qlik Sense site with ${options.apps} apps (seed ${options.seed})`);
    const simulator = stack.use(
      await startProgram('the Qlik site', script.simulator, [
        '--seed',
        String(options.seed),
        '--apps',
        String(options.apps),
        '--folder',
        join(folder, 'site'),
        ...(options.profile === undefined ? [] : ['--profile', options.profile]),
        ...(options.simulatorArguments ?? []),
      ]),
    );
    say('starting the catalog with its PostgreSQL');
    const data = join(folder, 'catalog');
    const catalog = stack.use(
      await startProgram('the catalog', script.catalog, [
        'serve',
        '--data',
        data,
        '--port',
        String(options.port ?? 0),
        '--init-organisation',
        'Demo',
        '--json',
      ]),
    );
    const address = String(catalog.ready['address']);
    const admin = async (...args: string[]): Promise<Record<string, string>> => {
      const { stdout } = await run(process.execPath, [script.catalog, ...args, '--data', data, '--json']);
      return JSON.parse(stdout) as Record<string, string>;
    };
    const user = await admin('user', 'add', '--email', 'demo@culvert.example', '--one-time-login');
    const api = await admin('token', 'create', '--api', '--name', 'demo');
    const enrolment = await admin('token', 'create', '--enrolment');

    say('enrolling and starting an agent');
    await writeFile(
      join(folder, 'agent.conf'),
      [
        '# Settings of the agent: where the catalog is, and which folder to watch.',
        'name = "demo-agent"',
        `gateway.url = "${String(catalog.ready['gateway'])}"`,
        'connections = "connections"',
        'state = "state"',
        '',
      ].join('\n'),
    );
    await writeFile(join(folder, 'enrolment-token'), enrolment['token'] ?? '', { mode: 0o600 });
    await run(process.execPath, [
      script.agent,
      'enroll',
      '--config',
      join(folder, 'agent.conf'),
      '--token-file',
      join(folder, 'enrolment-token'),
    ]);
    const agent = await startAgent(options);
    const pipe = new Pipe(
      options,
      { api: new Api(address, api['token'] ?? ''), loginLink: user['link'] ?? '', simulator, catalog, agent },
      stack.move(),
    );
    return pipe;
  }

  /** Starts the agent again after it was stopped or killed. */
  async restartAgent(): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    this.agent = await startAgent(this.#options);
  }

  /** Asks the simulator's control endpoint. */
  async ask<T>(path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.site.controlUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(30_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Waits until the catalog knows the connection in the state that `ready` wants. */
  async connection(code: string, ready: (connection: Connection) => boolean, withinMs = 20_000): Promise<Connection> {
    const end = Date.now() + withinMs;
    let last: unknown;
    while (Date.now() < end) {
      try {
        const connection = await this.api.get<Connection>(`/api/v1/connections/${encodeURIComponent(code)}`);
        if (ready(connection)) return connection;
        last = connection.status;
      } catch (error) {
        last = error;
      }
      await sleep(100);
    }
    throw new Error(
      `connection ${code} did not get there within ${withinMs} ms: ${JSON.stringify(last) ?? String(last)}`,
    );
  }

  /** Starts a crawl and follows it to its end. */
  async crawl(code: string, onProgress: (job: Job) => void = () => {}, withinMs = 600_000): Promise<Job> {
    const { id } = await this.api.startCrawl(code);
    const end = Date.now() + withinMs;
    while (Date.now() < end) {
      const job = await this.api.job(id);
      onProgress(job);
      if (job.state === 'published' || job.state === 'failed' || job.state === 'cancelled') return job;
      await sleep(200);
    }
    throw new Error(`crawl ${id} of ${code} did not end within ${withinMs} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }
}

const startAgent = (options: PipeOptions): Promise<Program> =>
  startProgram('the agent', script.agent, ['run', '--config', join(options.folder, 'agent.conf'), '--json'], {
    ...(options.agentEnvironment === undefined ? {} : { env: options.agentEnvironment }),
  });
