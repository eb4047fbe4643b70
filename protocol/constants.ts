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
  /** Few enough that a row of each fits into one statement of the store. */
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
  /** Tries at one job: what fails five times fails for a reason that time does not mend. */
  attempts: 5,
  /** Attempts in one message (`auth`, `welcome`, heartbeats): four times what an agent may hold, for later releases. */
  listedJobs: 16,
  /** Scopes that a verdict names as published: a help, and bounded by the message anyhow. */
  publishedScopes: 10_000,
  /** Scopes of one attempt that have begun and not ended: many times more than anybody reads side by side. */
  openScopes: 64,
  /** Ids, tokens, names of kinds, codes of errors: a UUID has 36, nothing needs more than a line. */
  idChars: 200,
  /** A key of an asset or scope. */
  keyChars: 4096,
  /** What people read: messages, advice, reasons, names in a status. */
  textChars: 4_000,
  /** Base64 of keys, nonces, signatures and proofs: an Ed25519 signature takes 88. */
  base64Chars: 200,
  /** The text of a job: a code and options; quoted in JSON it fits into a control frame, whatever it holds. */
  specChars: 16_384,
  /** Names of capabilities in one list: many releases' worth. */
  capabilities: 64,
  /** Of one name. */
  capabilityChars: 64,
  /** Names in `job.progress.current`: what a person can follow. */
  currentNames: 8,
  /** Connections, problems and faults in a status, each list: more do not fit into the message. */
  statusItems: 1_000,
  /** Ended streams of a session that a gateway remembers: many more than can have frames under way. */
  endedStreams: 1_024,
  /** Control messages that an agent may send at once, having been quiet. */
  controlBurst: 200,
  /** And in the long run: four jobs need fewer than ten. Beyond it: 4002. */
  controlPerSecond: 20,
  /** Given to the socket and not taken by the other end: who lets this much pile up does not read (4004). */
  unsentBytes: 4 * 1024 * 1024,
} as const;

export const TIMES = {
  /** Below the idle limits of common middle boxes (30 s Jetty and CloudFront, 60 s ALB and nginx), never equal to one. */
  heartbeatMs: 20_000,
  /** Two heartbeats may go missing; any inbound byte counts as life. */
  livenessMs: 45_000,
  /** Name, TCP, proxy, TLS and upgrade together: a stalled one must not hold the agent. */
  connectMs: 15_000,
  /** From the upgrade to `hello`. */
  helloMs: 10_000,
  /** From `hello` to `auth`, and from there to `welcome`. */
  authMs: 10_000,
  /** Verifying and one fsync; then another agent or another time may have the job. */
  offerMs: 10_000,
  /** Three heartbeats. */
  leaseTtlMs: 60_000,
  /** How long records may wait for more before a batch is cut: a person sees the first at once. */
  lingerMs: 250,
  /** Acks are gathered this long, unless half a window is owed: few messages, no stall. */
  ackMs: 50,
  /** What a wake-up that was lost costs at most. */
  pollMs: 15_000,
  /** `job.progress` of one job at most this often: faster nobody reads. */
  progressMs: 500,
  /** `status` at most this often: folders change many files at once. */
  statusMs: 500,
  /** The store has this long for an answer; then the gateway sheds the agent (4002). */
  storeMs: 30_000,
  /** A finish waits for all that is still to be published. */
  finishMs: 30 * 60_000,
  /** From a close to the end of the socket, answered or not. */
  closeMs: 1_000,
  /** Age of a connection, ± 10 %: load spreads over gateways that were added, and keys and verdicts are looked at anew. */
  ageMs: 4 * 3_600_000,
  /** After `drain` of a gateway that ages a connection: the end of its patience. */
  gatewayDrainMs: 60_000,
  /** As the same of a gateway whose process ends: less than service managers wait. */
  gatewayStopMs: 5_000,
  /** When an agent that was asked to leave comes back: another gateway is there already, or this one in a moment. */
  reconnectAfterMs: 1_000,
  /** An agent that ends is gone after this at the latest: service managers kill after 30 s and more. */
  agentDrainMs: 30_000,
  /** Of it, for handlers to end after their signal. */
  handlerStopMs: 10_000,
  /** Of it, for sending what lies in the spool and hearing that it arrived: a stop is fast, the rest waits on the disk. */
  agentSendMs: 5_000,
  /** What a shed agent is told to wait (4002), spread by itself. */
  overloadedMs: 15_000,
  /** The first window: a gateway that was started anew is back by then, or not for a while. */
  backoffBaseMs: 1_000,
  /** The rest of a window is waited as well: an agent may be away for two windows after the gateway is back. */
  backoffCapMs: 32_000,
  /** A session this old resets the backoff. */
  backoffResetMs: 60_000,
  /** After 4009, so that two agents of one identity do not chase each other. */
  supersededFloorMs: 60_000,
  /** An hour: a time that the gateway names beyond it is taken for a mistake. */
  maxHintMs: 3_600_000,
  /** `Retry-After` has whole seconds: those who were told the same one spread over it. */
  hintGrainMs: 1_000,
  /** After a terminal close code, ± 50 %: an administrator's mistake is mended without visiting machines. */
  slowLaneMs: 300_000,
  /** How long the key before counts after a rotation: an agent whose disk came from last night's backup still comes in. */
  keyOverlapMs: 24 * 3_600_000,
  /** The largest duration in any message: thirty days. */
  maxMs: 30 * 86_400_000,
} as const;

/** Four batches under way hide a round trip of 100 ms at 10 MB/s; the memory of a gateway is bounded by it. */
export const CREDIT = { streamBytes: 1024 * 1024, connectionBytes: 4 * 1024 * 1024 } as const;

/** WebSocket subprotocol and path; the major version is in both. */
export const SUBPROTOCOL = 'culvert.v1';
export const AGENT_PATH = '/v1/agent';
export const ENROL_PATH = '/v1/enrol';
export const MAX_ATTEMPTS = LIMITS.attempts;

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
