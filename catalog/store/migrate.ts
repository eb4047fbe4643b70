import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#protocol/errors.ts';
import type { ReservedSql, Sql } from './sql.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/** Any number that no other program uses as an advisory lock in this database. */
const LOCK = 7_426_113_905;

/** The migrations of a folder in their order: files `0001-name.sql`, numbered without a gap. */
export const readMigrations = (folder = join(import.meta.dirname, 'migrations')): readonly Migration[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file, index) => {
      const version = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
      if (version !== index + 1) throw new Fault('internal', `migration ${file} should have the number ${index + 1}`);
      const text = readFileSync(join(folder, file), 'utf8');
      const sha256 = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
      return { version, name: file.slice(5, -4), text, sha256 };
    });

/** The first connection to a database, where a wrong address or password shows. */
const reached = async (sql: Sql): Promise<ReservedSql> => {
  try {
    return await sql.reserve();
  } catch (cause) {
    throw new Fault('catalog.unavailable', `The database cannot be used: ${(cause as Error).message}`, {
      cause,
      advice: 'Check that PostgreSQL runs, and host, port, user, password and database in DATABASE_URL.',
    });
  }
};

/**
 * Brings the database to the newest version, each migration in a transaction of its own. Two processes that start at
 * once wait for each other.
 *
 * @returns the versions that were applied now.
 * @throws Fault when the database cannot be reached, when a migration that was applied has another text now, or the database is newer than this program.
 */
export const migrate = async (sql: Sql, migrations = readMigrations()): Promise<readonly number[]> => {
  const session = await reached(sql);
  try {
    await session`select pg_advisory_lock(${String(LOCK)}::bigint)`;
    await session`create table if not exists migration (
      version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`;
    const applied = await session<{ version: number; name: string; sha256: string }[]>`
      select version, name, sha256 from migration order by version`;
    for (const row of applied) {
      const known = migrations.find(({ version }) => version === row.version);
      if (!known)
        throw new Fault(
          'catalog.unavailable',
          `The database has version ${row.version}, which is newer than this program`,
          {
            advice: 'Start the release that made it, or a later one.',
            retryable: false,
          },
        );
      if (known.sha256 !== row.sha256)
        throw new Fault(
          'catalog.unavailable',
          `Migration ${row.version} (${row.name}) was changed after it was applied`,
          {
            advice: 'Restore the file of the release; a change of the schema is a new migration.',
            retryable: false,
          },
        );
    }
    const done: number[] = [];
    for (const { version, name, text, sha256 } of migrations) {
      if (applied.some((row) => row.version === version)) continue;
      await session`begin`;
      try {
        // A large migration may take longer than a statement may otherwise.
        await session`set local statement_timeout = 0`;
        await session.unsafe(text).simple();
        await session`insert into migration (version, name, sha256) values (${version}, ${name}, ${sha256})`;
        await session`commit`;
      } catch (error) {
        await session`rollback`;
        throw error;
      }
      done.push(version);
    }
    return done;
  } finally {
    await session`select pg_advisory_unlock(${String(LOCK)}::bigint)`.catch(() => {});
    session.release();
  }
};
