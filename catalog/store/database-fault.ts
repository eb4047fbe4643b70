import { Fault } from '#protocol/errors.ts';

const DISK_FULL = '53100';
/** SQLSTATE classes and errors of the driver that mean: the database cannot work now. */
const UNAVAILABLE = /^(08|53|57P|58)|^(CONNECT|CONNECTION_|ECONN|ETIMEDOUT|ENOTFOUND)/;

/**
 * What a person needs to know of an error of the database, without its words, which may hold values; undefined when the
 * error says nothing of the database's state.
 */
export const databaseFault = (error: unknown): Fault | undefined => {
  if (error instanceof Fault) return error.code === 'catalog.unavailable' ? error : undefined;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !UNAVAILABLE.test(code)) return undefined;
  if (code !== DISK_FULL)
    return new Fault('catalog.unavailable', 'The database does not answer.', {
      cause: error,
      advice:
        'Check that PostgreSQL runs and that the catalog reaches it: its log names host and port. It goes on by itself when the database answers; agents keep what they have until then.',
    });
  return new Fault('catalog.unavailable', 'The disk of the database is full.', {
    cause: error,
    advice: 'Free disk space where the database is. Nothing is lost: agents keep what they have and send it then.',
  });
};

/** Where the database is that an error of the connection tells of, `host:port`, for the log of the catalog alone. */
export const databasePlace = (error: unknown): string | undefined => {
  const { address, port } = (error ?? {}) as { address?: unknown; port?: unknown };
  if (typeof address !== 'string') return undefined;
  return typeof port === 'number' ? `${address}:${port}` : address;
};
