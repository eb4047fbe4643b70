import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openDatabase } from '#catalog/store/embedded.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';

/** A PostgreSQL for tests. */
export interface Server {
  /** Of a database that is always there. */
  readonly url: string;
  /** A database that has the schema and nothing else, to make others from. */
  readonly template?: string;
  /** Of one that its user has to end. */
  readonly stop?: () => Promise<void>;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all files of a lane share: see `server.ts`. */
    readonly postgres: Server;
  }
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly sql: Sql;
  /** An empty database of its own on the same server. */
  fresh(): Promise<{ readonly url: string; readonly sql: Sql }>;
}

/** A database of its own in a real PostgreSQL, with the schema unless `bare`: on the server of the lane, else on one more. */
export const openTestDatabase = async (options: { readonly bare?: boolean } = {}): Promise<TestDatabase> => {
  const server: Server = inject('postgres') ?? (await startServer());
  const admin = connect(server.url, { max: 1 });
  const made: { readonly name: string; readonly sql: Sql }[] = [];
  const create = async (max: number, template = 'template1'): Promise<{ readonly url: string; readonly sql: Sql }> => {
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await admin.unsafe(`create database ${name} template ${template}`);
    const url = server.url.replace(/\/postgres$/, `/${name}`);
    const sql = connect(url, { max });
    made.push({ name, sql });
    return { url, sql };
  };
  const { url, sql } = await create(16, options.bare ? undefined : server.template);
  if (!options.bare) await migrate(sql);
  return {
    url,
    sql,
    fresh: () => create(4),
    [Symbol.asyncDispose]: async () => {
      for (const { name, sql } of made) {
        await sql.end({ timeout: 1 });
        // Also from those who still read it, such as a program that was killed.
        await admin.unsafe(`drop database ${name} with (force)`);
      }
      await admin.end({ timeout: 1 });
      await server.stop?.();
    },
  };
};

const startServer = async (): Promise<Server> => {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-test-'));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as another user, who must get in
  const database = await openDatabase(join(folder, 'data'), '');
  return {
    url: database.url,
    stop: async () => {
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
