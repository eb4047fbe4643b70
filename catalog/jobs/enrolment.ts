import { randomUUID } from 'node:crypto';
import { announce } from '#catalog/store/events.ts';
import { keyId } from '#catalog/store/organisations.ts';
import { tokenHash } from '#catalog/store/secrets.ts';
import { type Sql, transact } from '#catalog/store/sql.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { EnrolReply, EnrolRequest } from '#protocol/messages.ts';
import { readEd25519 } from './ed25519.ts';

const refuse = (message: string, advice?: string): { refused: ErrorInfo } => ({
  refused: new Fault('bridge.enrolment_refused', message, advice === undefined ? {} : { advice }).toJSON(),
});

/** Makes an agent of whoever shows a one-time token and a public key; the token is used up in the same transaction. */
export const enrol = async (sql: Sql, request: EnrolRequest): Promise<EnrolReply | { readonly refused: ErrorInfo }> => {
  const key = readEd25519(request.publicKey);
  if (!key)
    return refuse('The public key is not an Ed25519 key.', 'Update the agent; it sent a key of the wrong kind.');
  if (/\0/.test(request.name + request.version) || !`${request.name}${request.version}`.isWellFormed())
    return refuse(
      'The name of the agent holds characters that cannot be stored.',
      'Choose another name for the agent.',
    );
  const agentId = randomUUID();
  return await transact(sql, async (tx) => {
    const [token] = await tx<
      { organisationId: string; organisation: string; catalogKeyId: string; catalogKey: Buffer }[]
    >`
      update enrolment_token t set used_at = now()
      from organisation o, catalog_key k
      where t.hash = ${tokenHash(request.token)} and t.used_at is null and t.expires_at > now()
        and o.id = t.organisation_id and k.organisation_id = t.organisation_id and k.retired_at is null
      returning o.id as "organisationId", o.name as organisation, k.id as "catalogKeyId", k.public_key as "catalogKey"`;
    if (!token) return refuse('The enrolment token is wrong, used or expired.');
    const { organisationId } = token;
    const { catalogKeyId } = token;
    await tx`insert into agent (organisation_id, id, name, version, catalog_key_id, signing_key_id)
      values (${organisationId}, ${agentId}, ${request.name}, ${request.version}, ${catalogKeyId}, ${catalogKeyId})`;
    await tx`insert into agent_key (organisation_id, agent_id, id, public_key)
      values (${organisationId}, ${agentId}, ${keyId(key)}, ${key})`;
    await tx`update enrolment_token set agent_id = ${agentId}
      where organisation_id = ${organisationId} and hash = ${tokenHash(request.token)}`;
    await announce(tx, organisationId, { name: 'agent', id: agentId });
    return {
      agentId,
      keyId: keyId(key),
      organisation: token.organisation,
      catalogKey: token.catalogKey.toString('base64'),
    };
  });
};
