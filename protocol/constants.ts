/** Every constant of the protocol with its reason (PROTOCOL.md repeats the table). Durations in ms, sizes in bytes. */
export const LIMITS = {
  /** A control frame (text). Large enough for a signed job and a status with problems, small enough to parse at once. */
  controlBytes: 64 * 1024,
  /** A data frame (binary) and the WebSocket's maxPayload. */
  dataBytes: 1024 * 1024,
  /** A batch as sent (compressed): a resend is cheap, and several fit into the credit. */
  batchBytes: 256 * 1024,
  /** A batch before compression; the receiver refuses more. */
  batchRawBytes: 1024 * 1024,
  batchRecords: 500,
  /** The line of a record in one batch, its line feed included: it fits into a frame even if it does not compress. */
  wholeRecordBytes: 1024 * 1024 - 1024,
  /**
   * The line of a record in parts (capability `parts`). Three times the longest load scripts that are known; what a
   * receiver joins at once is bounded by it.
   */
  recordBytes: 16 * 1024 * 1024,
  /** Parts of one record: twice what a record needs that does not compress at all. */
  recordParts: 256,
  /** Jobs that one agent works on at a time: two crawls, each with sessions and memory of its own, and two tests. */
  heldJobs: 4,
} as const;

export const TIMES = {
  /** Below the idle limits of common middle boxes (30 s Jetty and CloudFront, 60 s ALB and nginx), never equal to one. */
  heartbeatMs: 20_000,
  /** Any inbound byte counts as life. */
  livenessMs: 45_000,
  connectMs: 15_000,
  helloMs: 10_000,
  authMs: 10_000,
  offerMs: 10_000,
  leaseTtlMs: 60_000,
  /** How long records may wait for more before a batch is cut. */
  lingerMs: 250,
  backoffBaseMs: 1_000,
  /** The rest of a window is waited as well: an agent may be away for two windows after the gateway is back. */
  backoffCapMs: 32_000,
  /** A session this old resets the backoff. */
  backoffResetMs: 60_000,
  /** After a terminal close code: ± 50 %. */
  slowLaneMs: 300_000,
} as const;

export const CREDIT = { streamBytes: 1024 * 1024, connectionBytes: 4 * 1024 * 1024 } as const;

/** WebSocket subprotocol and path; the major version is in both. */
export const SUBPROTOCOL = 'culvert.v1';
export const AGENT_PATH = '/v1/agent';
export const ENROL_PATH = '/v1/enrol';
export const MAX_ATTEMPTS = 5;

/** Close codes; the range tells the agent what to do: 4000–4499 reconnect with backoff, 4500–4999 slow lane. */
export const CLOSE = {
  internal: 4000,
  draining: 4001,
  overloaded: 4002,
  livenessTimeout: 4003,
  slowConsumer: 4004,
  authTimeout: 4008,
  superseded: 4009,
  creditViolation: 4010,
  stateLost: 4011,
  badMessage: 4500,
  unknownMessage: 4501,
  agentDisabled: 4503,
  unknownAgent: 4504,
  badSignature: 4505,
  versionTooOld: 4506,
  duplicateIdentity: 4507,
  organisationMismatch: 4509,
} as const;
export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];
