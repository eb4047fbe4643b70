import type { AgentSession, GatewayBackend } from '#catalog/gateway/backend.ts';
import { announce } from '#catalog/store/events.ts';
import { keyId } from '#catalog/store/organisations.ts';
import { type Sql, transact } from '#catalog/store/sql.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';
import { keyProof } from '#protocol/messages.ts';
import { readEd25519, signatureHolds } from './ed25519.ts';

/** New keys of one agent in a day: more is a defect or worse. */
const KEYS_A_DAY = 10;

type Asked = Parameters<GatewayBackend['rotateKey']>[1];
type Answer = Awaited<ReturnType<GatewayBackend['rotateKey']>>;

const refuse = (closeCode: number, message: string): Answer => ({
  refused: {
    closeCode,
    message,
    advice: 'Update the agent; if this comes again, report it with the log of the agent.',
  },
});

/** Registers an agent's next key; see {@link GatewayBackend.rotateKey}. */
export const rotateKey = async (sql: Sql, session: AgentSession, asked: Asked): Promise<Answer> => {
  const key = readEd25519(asked.publicKey);
  if (!key) return refuse(CLOSE.badMessage, 'The new key is not an Ed25519 key.');
  if (!signatureHolds(key, keyProof(session.agentId, asked.nonce, asked.publicKey), asked.proof))
    return refuse(CLOSE.badSignature, 'The new key was not proven in this session.');
  const { organisationId, agentId } = session;
  const id = keyId(key);
  return await transact(sql, async (tx) => {
    const [agent] = await tx`select from agent where organisation_id = ${organisationId} and id = ${agentId}
      and epoch = ${session.epoch} for update`;
    if (!agent) return refuse(CLOSE.superseded, 'A newer session of this agent exists.');
    const keys = await tx<{ id: string; revoked: boolean; latest: boolean; recent: boolean }[]>`
      select id, revoked_at is not null as revoked, valid_until is null as latest,
        created_at > now() - interval '1 day' as recent
      from agent_key where organisation_id = ${organisationId} and agent_id = ${agentId} for update`;
    const known = keys.find((one) => one.id === id);
    if (known?.revoked || known?.latest === false)
      return refuse(CLOSE.badMessage, 'The new key is one that was replaced or revoked before.');
    if (known === undefined && keys.filter(({ recent }) => recent).length >= KEYS_A_DAY)
      return refuse(CLOSE.badMessage, `This agent made more than ${KEYS_A_DAY} keys in a day.`);
    await tx`insert into agent_key (organisation_id, agent_id, id, public_key)
      values (${organisationId}, ${agentId}, ${id}, ${key}) on conflict do nothing`;
    await tx`update agent_key set valid_until = now() + ${`${TIMES.keyOverlapMs} milliseconds`}::interval
      where organisation_id = ${organisationId} and agent_id = ${agentId} and id <> ${id}
        and revoked_at is null and valid_until is null`;
    // What nobody can use any more is of no use to keep either; the latest ones stay for people to look at.
    await tx`delete from agent_key where organisation_id = ${organisationId} and agent_id = ${agentId}
      and coalesce(revoked_at, valid_until) < now() - interval '90 days'`;
    await tx`update agent set renewal_asked_at = null where organisation_id = ${organisationId} and id = ${agentId}`;
    await announce(tx, organisationId, { name: 'agent', id: agentId });
    return { keyId: id, oldValidMs: TIMES.keyOverlapMs };
  });
};
