import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { expect, test } from 'vitest';
import type { Connection, Job } from '#catalog/api/contract.ts';
import { eventually, openTestDatabase } from '#test/catalog/database.ts';
import { Api } from '#test/demo/api.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { SimulatedSite } from '#test/demo/site.ts';
import { freePort } from '#test/network/proxies/programs.ts';
import { bundle } from '../../../installer/common/bundle.ts';
import { ContainerEngine, whyNoContainers } from './engine.ts';

const root = join(import.meta.dirname, '../../..');
const BASE = 'docker.io/library/node:24-bookworm-slim';
const UID = 10_001;

const buildPage = async (outDir: string): Promise<void> => {
  const page = join(root, 'catalog/web');
  const configFile = join(page, 'vite.config.ts');
  await build({ configFile, root: page, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
};

const why = await whyNoContainers();
// On a machine that is there for it, not being able to is a failure.
const mustRun = process.env['CI'] !== undefined && process.getuid?.() === 0;
if (why !== undefined) console.warn(`the container is not tested here: ${why}`);

test.skipIf(why !== undefined && !mustRun)(
  'the image is built and run: it enrols, crawls, streams, survives a kill, and stops when it is told to',
  async () => {
    expect(why).toBeUndefined();
    await using engine = await ContainerEngine.start();
    const { folder } = engine;
    const context = join(folder, 'context');
    const version = { version: '0.0.0-container', commit: 'test' };
    const [, site] = await Promise.all([
      (async () => {
        await bundle({ folder: context, flavour: 'release', ...version });
        await writeFile(join(context, 'LICENSES.txt'), 'as built\n');
        await buildPage(join(context, 'web'));
        await engine.importBase(BASE);
        await engine.build(join(root, 'installer/docker/Dockerfile'), context, 'culvert');
        await engine.build(join(root, 'installer/docker/catalog.Dockerfile'), context, 'culvert-catalog');
      })(),
      SimulatedSite.start({ folder: join(folder, 'site'), seed: 7, apps: 12 }),
    ]);
    await using _site = site;
    await using database = await openTestDatabase({ bare: true });

    const hardened = [
      ...['--network', 'host', '--read-only', '--tmpfs', '/tmp:rw,noexec,size=16m', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', '--memory', '512m', '--pids-limit', '64'],
    ];
    const port = await freePort();
    const serve = ['serve', '--port', String(port), '--init-organisation', 'Container'];
    await engine.run('catalog', ...hardened, '--env', `DATABASE_URL=${database.url}`, 'culvert-catalog', ...serve);
    const address = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(`${address}/readyz`).catch(() => undefined))?.ok);
    expect(await (await fetch(address)).text()).toContain('<script type="module"');
    const admin = async (...args: string[]): Promise<Record<string, string>> =>
      JSON.parse(
        await engine.podman('exec', 'catalog', 'node', '/opt/culvert/culvert-catalog.mjs', ...args, '--json'),
      ) as Record<string, string>;
    await admin('user', 'add', '--email', 'container@culvert.example', '--one-time-login');
    const api = new Api(address, (await admin('token', 'create', '--api'))['token'] ?? '');
    const token = (await admin('token', 'create', '--enrolment'))['token'] ?? '';

    // As an administrator would lay it out: settings and connections are mounted, what the agent keeps is a volume.
    const [etc, connections, state] = ['etc', 'connections', 'state'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const made of [etc, connections]) await mkdir(made, { mode: 0o755 });
    await mkdir(state, { mode: 0o700 });
    await chown(state, UID, UID);
    const conf = await readFile(join(root, 'installer/docker/agent.conf'), 'utf8');
    await writeFile(
      join(etc, 'agent.conf'),
      conf.replace(/gateway\.url = .*/, `gateway.url = "ws://127.0.0.1:${port}"`),
    );
    const authority = site.addresses.certificates.rootPath;
    await writeFile(join(connections, 'root.pem'), await readFile(authority));
    await writeFile(join(connections, 'demo.conf'), connectionFile(site.addresses).replace(authority, 'root.pem'));
    await writeFile(join(folder, 'token.txt'), token, { mode: 0o400 });
    await chown(join(folder, 'token.txt'), UID, UID);
    const mounted = [
      ...hardened,
      ...['--volume', `${etc}:/etc/culvert:ro`, '--volume', `${connections}:/connections:ro`],
      ...['--volume', `${state}:/var/lib/culvert`],
    ];

    const said = await engine.podman(
      ...['run', '--rm', ...mounted, '--volume', `${join(folder, 'token.txt')}:/run/secrets/token:ro`, 'culvert'],
      ...['enroll', '--config', '/etc/culvert/agent.conf', '--token-file', '/run/secrets/token'],
    );
    expect(said).toContain('of Container');
    await engine.run('agent', ...mounted, 'culvert');

    const ready = async (): Promise<boolean> => {
      const found = await api.get<Connection>('/api/v1/connections/demo').catch(() => undefined);
      return found?.status.state === 'ready';
    };
    const ended = (id: string, states: readonly string[]) =>
      eventually(async () => {
        const job: Job = await api.job(id);
        return states.includes(job.state) ? job : undefined;
      });
    await eventually(ready);
    const first = await ended((await api.startCrawl('demo')).id, ['published', 'failed']);
    expect(first.state, JSON.stringify(first.error)).toBe('published');
    // What scripts read lies outside of the site.
    const ofTheSite = async () => {
      const { dataset: _, column: __, ...assets } = (await api.counts('demo')).assets;
      return assets;
    };
    const truth = await site.ask<{ assets: Record<string, number> }>('/truth');
    expect(await ofTheSite()).toEqual(truth.assets);

    await engine.podman('healthcheck', 'run', 'agent');

    // Not root, no capabilities, nothing to be gained, nothing to be written but the state.
    const pid = await engine.podman('inspect', '--format', '{{.State.Pid}}', 'agent');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(status).toMatch(/^CapEff:\t0{16}$/m);
    expect(status).toMatch(/^CapBnd:\t0{16}$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    const write = "try { require('fs').writeFileSync('/opt/culvert/x', ''); } catch (e) { console.log(e.code); }";
    expect(await engine.podman('exec', 'agent', 'node', '-e', write)).toBe('EROFS');

    // Killed in the middle of a crawl: the same container goes on from its volume.
    const second = await api.startCrawl('demo');
    await ended(second.id, ['running', 'published']);
    await engine.podman('kill', 'agent');
    await eventually(
      async () => (await engine.podman('inspect', '--format', '{{.State.Status}}', 'agent')) === 'exited',
    );
    await engine.podman('start', 'agent');
    const again = await ended(second.id, ['published', 'failed']);
    expect(again.state, JSON.stringify(again.error)).toBe('published');
    expect(await ofTheSite()).toEqual(truth.assets);

    await engine.podman('stop', '--time', '20', 'agent');
    expect(await engine.podman('inspect', '--format', '{{.State.ExitCode}}', 'agent')).toBe('0');
    const logs = await engine.logs('agent');
    expect(logs).toContain('agent stopping');
    expect(logs).not.toContain(token);
    await engine.podman('stop', '--time', '20', 'catalog');
    expect(await engine.podman('inspect', '--format', '{{.State.ExitCode}}', 'catalog')).toBe('0');
  },
  180_000,
);
