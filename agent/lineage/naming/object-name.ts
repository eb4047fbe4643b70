import { folded } from '../databases.ts';
import type { DatabasePlace } from './connection-place.ts';

export interface ObjectName {
  /** `db.schema.table`. */
  readonly name: string;
  /** `schema-assumed`, `schema-unknown`, `database-unknown`. */
  readonly reasons: readonly string[];
}

/**
 * The full name of a table from how a SELECT writes it, without quotes. What is not said is taken from the connection, and a
 * schema from what the database takes for one; what nobody knows is left out, with the reason.
 */
export const objectName = (written: string, { system, database, schema }: DatabasePlace): ObjectName => {
  const reasons: string[] = [];
  const fold = (name: string): string => folded(name, system.fold);
  // PostgreSQL alone takes the name in a connection as it stands.
  const connected = database === undefined || system.scheme === 'postgres' ? database : fold(database);
  // Tables of IBM i are written LIBRARY/TABLE, too.
  const separated = system.scheme === 'db2' ? written.replaceAll('/', '.') : written;
  const parts = separated.split('.').map((part) => part.trim());
  const table = fold(parts.at(-1) ?? '');
  const above = parts.slice(0, -1);
  if (system.levels === 2) {
    const owner = above.filter((part) => part !== '').join('.');
    // The connection's own spelling wins over that of a script.
    const home = owner === '' || same(owner, connected) ? connected : fold(owner);
    if (home === undefined) reasons.push('database-unknown');
    return { name: home === undefined ? table : `${home}.${table}`, reasons };
  }
  const writtenSchema = above.at(-1) ?? '';
  // As in `db..table`.
  let middle = writtenSchema === '' ? undefined : fold(writtenSchema);
  if (middle === undefined) {
    middle = schema === undefined ? system.schema : fold(schema);
    reasons.push(
      schema !== undefined ? 'schema-of-connection' : middle === undefined ? 'schema-unknown' : 'schema-assumed',
    );
  }
  const catalog = above.slice(0, -1).filter((part) => part !== '');
  const writtenDatabase = catalog.join('.');
  const home = writtenDatabase === '' || same(writtenDatabase, connected) ? connected : fold(writtenDatabase);
  if (home === undefined) reasons.push('database-unknown');
  return { name: [home, middle, table].filter((part) => part !== undefined).join('.'), reasons };
};

const same = (written: string, known: string | undefined): boolean => written.toLowerCase() === known?.toLowerCase();
