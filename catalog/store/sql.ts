import postgres from 'postgres';
import { Fault } from '#protocol/errors.ts';

/** A pool of connections to the catalog's database. */
export type Sql = postgres.Sql;
/** One connection of a pool, kept for a while. */
export type ReservedSql = postgres.ReservedSql;
/** The connection that a transaction runs on. */
export type Transaction = postgres.TransactionSql;
/** Whatever a query can be run on. */
export type Queries = postgres.ISql;
/** A part of a query. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

const STATEMENT_TIMEOUT_MS = 120_000;
const CONNECT_MS = 10_000;

interface PoolOptions {
  readonly max?: number;
  readonly repeatable?: boolean;
  /** How long a server may take to answer a new connection. Default 10 s. */
  readonly connectMs?: number;
}

/**
 * Opens a pool. Statements end after two minutes, so that a lost server or a lock never holds a caller for good; an open
 * transaction that lost its client is ended by the server.
 *
 * @param options.repeatable what runs here is done again after a crash of the server: commits do not wait for the disk.
 *   Their order stays, so a later commit that does wait makes them durable too.
 * @throws Fault `config.invalid` for what is no address of a database
 */
export const connect = (url: string, options: PoolOptions = {}): Sql => {
  const wrong = new Fault('config.invalid', 'DATABASE_URL is not the address of a PostgreSQL database', {
    advice: 'Write postgres://user:password@host:5432/database, with %25 %2F %40 %3A for % / @ : in user and password.',
  });
  if (!/^postgres(ql)?:\/\//.test(url)) throw wrong;
  try {
    return open(url, options);
  } catch {
    // The cause is left out: it holds the address, and that a password.
    throw wrong;
  }
};

/** A lost connection is made again after a tenth of a second at first, after a second at most. */
const AGAIN_MS = { first: 100, most: 1_000 } as const;

/**
 * How long a connection waits before it is made anew. The driver's own answer is of no use: it counts the failures of all
 * connections of a pool together, so one crash of the server, which all of them see, has each wait for 10 to 20 s, and
 * every query with them, long after the server is back.
 */
const againInSeconds = (failures: number): number =>
  (Math.min(AGAIN_MS.first * 2 ** Math.min(failures, 10), AGAIN_MS.most) * (0.5 + Math.random() / 2)) / 1000;

const open = (url: string, options: PoolOptions): Sql =>
  postgres(url, {
    max: options.max ?? 16,
    connect_timeout: (options.connectMs ?? CONNECT_MS) / 1000,
    idle_timeout: 300,
    backoff: againInSeconds,
    // A plan that was made when the tables were empty is no good for the rows that a crawl brings; and its statements are
    // few and large. (`plan_cache_mode` would be worse: it has each check of a reference planned anew.)
    ...(options.repeatable && { prepare: false }),
    onnotice: () => {},
    connection: {
      application_name: 'culvert-catalog',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      TimeZone: 'UTC',
      // The keys of a large scope are hashed in memory while it is published.
      ...(options.repeatable && { synchronous_commit: 'off' as const, work_mem: '64MB' }),
    },
  });

/** The SQLSTATE of a refused statement, undefined for other errors. */
export const sqlState = (error: unknown): string | undefined =>
  error instanceof Error && error.name === 'PostgresError' ? (error as postgres.PostgresError).code : undefined;

/** A serialization conflict or deadlock: the transaction left nothing behind and may simply run again. */
const TRANSIENT = new Set(['40001', '40P01', '55P03']);
const TRIES = 4;

/** Runs `work` in one transaction; again when the database asks for that. */
export const transact = async <T>(sql: Sql, work: (tx: Transaction) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await sql.begin(work)) as T;
    } catch (error) {
      if (attempt >= TRIES || !TRANSIENT.has(sqlState(error) ?? '')) throw error;
    }
  }
};

/** A query that was cancelled, because its time was up or because somebody asked. */
const CANCELLED = '57014';
/** Between two tries to cancel what a reading does: the first may come between two of its queries. */
const CANCEL_AGAIN_MS = 200;

/**
 * Runs queries that read on one connection, with one view of the data, and ends them when `signal` is aborted: in the
 * database, too, so that nothing goes on there for somebody who has gone.
 *
 * @param sql a pool, whose other connections cancel
 * @throws the reason of `signal` when it was aborted before the queries were done
 */
export const readUntil = async <T>(
  sql: Sql,
  signal: AbortSignal,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  try {
    return (await sql.begin('isolation level repeatable read read only', async (tx) => {
      const [backend] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      let isDone = false;
      let cancelling: Promise<unknown> = Promise.resolve();
      const cancel = (): void => {
        if (isDone) return;
        cancelling = sql`select pg_cancel_backend(${backend?.pid ?? 0})`
          .catch(() => undefined)
          .then(() => {
            if (!isDone) setTimeout(cancel, CANCEL_AGAIN_MS).unref();
          });
      };
      if (signal.aborted) cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        return await work(tx);
      } finally {
        isDone = true;
        signal.removeEventListener('abort', cancel);
        // The connection goes back only when nothing can cancel what is asked on it next.
        await cancelling;
      }
    })) as T;
  } catch (error) {
    if (signal.aborted && sqlState(error) === CANCELLED) throw signal.reason;
    throw error;
  }
};
