import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  closeSync,
  existsSync,
  fchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#protocol/errors.ts';
import { findBinaries, reachable, rootFolder, type SystemUser, unprivileged } from './binaries.ts';
import { lockFolder } from './folder-lock.ts';

export interface Database extends AsyncDisposable {
  /** Holds the password: never log it. */
  readonly url: string;
  /** Settles when a server of our own has ended, asked or not; never for DATABASE_URL. */
  readonly ended: Promise<void>;
}

const START_WITHIN_MS = 60_000;
/** Making the database is much disk work, done once. */
const INITDB_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 10_000;
const PORT_ATTEMPTS = 5;
const KEPT_LOG = 4000;

/**
 * DATABASE_URL when it is set, else a PostgreSQL of our own under `folder`, which is locked for this process and ends with
 * it. The database's password is random and lies in the folder, readable by its owner only.
 *
 * @throws Fault `catalog.unavailable` when it cannot start: folder in use, disk full, platform without PostgreSQL.
 */
export const openDatabase = async (folder: string, url = process.env['DATABASE_URL']): Promise<Database> => {
  if (url) return { url, ended: new Promise(() => {}), [Symbol.asyncDispose]: async () => {} };
  const root = resolve(folder);
  try {
    mkdirSync(root, { recursive: true, mode: 0o711 });
  } catch (cause) {
    throw new Fault('catalog.unavailable', `The data folder ${root} cannot be made: ${(cause as Error).message}`, {
      cause,
      advice: 'Name a folder with --data that this user may make or write.',
      retryable: false,
    });
  }
  const unlock = lockFolder(root);
  try {
    const { server, url: running } = await startServer(root);
    writeFileSync(addressFile(root), `${JSON.stringify({ url: running, pid: server.pid })}\n`, { mode: 0o600 });
    return {
      url: running,
      ended: once(server, 'exit').then(() => undefined),
      [Symbol.asyncDispose]: async () => {
        rmSync(addressFile(root), { force: true });
        await stop(server);
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
};

/** Where a running catalog that uses `folder` has its database; undefined when none runs there. */
export const runningDatabase = (folder: string): string | undefined => {
  try {
    const { url, pid } = JSON.parse(readFileSync(addressFile(resolve(folder)), 'utf8')) as { url: string; pid: number };
    process.kill(pid, 0);
    return url;
  } catch (error) {
    // The server belongs to another user when the catalog was started as root.
    if ((error as NodeJS.ErrnoException).code === 'EACCES')
      throw new Fault('catalog.unavailable', `${addressFile(resolve(folder))} cannot be read`, {
        advice: 'Run this command as the user who started the catalog.',
      });
    return undefined;
  }
};

const addressFile = (folder: string): string => join(folder, 'database.json');

const startServer = async (root: string): Promise<{ server: ChildProcess; url: string }> => {
  const user = unprivileged();
  const { initdb, postgres } = await findBinaries(user);
  const home =
    user && !reachable(root)
      ? join(rootFolder(), createHash('sha256').update(root).digest('hex').slice(0, 16))
      : join(root, 'postgresql');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const data = join(home, 'data');
  const options = { ...user, cwd: home, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' } };
  if (user) chownSync(home, user.uid, user.gid);

  const passwordFile = join(root, 'database-password');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    // What a first start left behind that did not get to its end.
    rmSync(data, { recursive: true, force: true });
    const password = randomBytes(24).toString('base64url');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    const handover = join(home, 'password');
    handOver(handover, `${password}\n`, user);
    try {
      const fixed = ['-U', 'culvert', '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-instructions'];
      const asked = { ...options, stdio: stderrOnly, timeout: INITDB_WITHIN_MS };
      await run(spawn(initdb, ['-D', data, `--pwfile=${handover}`, ...fixed], asked), root);
    } catch (error) {
      rmSync(data, { recursive: true, force: true });
      throw error;
    } finally {
      rmSync(handover, { force: true });
    }
  }
  let password: string;
  try {
    password = readFileSync(passwordFile, 'utf8').trim();
  } catch (cause) {
    throw new Fault('catalog.unavailable', `The database's password ${passwordFile} cannot be read`, {
      cause,
      advice: 'Restore the file from a backup, or run as the user who made the data folder.',
      retryable: false,
    });
  }
  await endOrphan(data);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = spawn(postgres, ['-D', data, '-p', String(port), ...settings.flatMap((s) => ['-c', s])], {
      ...options,
      stdio: stderrOnly,
      // Ctrl-C in a terminal reaches a whole group of processes: the catalog is to end first, then its database.
      detached: process.platform !== 'win32',
    });
    try {
      await ready(server, root);
      const end = (): void => void server.kill('SIGINT');
      process.once('exit', end);
      server.once('exit', () => process.off('exit', end));
      return { server, url: `postgres://culvert:${password}@127.0.0.1:${port}/postgres` };
    } catch (error) {
      await stop(server);
      // Another program may take the port between our question and PostgreSQL's start.
      if (attempt >= PORT_ATTEMPTS || !/could not bind|address already in use/i.test(String(error))) throw error;
    }
  }
};

/**
 * Writes a file for another user into a folder that is already theirs. Whatever lies there under that name goes first,
 * and the file is made anew: by following a link that was put there, root would overwrite or give away any file.
 */
export const handOver = (path: string, text: string, user: SystemUser | undefined): void => {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    if (user) fchownSync(file, user.uid, user.gid);
  } finally {
    closeSync(file);
  }
};

const stderrOnly = ['ignore', 'ignore', 'pipe'] as ('ignore' | 'pipe')[];

const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=50',
  'shared_buffers=64MB',
  'logging_collector=off',
  // A statement that was refused is reported by the program that sent it; values do not belong in a log.
  'log_min_error_statement=panic',
];

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
};

const cannotStart = (root: string, log: string): Fault => {
  const full = /no space left on device|ENOSPC/i.test(log);
  const last = log.trim().split('\n').slice(-6).join('\n');
  return new Fault('catalog.unavailable', `PostgreSQL cannot start in ${root}: ${last || 'it said nothing'}`, {
    advice: full
      ? `Free disk space where ${root} is, then start again.`
      : 'Look at its message; check the rights of the data folder, or set DATABASE_URL.',
  });
};

/** Waits for a program to end well. */
const run = async (child: ChildProcess, root: string): Promise<void> => {
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-KEPT_LOG);
  });
  const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((done, fail) => {
    child.once('error', fail);
    child.once('close', (...how) => done(how));
  });
  if (code !== 0) throw cannotStart(root, signal === null ? log : `${log}\nended by ${signal}`);
};

const ready = (server: ChildProcess, root: string): Promise<void> =>
  new Promise((done, fail) => {
    let log = '';
    const late = setTimeout(() => fail(cannotStart(root, `${log}\nnot ready in time`)), START_WITHIN_MS);
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-KEPT_LOG);
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(late);
      done();
    });
    server.once('error', (error) => {
      clearTimeout(late);
      fail(cannotStart(root, String(error)));
    });
    server.once('close', () => {
      clearTimeout(late);
      fail(cannotStart(root, log));
    });
  });

/** Fast shutdown; insists when that takes too long. */
const stop = async (server: ChildProcess): Promise<void> => {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGINT');
  const insist = setTimeout(() => server.kill('SIGQUIT'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(insist);
};

/** A server that outlived its owner (kill -9) still holds the data; the folder's lock says that the owner is gone. */
const endOrphan = async (data: string): Promise<void> => {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const alive = (): boolean => {
    try {
      process.kill(pid, 0);
      // The number may have been given to another program since.
      return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dirname(data));
    } catch {
      return false;
    }
  };
  if (!(pid > 0) || !alive()) return;
  process.kill(pid, 'SIGINT');
  for (let waited = 0; waited < STOP_WITHIN_MS && alive(); waited += 50) await sleep(50);
  if (alive())
    throw new Fault('catalog.unavailable', `An older PostgreSQL (process ${pid}) still works in ${data}`, {
      advice: `End process ${pid}, then start again.`,
    });
};
