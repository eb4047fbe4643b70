import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { Api } from '#test/demo/api.ts';
import { freePort } from '#test/network/proxies/programs.ts';
import { bundleForFaults, type TestPrograms } from './bundles.ts';
import { FaultProxy } from './fault-proxy.ts';
import { CONNECTIONS } from './plan.ts';
import { KillableDatabase } from './postgres.ts';
import type { SourceFile } from './source.ts';
import { Supervised } from './supervised.ts';

const run = promisify(execFile);

const connectionFile = (code: string): string => `name = "Source ${code}"
code = "${code}"
connector_id = "qlik-sense"
connection { url = "http://127.0.0.1:9/${code}", auth.key = "X-User", auth.value = "CORP\\\\${code}" }
`;

/** Agent, fault proxy, catalog and PostgreSQL, each a process of its own on this machine, in a folder of their own. */
export class World implements AsyncDisposable {
  readonly agent: Supervised;
  readonly catalog: Supervised;
  readonly database: KillableDatabase;
  readonly proxy: FaultProxy;
  readonly sql: Sql;
  readonly api: Api;
  readonly #folder: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: Pick<World, 'agent' | 'catalog' | 'database' | 'proxy' | 'sql' | 'api'>,
    folder: string,
    stack: AsyncDisposableStack,
  ) {
    this.agent = parts.agent;
    this.catalog = parts.catalog;
    this.database = parts.database;
    this.proxy = parts.proxy;
    this.sql = parts.sql;
    this.api = parts.api;
    this.#folder = folder;
    this.#stack = stack;
  }

  /** Builds the bundles, starts everything, enrols the agent. */
  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'culvert-faults-'));
    stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    // As root, PostgreSQL runs as another user, who must get in.
    await chmod(folder, 0o711);
    const programs: TestPrograms = await bundleForFaults(join(folder, 'programs'));
    const database = stack.use(await KillableDatabase.start(folder, await freePort()));
    const env = { DATABASE_URL: database.url, CULVERT_TEST_SOURCE: join(folder, 'source.json') };
    const port = await freePort();
    const serve = ['serve', '--port', String(port), '--init-organisation', 'Faults', '--log-level', 'warn', '--json'];
    const catalog = stack.use(new Supervised({ name: 'catalog', script: programs.catalog, args: serve, env }));
    const ready = await catalog.start();
    const admin = async (...args: string[]): Promise<Record<string, string>> => {
      const { stdout } = await run(process.execPath, [programs.catalog, ...args, '--json'], {
        env: { ...process.env, ...env },
      });
      return JSON.parse(stdout) as Record<string, string>;
    };
    await admin('user', 'add', '--email', 'faults@culvert.example', '--one-time-login');
    const token = await admin('token', 'create', '--api');
    const enrolment = await admin('token', 'create', '--enrolment');

    const proxy = stack.use(await FaultProxy.start(port));
    const settings = join(folder, 'agent.conf');
    await mkdir(join(folder, 'connections'), { mode: 0o700 });
    for (let n = 0; n < CONNECTIONS; n++)
      await writeFile(join(folder, 'connections', `c${n}.conf`), connectionFile(`c${n}`), { mode: 0o600 });
    await writeFile(
      settings,
      `name = "faults"\ngateway.url = "ws://127.0.0.1:${proxy.port}"\nconnections = "connections"\nstate = "state"\n`,
    );
    await writeFile(join(folder, 'token'), enrolment['token'] ?? '', { mode: 0o600 });
    await run(process.execPath, [
      programs.agent,
      'enroll',
      '--config',
      settings,
      '--token-file',
      join(folder, 'token'),
    ]);
    const runAgent = ['run', '--config', settings, '--json'];
    const agent = stack.use(new Supervised({ name: 'agent', script: programs.agent, args: runAgent, env }));
    await agent.start();

    const sql = connect(database.url, { max: 2 });
    stack.defer(() => sql.end({ timeout: 1 }));
    const api = new Api(String(ready['address']), token['token'] ?? '');
    return new World({ agent, catalog, database, proxy, sql, api }, folder, stack.move());
  }

  async setSource(file: SourceFile): Promise<void> {
    await writeFile(join(this.#folder, 'source.json'), JSON.stringify(file));
  }

  /** Attempts that lie in the agent's spool. */
  async spooled(): Promise<readonly string[]> {
    return await readdir(join(this.#folder, 'state', 'spool')).catch(() => []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
