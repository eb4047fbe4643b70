import type { ErrorKinds } from './kind.ts';

/** Errors of the link between agent and catalog, of jobs, and of the disk of the agent. */
export const BRIDGE_KINDS = {
  // the link to the catalog
  'bridge.unreachable': {
    retryable: true,
    advice: 'Check `gateway.url` and that this machine may open connections to it.',
  },
  'bridge.upgrade_blocked': {
    retryable: true,
    advice: 'Something between removes or stalls WebSockets: let it pass them to the host of `gateway.url`.',
  },
  'bridge.upgrade_refused': {
    retryable: false,
    advice: 'Check `gateway.url`: what answers there is not the link of a Culvert catalog.',
  },
  'bridge.enrolment_refused': {
    retryable: false,
    advice: 'Make a new token in the catalog under Agents; each works once.',
  },
  'bridge.already_running': {
    retryable: false,
    advice: 'Stop that agent first; a second agent needs a `state` folder and an enrolment of its own.',
  },
  'bridge.not_enrolled': { retryable: false, advice: 'Run `culvert enroll` with a token from the catalog first.' },
  'bridge.identity_refused': {
    retryable: false,
    advice: 'The catalog does not know this agent any more: run `culvert enroll` with a new token.',
  },
  'bridge.job_signature': {
    retryable: false,
    advice: 'The job was not signed by the catalog that this agent enrolled with; do not run it, and ask who sent it.',
  },
  'bridge.job_replayed': {
    retryable: false,
    advice:
      'Somebody between sent an old job again; it was not run. If the catalog is of an older release and its clock was set back: stop the agent, delete seen-jobs.json in its state folder, start it.',
  },
  'bridge.other_machine': {
    retryable: false,
    advice:
      'If this is a copy, run `culvert reset-identity` and enrol it; if the machine was replaced or restored, run `culvert reset-identity --same-agent`.',
  },
  'bridge.foreign_state': { retryable: false, advice: 'Run the command as the user of the agent.' },
  'policy.denied': {
    retryable: false,
    advice: 'The policy of the agent forbids it: only who writes that file, on its machine, can allow it.',
  },
  'policy.broken': {
    retryable: false,
    advice:
      'Correct the policy file of the agent; it is read again at once. Until then no job is allowed that the last good one forbids.',
  },
  'bridge.protocol': {
    retryable: true,
    advice: 'The other end broke the protocol; update agent and catalog to one release.',
  },
  'bridge.lease_lost': {
    retryable: true,
    advice: 'The catalog gave the job to another attempt; nothing has to be done.',
  },
  // jobs
  'job.unknown_connection': {
    retryable: false,
    advice: 'No connection with this code is loaded on the agent: check its connections folder.',
  },
  'job.connection_invalid': {
    retryable: false,
    advice: 'Correct the connection file first; its errors are on its page.',
  },
  'job.connection_busy': {
    retryable: true,
    advice: 'Wait for the crawl or test of this connection or cancel it, then try again.',
  },
  'job.too_soon': {
    retryable: true,
    advice: 'Wait until the time named, then test again: each test dials servers and may log in there.',
  },
  'job.unknown_kind': { retryable: false, advice: 'Update the agent: it does not know this kind of job.' },
  'job.cancelled': { retryable: false, advice: 'It was cancelled; what had been published stays.' },
  'job.attempts_exhausted': {
    retryable: false,
    advice: 'Look at the last attempt, mend the cause, and ask for the job again.',
  },
  'job.agent_offline': { retryable: true, advice: 'Start the agent that owns this connection; the job waits for it.' },
  // disk
  'spool.full': {
    retryable: true,
    advice: 'Free disk space where the state folder of the agent is; the crawl goes on then.',
  },
  'spool.failed': { retryable: true, advice: 'Check the disk and the rights of the state folder of the agent.' },
} as const satisfies ErrorKinds<'bridge' | 'job' | 'spool' | 'policy'>;
