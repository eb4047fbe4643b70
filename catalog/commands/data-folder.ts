import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, runningDatabase } from '#catalog/store/embedded.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { createOrganisation, listOrganisations, type Organisation } from '#catalog/store/organisations.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';

export const DATA_HELP = 'data folder; not used with DATABASE_URL';
export const DEFAULT_DATA = join('.state', 'catalog');

const addressFile = (data: string): string => join(data, 'address.json');

/** Notes where the catalog listens, for the other commands; returns what removes the note. */
export const noteAddress = (data: string, address: string): (() => void) => {
  writeFileSync(addressFile(data), `${JSON.stringify({ address })}\n`);
  return () => rmSync(addressFile(data), { force: true });
};

export const notedAddress = (data: string): string | undefined => {
  try {
    return (JSON.parse(readFileSync(addressFile(data), 'utf8')) as { address: string }).address;
  } catch {
    return undefined;
  }
};

/**
 * Runs `work` on the catalog's database, beside a running catalog or without one: DATABASE_URL, else the database of the
 * catalog that runs on the data folder, else that folder's own, started for as long as it takes.
 */
export const withDatabase = async <T>(data: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
  const url = process.env['DATABASE_URL'] || runningDatabase(data);
  await using database = await openDatabase(data, url);
  const sql = connect(database.url, { max: 2 });
  try {
    await migrate(sql);
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
};

/**
 * The organisation of that name, else the only one there is; made when there is none yet.
 *
 * @throws Fault when there are several and none was named.
 */
export const chooseOrganisation = async (sql: Sql, name: string | undefined): Promise<Organisation> => {
  const all = await listOrganisations(sql);
  const found = name === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((one) => one.name === name);
  if (found) return found;
  if (name === undefined && all.length > 1)
    throw new Fault(
      'config.missing_key',
      `There are ${all.length} organisations: ${all.map((one) => one.name).join(', ')}`,
      {
        advice: 'Name one with --organisation.',
      },
    );
  return await createOrganisation(sql, name ?? 'Default');
};
