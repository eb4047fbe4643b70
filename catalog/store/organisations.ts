import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Sql } from './sql.ts';

export interface Organisation {
  readonly id: string;
  readonly name: string;
}

/** Name of a key: the beginning of the SHA-256 of its public half (SPKI, DER). */
export const keyId = (publicKey: Uint8Array): string =>
  createHash('sha256').update(publicKey).digest('hex').slice(0, 32);

/**
 * Makes an organisation and the Ed25519 key that signs its jobs: each has its own, so that what signs for one says nothing
 * to the agents of another.
 *
 * @throws PostgresError 23505 when the name is taken.
 */
export const createOrganisation = async (sql: Sql, name: string): Promise<Organisation> => {
  const id = randomUUID();
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  await sql.begin(async (tx) => {
    await tx`insert into organisation (id, name) values (${id}, ${name})`;
    await tx`insert into catalog_key (organisation_id, id, public_key, private_key)
      values (${id}, ${keyId(spki)}, ${spki}, ${privateKey.export({ type: 'pkcs8', format: 'der' })})`;
  });
  return { id, name };
};

export const listOrganisations = (sql: Sql): Promise<Organisation[]> =>
  sql<Organisation[]>`select id, name from organisation order by name`;

/** The organisation of that name, made when there is none. */
export const ensureOrganisation = async (sql: Sql, name: string): Promise<Organisation> => {
  const [found] = await sql<Organisation[]>`select id, name from organisation where name = ${name}`;
  return found ?? (await createOrganisation(sql, name));
};
