import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '#catalog/store/embedded.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly sql: Sql;
  /** An empty database of its own on the same server. */
  fresh(): Promise<{ readonly url: string; readonly sql: Sql }>;
}

/** A real PostgreSQL in a temporary folder, with the schema unless `bare`. */
export const openTestDatabase = async (options: { readonly bare?: boolean } = {}): Promise<TestDatabase> => {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-test-'));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as another user, who must get in
  const database = await openDatabase(join(folder, 'data'), '');
  const sql = connect(database.url);
  if (!options.bare) await migrate(sql);
  const others: Sql[] = [];
  return {
    url: database.url,
    sql,
    fresh: async () => {
      const name = `fresh_${others.length}`;
      await sql.unsafe(`create database ${name}`);
      const url = database.url.replace(/\/postgres$/, `/${name}`);
      const other = connect(url, { max: 4 });
      others.push(other);
      return { url, sql: other };
    },
    [Symbol.asyncDispose]: async () => {
      for (const pool of [...others, sql]) await pool.end({ timeout: 1 });
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Waits for something to become true, looking again after every turn of the event loop and a little longer each time. */
export const eventually = async <T>(look: () => Promise<T | undefined | false>): Promise<T> => {
  for (let waitMs = 1, waited = 0; ; waitMs = Math.min(waitMs * 2, 100)) {
    const found = await look();
    if (found) return found;
    if (waited > 20_000) throw new Error('it did not happen within 20 s');
    waited += waitMs;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
};

export const silent = { info: () => {}, warn: () => {}, error: () => {} };
