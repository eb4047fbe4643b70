import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { Fault } from '#protocol/errors.ts';
import { catalogKeyText, type ToAgent } from '#protocol/messages.ts';
import { wakeAgent } from './events.ts';
import { keyId } from './organisations.ts';
import { type Queries, type Sql, transact } from './sql.ts';

type CatalogKey = Extract<ToAgent, { type: 'catalog.key' }>;

export interface SigningKey {
  readonly id: string;
  readonly createdAt: Date;
  /** Null for the one in use. */
  readonly retiredAt: Date | null;
  /** The private half is gone: nothing can be signed with it any more. */
  readonly erased: boolean;
  /** Agents whose jobs are still signed with it, until their next session. */
  readonly agents: number;
}

/** The signing keys of an organisation, the newest first. */
export const listSigningKeys = (sql: Sql, organisationId: string): Promise<SigningKey[]> =>
  sql<SigningKey[]>`
    select k.id, k.created_at as "createdAt", k.retired_at as "retiredAt", length(k.private_key) = 0 as erased,
      (select count(*)::int from agent a where a.organisation_id = k.organisation_id and a.signing_key_id = k.id
        and a.revoked_at is null) as agents
    from catalog_key k where k.organisation_id = ${organisationId} order by k.created_at desc`;

/**
 * Makes a successor of the organisation's signing key, signed by it. Agents with an open session are told at once, others
 * at their next session; the jobs of a session go on being signed with the key that it began with.
 *
 * @returns the id of the new key
 * @throws Fault `config.invalid` when there is no such organisation
 */
export const rotateSigningKey = (sql: Sql, organisationId: string): Promise<string> =>
  transact(sql, async (tx) => {
    const [current] = await tx<{ id: string; privateKey: Buffer; organisation: string }[]>`
      select k.id, k.private_key as "privateKey", o.name as organisation
      from catalog_key k join organisation o on o.id = k.organisation_id
      where k.organisation_id = ${organisationId} and k.retired_at is null for update of k`;
    if (!current) throw new Fault('config.invalid', 'The organisation has no signing key');
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const signer = createPrivateKey({ key: current.privateKey, format: 'der', type: 'pkcs8' });
    const text = catalogKeyText(current.organisation, spki.toString('base64'));
    const signature = sign(null, Buffer.from(text), signer);
    const id = keyId(spki);
    await tx`update catalog_key set retired_at = now() where organisation_id = ${organisationId} and id = ${current.id}`;
    await tx`insert into catalog_key (organisation_id, id, public_key, private_key, created_at, predecessor_id, signature)
      values (${organisationId}, ${id}, ${spki}, ${privateKey.export({ type: 'pkcs8', format: 'der' })},
        clock_timestamp(), ${current.id}, ${signature})`;
    const agents = await tx<{ id: string }[]>`select id from agent
      where organisation_id = ${organisationId} and session_id is not null`;
    const ask: CatalogKey = {
      type: 'catalog.key',
      publicKey: spki.toString('base64'),
      signature: signature.toString('base64'),
    };
    for (const agent of agents) await wakeAgent(tx, organisationId, agent.id, { ask });
    return id;
  });

/** The successors of a signing key in their order, each signed by the one before it. */
export const successorsOf = async (sql: Queries, organisationId: string, pinnedId: string): Promise<CatalogKey[]> => {
  const rows = await sql<{ publicKey: Buffer; signature: Buffer }[]>`
    with recursive chain (id, public_key, signature, depth) as (
      select k.id, k.public_key, k.signature, 1 from catalog_key k
      where k.organisation_id = ${organisationId} and k.predecessor_id = ${pinnedId}
      union all
      select k.id, k.public_key, k.signature, c.depth + 1 from chain c
        join catalog_key k on k.organisation_id = ${organisationId} and k.predecessor_id = c.id
    ) select public_key as "publicKey", signature from chain order by depth`;
  return rows.map(({ publicKey, signature }) => ({
    type: 'catalog.key',
    publicKey: publicKey.toString('base64'),
    signature: signature.toString('base64'),
  }));
};

/** Erases the private halves of retired keys that no agent's jobs are signed with any more. */
export const eraseRetiredKeys = async (sql: Sql): Promise<void> => {
  await sql`update catalog_key k set private_key = ''
    where k.retired_at is not null and length(k.private_key) > 0
      and not exists (select from agent a where a.organisation_id = k.organisation_id and a.signing_key_id = k.id
        and a.revoked_at is null)`;
};
