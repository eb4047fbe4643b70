import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TOOLS = ['podman', 'buildah', 'runc'] as const;

/** Why no container can be built and run here, with the line to type; undefined when it can. */
export const whyNoContainers = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'containers are built and run on Linux only';
  const missing: string[] = [];
  for (const tool of TOOLS) await run(tool, ['--version']).catch(() => missing.push(tool));
  if (missing.length > 0) return `${missing.join(', ')} missing. Type: apt-get install ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) return 'this needs root. Type: sudo npm run test:faults';
  return undefined;
};

/** Limits that a machine without CAP_SYS_RESOURCE can set, and no need of systemd or its journal. */
const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;

/** Podman and buildah with a storage of their own, which goes with it. */
export class ContainerEngine implements AsyncDisposable {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #names: string[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.#env = {
      ...process.env,
      CONTAINERS_CONF: join(folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    };
  }

  static async start(): Promise<ContainerEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'culvert-container-'));
    await writeFile(join(folder, 'containers.conf'), CONTAINERS_CONF);
    await writeFile(
      join(folder, 'storage.conf'),
      `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`,
    );
    return new ContainerEngine(folder);
  }

  async podman(...args: string[]): Promise<string> {
    const { stdout } = await run('podman', args, { env: this.#env, maxBuffer: 16 * 1024 * 1024 });
    return stdout.trim();
  }

  /** All that a container said, both streams. */
  async logs(name: string): Promise<string> {
    const { stdout, stderr } = await run('podman', ['logs', name], { env: this.#env, maxBuffer: 16 * 1024 * 1024 });
    return stdout + stderr;
  }

  /** Starts a container that stays; it is removed at the end. @returns its id */
  async run(name: string, ...args: string[]): Promise<string> {
    this.#names.push(name);
    return await this.podman('run', '--detach', '--name', name, ...args);
  }

  async build(dockerfile: string, context: string, tag: string): Promise<void> {
    // The docker format is the one that keeps HEALTHCHECK; chroot needs no network of its own.
    const args = ['bud', '--isolation', 'chroot', '--pull-never', '--format', 'docker', '-f', dockerfile, '-t', tag];
    await run('buildah', [...args, context], { env: this.#env, maxBuffer: 16 * 1024 * 1024 });
  }

  /**
   * A base in the place of the one that would be downloaded, under its name: this very Node, the libraries that it is
   * linked against, and certificates; no shell. What needs more than that of its base would show here.
   */
  async importBase(name: string): Promise<void> {
    const root = join(this.folder, 'base');
    for (const folder of ['usr/bin', 'etc/ssl/certs', 'tmp', 'proc', 'sys', 'dev'])
      await mkdir(join(root, folder), { recursive: true });
    await cp(process.execPath, join(root, 'usr/bin/node'));
    const { stdout } = await run('ldd', [process.execPath]);
    for (const [library] of stdout.matchAll(/\/\S+/g)) {
      await mkdir(join(root, dirname(library)), { recursive: true });
      await cp(library, join(root, library), { dereference: true });
    }
    await cp('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'));
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\n');
    await writeFile(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
    await run('tar', ['-C', root, '-cf', join(this.folder, 'base.tar'), '.']);
    await this.podman('import', '--quiet', join(this.folder, 'base.tar'), name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await this.podman('rm', '--force', '--time', '0', name).catch(() => undefined);
    await this.podman('rmi', '--all', '--force').catch(() => undefined);
    // The storage's own folder stays mounted on itself.
    for (const mount of ['images/overlay', 'images'])
      await run('umount', [join(this.folder, mount)]).catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
