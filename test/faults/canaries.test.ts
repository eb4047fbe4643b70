import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { runningDatabase } from '#catalog/store/embedded.ts';
import { Pipe } from '#test/demo/pipe.ts';
import { SimulatedSite } from '#test/demo/site.ts';
import { ConnectProxy } from './canaries/connect-proxy.ts';
import { HOSTILE_COOKIE, HostileSite } from './canaries/hostile-site.ts';
import { ENCRYPTED, ENVIRONMENT, formsOf, type Planted, plant } from './canaries/planted.ts';
import { Tap } from './canaries/tap.ts';

const AGENT = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
/** What has to hold secrets, and nothing else may. */
const EXCEPTIONS = /^(?:identity\.json|secrets\.key|sessions\/[0-9a-f]{32})$/;
/** As the made-up site has them in scripts, variables and data connections, and as they are planted here. */
const ANY = /canary-(?!agent)[a-z]/i;

/** Runs a command of the agent; all that it prints, however it ends. */
const culvert = async (args: readonly string[], input?: string): Promise<string> => {
  const running = promisify(execFile)(process.execPath, [AGENT, ...args], { timeout: 60_000, maxBuffer: 1e8 });
  running.child.stdin?.end(input);
  const { stdout, stderr } = await running.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}\n${stderr}`;
};

/** Arguments and environment of a process and of all that it started, where the system tells. */
const processes = async (pid: number): Promise<string> => {
  try {
    const own = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    const below = await Promise.all(children.map((child) => processes(Number(child))));
    const environments = children.map((child) => readFileSync(`/proc/${child}/environ`, 'latin1'));
    return [own, ...environments, ...below].join('\n');
  } catch {
    return '';
  }
};

/** Every row of every table, as text. */
const dump = async (url: string): Promise<string> => {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`;
    const rows = await Promise.all(tables.map(({ name }) => sql.unsafe(`select t::text as row from ${name} t`)));
    return rows
      .flat()
      .map(({ row }) => String(row))
      .join('\n');
  } finally {
    await sql.end();
  }
};

const filesBelow = async (folder: string): Promise<Map<string, string>> => {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      entries.map(async ({ parentPath, name }): Promise<[string, string]> => {
        const path = join(parentPath, name);
        return [relative(folder, path).replaceAll('\\', '/'), await readFile(path, 'latin1').catch(() => '')];
      }),
    ),
  );
};

test('no secret that was planted anywhere comes out anywhere', { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-canaries-'));
  const before = { ...process.env };
  Object.assign(process.env, ENVIRONMENT);
  process.env['HTTPS_PROXY'] = 'http://u:canary-environment-proxy@127.0.0.1:9';
  process.env['NO_PROXY'] = '127.0.0.1,localhost';
  try {
    await using stack = new AsyncDisposableStack();
    const site = stack.use(await SimulatedSite.start({ folder: join(folder, 'site'), seed: 7, apps: 5 }));
    const hostile = stack.use(await HostileSite.start());
    const pipe = stack.use(await Pipe.start({ folder }));
    const tap = stack.use(await Tap.start(String(pipe.catalog.ready['gateway'])));
    const proxy = stack.use(await ConnectProxy.start('canary-settings-proxy'));
    const config = join(folder, 'agent.conf');
    const planted: Planted = new Map([
      ['cookie', HOSTILE_COOKIE],
      ['enrolment', readFileSync(join(folder, 'enrolment-token'), 'utf8').trim()],
      ['environment-proxy', 'canary-environment-proxy'],
      ['manager', 'canary-manager-"x"/+1'],
      ['settings-proxy', 'canary-settings-proxy'],
    ]);
    const identity = JSON.parse(readFileSync(join(folder, 'state/identity.json'), 'utf8')) as { privateKey: string };
    planted.set('identity', identity.privateKey.split('\n')[1] ?? '');
    await writeFile(join(folder, 'secrets.conf'), `prod { user = ${JSON.stringify(planted.get('manager'))} }\n`, {
      mode: 0o600,
    });
    // The agent comes by the tap from now on, through a proxy, and tells everything.
    await writeFile(config, readFileSync(config, 'utf8').replace(/gateway\.url = .*/, `gateway.url = "${tap.url}"`));
    appendFileSync(
      config,
      'log.level = "debug"\nsecret-manager { provider = "file", configuration.file-path = secrets.conf }\n' +
        `proxy { hostname = "127.0.0.1", port = ${proxy.port}, username = u, password = "canary-settings-proxy" }\n`,
    );
    const sealed = (await culvert(['encrypt', '--config', config], ENCRYPTED)).trim();
    const place = { folder, connections: pipe.connections, addresses: site.addresses, hostile: hostile.url, sealed };
    const codes = plant(place, planted);

    const seen = new Map<string, string>();
    seen.set('the log of the first run', pipe.agent.tail());
    await pipe.restartAgent();
    await pipe.connection('crawled-jwt', ({ status }) => status.state === 'ready');
    // Crawls that succeed and fail, tests of everything.
    const jobs = await Promise.all(
      codes.flatMap((code) => {
        const started = [pipe.api.startTest(code, { link: code === 'header' })];
        if (['crawled', 'crawled-jwt', 'header', 'jwt', 'windows'].includes(code))
          started.push(pipe.api.startCrawl(code));
        return started.map((job) => job.catch((error: unknown) => String(error)));
      }),
    );
    const ended = [];
    for (const job of jobs) {
      if (typeof job === 'string') ended.push(job);
      else ended.push(await pipe.follow(job.id), await pipe.api.found(job.id).catch(String));
    }
    seen.set('the jobs', JSON.stringify(ended));
    seen.set('processes', await processes(pipe.agent.pid));
    const health = JSON.parse(readFileSync(join(folder, 'state/health.json'), 'utf8')) as { port: number };
    for (const path of ['livez', 'readyz', 'metrics', 'statusz']) {
      const answer = await fetch(`http://127.0.0.1:${health.port}/${path}`);
      seen.set(path, `${JSON.stringify([...answer.headers])}\n${await answer.text()}`);
    }
    for (const code of ['header', 'windows', 'pfx-wrong', 'proxied'])
      seen.set(`doctor ${code}`, await culvert(['doctor', code, '--config', config, '--timeout', '5']));
    seen.set('validate', await culvert(['validate', pipe.connections, '--config', config]));
    seen.set('status', await culvert(['status', '--config', config]));
    const bundle = join(folder, 'bundle.zip');
    seen.set('support-bundle', await culvert(['support-bundle', '--config', config, '--out', bundle]));
    for (const [name, bytes] of Object.entries(unzipSync(readFileSync(bundle))))
      seen.set(`bundle: ${name}`, Buffer.from(bytes).toString('latin1'));
    seen.set('audit', await culvert(['audit', '--config', config]));

    const { pid } = pipe.agent;
    seen.set('the log', pipe.agent.tail());
    process.kill(pid, 'SIGKILL');
    await pipe.agent.ended;
    await pipe.restartAgent();
    await pipe.connection('crawled', ({ status }) => status.state === 'ready');
    seen.set('the log after a restart', pipe.agent.tail());
    for (const path of [
      '/api/v1/connections',
      '/api/v1/jobs',
      '/api/v1/agents',
      '/api/v1/assets?connection=crawled&limit=200',
    ])
      seen.set(`API ${path}`, JSON.stringify(await pipe.api.get<unknown>(path).catch(String)));
    const url = runningDatabase(join(folder, 'catalog'));
    seen.set('the database', await dump(url ?? ''));
    seen.set('the wire', tap.texts.join('\n'));
    const state = await filesBelow(join(folder, 'state'));
    const excepted = [...state.keys()].filter((name) => EXCEPTIONS.test(name));
    for (const [name, text] of state) if (!EXCEPTIONS.test(name)) seen.set(`state/${name}`, text);

    // The test would say nothing if nothing had happened.
    const total = [...seen.values()].join('\n');
    expect(seen.get('the jobs')).toContain('"published"');
    expect(proxy.tunnels).toBeGreaterThan(0);
    expect(hostile.asked).toBeGreaterThan(10);
    expect(tap.batches).toBeGreaterThan(5);
    expect(seen.get('the wire')).toContain('"kind":"script"');
    expect(seen.get('the database')).toContain('[redacted]');
    expect(total).toContain('[redacted]');
    expect(excepted).toEqual(expect.arrayContaining(['identity.json', 'secrets.key']));
    expect([...seen.keys()].filter((name) => name.startsWith('bundle: ')).length).toBeGreaterThan(3);
    expect(seen.get('audit')).toContain('records');

    const leaks: string[] = [];
    for (const [where, text] of seen) {
      const any = ANY.exec(text);
      if (any) leaks.push(`${where}: …${text.slice(Math.max(0, any.index - 80), any.index + 60)}…`);
      for (const [name, value] of planted)
        for (const form of formsOf(value))
          if (text.includes(form)) leaks.push(`${where}: ${name} as ${JSON.stringify(form)}`);
    }
    expect(leaks).toEqual([]);
  } finally {
    process.env = before;
    await rm(folder, { recursive: true, force: true });
  }
});
