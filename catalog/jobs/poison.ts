import { announce, wakeAgent } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { holdAttempt } from './publish.ts';

/**
 * The stream of an attempt cannot be used from here on: notes why, and asks the agent to stop. What was published stays;
 * the job fails with this error when the agent has stopped.
 */
export const poisonAttempt = async (tx: Transaction, ref: AttemptRef, error: ErrorInfo): Promise<void> => {
  const { organisationId, jobId, attempt } = ref;
  await tx`select from job where organisation_id = ${organisationId} and id = ${jobId} for update`;
  if (!(await holdAttempt(tx, ref))) return;
  const [row] = await tx<{ agentId: string }[]>`
    update attempt set error = ${JSON.stringify(storable(error))}::text::jsonb
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt} and error is null
    returning agent_id as "agentId"`;
  await tx`delete from staged_record
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  await tx`update job set state = 'cancelling'
    where organisation_id = ${organisationId} and id = ${jobId} and state in ('leased', 'running')`;
  if (row) await wakeAgent(tx, organisationId, row.agentId, { cancel: { jobId, attempt } });
  await announce(tx, organisationId, { name: 'job', id: jobId, connection: ref.connection });
};
