import { z } from 'zod';
import type { AttemptRef } from '#protocol/agent-events.ts';
import { Fault } from '#protocol/errors.ts';
import { JobSpec } from '#protocol/messages.ts';
import type { JobHandler, JobHandlers } from './job-handler.ts';
import type { SeenJobs } from './seen-jobs.ts';

const Kind = z.looseObject({ jobId: z.string(), kind: z.string(), agentId: z.string().optional() });

/** Says why a job is not allowed on this machine, or nothing. */
export interface JobPolicy {
  judge(spec: JobSpec, when: 'offered' | 'begun'): Fault | undefined;
  /** The job was taken. */
  took(spec: JobSpec): void;
}

/** By what jobs are judged. */
export interface JobJudgement {
  readonly handlers: JobHandlers;
  /** This agent: a job that was signed for another one is not taken. */
  readonly agentId: string;
  readonly verifyJob: (spec: string, signature: string) => boolean;
  /** The same for a job that was taken before: the catalog's key may have been replaced since. Default: as for others. */
  readonly verifyHeldJob?: (spec: string, signature: string) => boolean;
  /** Attempts that were taken before; absent: none is kept in mind. */
  readonly seen?: Pick<SeenJobs, 'judge'> | undefined;
  /** Why the agent's own policy does not allow a job; `begun`: it was taken before. Default: all are allowed. */
  readonly policy?: JobPolicy | undefined;
}

/**
 * The handler for a job text that is genuine, or why it is not taken.
 *
 * @param when it is judged: `offered` before anything is known of it, `taken` just before it is recorded, `begun` when it
 *   was taken before and its turn comes
 */
export const judgeJob = (
  { handlers, agentId, verifyJob, verifyHeldJob = verifyJob, seen, policy }: JobJudgement,
  { jobId, attempt, spec, signature }: AttemptRef & { readonly spec: string; readonly signature: string },
  when: 'offered' | 'taken' | 'begun',
): { readonly spec: JobSpec; readonly handler: JobHandler } | Fault => {
  if (!(when === 'begun' ? verifyHeldJob : verifyJob)(spec, signature))
    return new Fault('bridge.job_signature', `Job ${jobId} is not signed by the catalog of this agent`);
  let value: unknown;
  try {
    value = JSON.parse(spec);
  } catch {
    return new Fault('bridge.protocol', `Job ${jobId} is not JSON`);
  }
  const kind = Kind.safeParse(value);
  // A genuine text under another job's lease would be a replay.
  if (!kind.success) return new Fault('bridge.protocol', `Job ${jobId} names no job or no kind`);
  if (kind.data.jobId !== jobId) return new Fault('bridge.job_signature', `Job ${jobId} was signed for another job`);
  if (kind.data.agentId !== undefined && kind.data.agentId !== agentId)
    return new Fault('bridge.job_signature', `Job ${jobId} was signed for another agent`);
  const handler = Object.hasOwn(handlers, kind.data.kind) ? handlers[kind.data.kind] : undefined;
  if (!handler) return new Fault('job.unknown_kind', `This agent does not know jobs of kind ${kind.data.kind}`);
  const read = JobSpec.safeParse(value);
  if (!read.success) return new Fault('bridge.protocol', `Job ${jobId} is incomplete: ${read.error.message}`);
  const refusal =
    (when === 'begun' ? undefined : seen?.judge(read.data, { jobId, attempt }, when)) ??
    policy?.judge(read.data, when === 'begun' ? when : 'offered');
  return refusal ?? { spec: read.data, handler };
};
