import { randomUUID } from 'node:crypto';
import { Fault } from '#protocol/errors.ts';
import type { OfflineReply, OfflineRequest } from '#protocol/package.ts';
import { announce } from './events.ts';
import { keyId } from './organisations.ts';
import { type Sql, transact } from './sql.ts';
import { isStorable } from './storable.ts';

/**
 * Registers an agent by a request that was carried here by hand; whoever runs this vouches for it. The same request again
 * gives the same answer.
 *
 * @param publicKey SPKI, DER, whose proof was found to hold
 * @throws Fault `api.invalid_request`, `agent.revoked`
 */
export const addOfflineAgent = (
  sql: Sql,
  organisation: { readonly id: string; readonly name: string },
  request: Pick<OfflineRequest, 'name' | 'agentVersion'>,
  publicKey: Buffer,
): Promise<OfflineReply> =>
  transact(sql, async (tx) => {
    if (!isStorable(`${request.name}${request.agentVersion}`))
      throw new Fault('api.invalid_request', 'The name of the agent holds characters that cannot be stored.', {
        advice: 'Make the request again with another --name.',
      });
    const [signing] = await tx<{ id: string; publicKey: Buffer }[]>`
      select id, public_key as "publicKey" from catalog_key
      where organisation_id = ${organisation.id} and retired_at is null for share`;
    if (!signing) throw new Error('the organisation has no signing key');
    const key = keyId(publicKey);
    const [known] = await tx<{ id: string; revoked: boolean }[]>`
      select a.id, a.revoked_at is not null or k.revoked_at is not null as revoked
      from agent_key k join agent a on a.organisation_id = k.organisation_id and a.id = k.agent_id
      where k.organisation_id = ${organisation.id} and k.id = ${key}`;
    if (known?.revoked) throw new Fault('agent.revoked', 'The agent with this key was revoked.');
    const agentId = known?.id ?? randomUUID();
    if (!known) {
      await tx`insert into agent (organisation_id, id, name, version, catalog_key_id, signing_key_id)
        values (${organisation.id}, ${agentId}, ${request.name}, ${request.agentVersion}, ${signing.id}, ${signing.id})`;
      await tx`insert into agent_key (organisation_id, agent_id, id, public_key)
        values (${organisation.id}, ${agentId}, ${key}, ${publicKey})`;
      await announce(tx, organisation.id, { name: 'agent', id: agentId });
    }
    return {
      format: 'culvert enrolment reply',
      version: 1,
      agentId,
      keyId: key,
      organisation: organisation.name,
      catalogKey: signing.publicKey.toString('base64'),
    };
  });
