import type { AgentSession, Batch } from '#catalog/gateway/backend.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { isStorable } from '#catalog/store/storable.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { Lease } from '#protocol/messages.ts';

export interface Staged {
  readonly result: 'stored' | 'duplicate' | 'gap' | 'lost';
  readonly durableSeq: number;
}

/**
 * Makes a batch durable: `durable_seq` moves from `seq - 1` to `seq` and the batch is inserted, in one statement that the
 * session's epoch and the lease's token fence. Whatever else is true is found out afterwards.
 */
export const stageBatch = async (sql: Sql, session: AgentSession, lease: Lease, batch: Batch): Promise<Staged> => {
  if (!isStorable(lease.jobId) || !isStorable(lease.leaseToken)) return { result: 'lost', durableSeq: 0 };
  const { organisationId, agentId, epoch } = session;
  const [stored] = await sql`
    with fence as materialized (
      select id from agent where organisation_id = ${organisationId} and id = ${agentId} and epoch = ${epoch} for share
    ), moved as (
      update attempt a set durable_seq = ${batch.seq} from fence
      where a.organisation_id = ${organisationId} and a.job_id = ${lease.jobId} and a.attempt = ${lease.attempt}
        and a.agent_id = fence.id and a.lease_token = ${lease.leaseToken} and a.state = 'active'
        and a.durable_seq = ${batch.seq}::bigint - 1
      returning a.organisation_id, a.job_id, a.attempt
    )
    insert into staged_batch (organisation_id, job_id, attempt, seq, records, raw_bytes, codec, crc32, part, payload)
    select organisation_id, job_id, attempt, ${batch.seq}, ${batch.records}, ${batch.rawBytes}, ${batch.codec},
      ${batch.crc32}, ${batch.part ?? null}, ${Buffer.from(batch.payload.buffer, batch.payload.byteOffset, batch.payload.byteLength)}
    from moved returning seq`;
  if (stored) {
    faultPoint('catalog.batch_committed');
    return { result: 'stored', durableSeq: batch.seq };
  }
  const [attempt] = await sql<{ durableSeq: number }[]>`
    select a.durable_seq::float8 as "durableSeq" from attempt a
      join agent g on g.organisation_id = a.organisation_id and g.id = a.agent_id
    where a.organisation_id = ${organisationId} and a.job_id = ${lease.jobId} and a.attempt = ${lease.attempt}
      and a.agent_id = ${agentId} and a.lease_token = ${lease.leaseToken} and a.state = 'active' and g.epoch = ${epoch}`;
  if (!attempt) return { result: 'lost', durableSeq: 0 };
  return { result: batch.seq <= attempt.durableSeq ? 'duplicate' : 'gap', durableSeq: attempt.durableSeq };
};
