/**
 * Places in the code at which a test may end the process, to see that nothing is lost or done twice. A name says what has
 * just been done, not what comes next. Release builds hold neither the names nor the calls.
 */
export const FAULT_POINTS = [
  // the agent
  'agent.attempt_recorded',
  'agent.batch_written',
  'agent.batch_synced',
  'agent.segment_begun',
  'agent.batch_sent',
  'agent.ack_received',
  'agent.segment_deleted',
  'agent.attempt_sealed',
  'agent.attempt_record_deleted',
  // any text frame: hello, accept, heartbeat, finish
  'agent.control_sent',
  // the catalog
  'catalog.session_stored',
  'catalog.job_leased',
  'catalog.batch_committed',
  'catalog.rows_staged',
  'catalog.scope_rows_written',
  'catalog.scope_published',
  'catalog.scope_repeated',
  'catalog.job_rows_written',
  'catalog.job_ended',
  'catalog.batches_consumed',
  // any text frame: welcome, offer, acknowledgement
  'catalog.control_sent',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

let reached: ((name: FaultPoint) => void) | undefined;

/** Says who is to be told from now on; the programs built for tests do it first of all. */
export const onFaultPoint = (tell: ((name: FaultPoint) => void) | undefined): void => {
  reached = tell;
};

/** Marks the place; does nothing unless a test listens. */
export const faultPoint = (name: FaultPoint): void => reached?.(name);
