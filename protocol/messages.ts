import { z } from 'zod';
import { LIMITS, TIMES } from './constants.ts';
import { ErrorShape } from './errors.ts';
import { AgentStatus } from './status.ts';

const MAX_ATTEMPT = 2 ** 31 - 1;
const MAX_STREAM = 2 ** 32 - 1;
const SHA256_CHARS = 64;
const MAX_CREDIT = 2 ** 30;

/**
 * The control messages (text frames, JSON). Schemas are loose: unknown fields are ignored, so that a newer peer is not
 * refused. PROTOCOL.md is normative for who sends what and when.
 */
const Id = z.string().min(1).max(LIMITS.idChars);
const Count = z.int().nonnegative();
const Text = z.string().max(LIMITS.textChars);
const Base64 = z.string().max(LIMITS.base64Chars);
const Ms = Count.max(TIMES.maxMs);
/** Numbers of attempts and streams as stores and frames hold them. */
const Attempt = z.int().positive().max(MAX_ATTEMPT);
const Stream = z.int().positive().max(MAX_STREAM);
/** More would be a mistake; sums stay far below 2⁵³. */
const Credit = Count.max(MAX_CREDIT);
const Capabilities = z.array(z.string().max(LIMITS.capabilityChars)).max(LIMITS.capabilities);
const LooseError = z.looseObject({ ...ErrorShape.shape, code: Id, message: Text, advice: Text });

/** The lease that every message about a job carries: who may work on which attempt. */
export const Lease = z.looseObject({ jobId: Id, attempt: Attempt, leaseToken: Id });
export type Lease = z.infer<typeof Lease>;

/** What a job asks for. Data only: a connection by its code, a kind and its options; never code, path, host or secret. */
export const JobSpec = z.looseObject({
  jobId: Id,
  connection: Id,
  /** One of `JOB_KINDS`, or one that only a newer catalog knows: the agent rejects what it has no handler for. */
  kind: Id,
  options: z.record(z.string(), z.json()),
  createdAt: Id,
  /** Which attempt the text was signed for, and when, by the catalog's clock: an agent takes each once, in this order. */
  attempt: z.int().positive().optional(),
  issuedAt: Id.optional(),
  /** What the agent drew for the session in which the text was signed. */
  challenge: Base64.optional(),
});
export type JobSpec = z.infer<typeof JobSpec>;

const Hello = z.looseObject({
  type: z.literal('hello'),
  /** No `|`: it would be taken for another part of what is signed. */
  nonce: Base64.regex(/^[^|]*$/),
  serverTime: z.string().max(LIMITS.idChars),
  protocol: z.looseObject({ min: Count, max: Count }),
  limits: z.looseObject({ controlBytes: Count, dataBytes: Count, batchRecords: Count }),
});

/** Facts about an attempt that lies in the agent's spool. `spooledSeq` is 0 when nothing is durable yet. */
export const HeldJob = z.looseObject({ ...Lease.shape, spooledSeq: Count, sealed: z.boolean() });

export const Auth = z.looseObject({
  type: z.literal('auth'),
  agentId: Id,
  keyId: Id,
  bootId: Id,
  version: Id,
  capabilities: Capabilities,
  /** Base64 Ed25519 signature over {@link challenge}. */
  signature: Base64,
  /** Drawn by the agent for this session: jobs that are signed in it repeat it, so none of another session is taken. */
  challenge: Base64.optional(),
  jobs: z.array(HeldJob).max(LIMITS.listedJobs),
  status: AgentStatus,
});

/**
 * Of an attempt that is over. `false`: its job failed, was cancelled or is tried again; what the agent noted of it as done is
 * not. Older gateways do not say it.
 */
const Published = z.boolean().optional();

export const JobVerdict = z.looseObject({
  jobId: Id,
  attempt: Attempt,
  verdict: z.enum(['continue', 'finished', 'lost']),
  durableSeq: Count,
  credit: Credit,
  leaseTtlMs: Ms,
  /** Scopes of this attempt that are published already: a resumed crawl skips them. */
  publishedScopes: z.array(z.string().max(LIMITS.keyChars)).max(LIMITS.publishedScopes),
  cancel: z.boolean().optional(),
  published: Published,
});

export const Welcome = z.looseObject({
  type: z.literal('welcome'),
  sessionId: Id,
  epoch: Count,
  heartbeatMs: Ms,
  livenessMs: Ms,
  connectionCredit: Credit,
  capabilities: Capabilities,
  jobs: z.array(JobVerdict).max(LIMITS.listedJobs),
});

/** Sent just before a close with the same code. */
const Bye = z.looseObject({
  type: z.literal('bye'),
  code: Count.max(65_535),
  message: Text,
  advice: Text,
  retryAfterMs: Ms.optional(),
});

/** `spec` is the exact text that `signature` (base64 Ed25519 by the catalog's key) covers: parse it after verifying. */
export const JobOffer = z.looseObject({
  type: z.literal('job.offer'),
  ...Lease.shape,
  leaseTtlMs: Ms,
  credit: Credit,
  spec: z.string().max(LIMITS.specChars),
  signature: Base64,
});

/** `stream` binds the data frames of this session to the attempt; it is chosen by the agent, unique in the session. */
const JobAccept = z.looseObject({ type: z.literal('job.accept'), ...Lease.shape, stream: Stream });
/** For a job that goes on after `welcome`: binds a stream of the new session to it. */
const JobResume = z.looseObject({ type: z.literal('job.resume'), ...Lease.shape, stream: Stream });
const JobReject = z.looseObject({ type: z.literal('job.reject'), ...Lease.shape, error: LooseError });

/** Lossy, last value wins; for people. */
export const JobProgress = z.looseObject({
  type: z.literal('job.progress'),
  ...Lease.shape,
  scopesDone: Count,
  scopesTotal: Count.nullable(),
  records: Count,
  current: z.array(z.string().max(LIMITS.idChars)).max(LIMITS.currentNames),
});

export const JobFinish = z.looseObject({
  type: z.literal('job.finish'),
  ...Lease.shape,
  lastSeq: Count,
  records: Count,
  /** SHA-256 (hex) over the CRC-32 of every batch in order, each as 4 big-endian bytes. */
  sha256: z.string().max(SHA256_CHARS),
  result: z.enum(['ok', 'error', 'cancelled']),
  error: LooseError.optional(),
});

const JobClosed = z.looseObject({
  type: z.literal('job.closed'),
  jobId: Id,
  attempt: Attempt,
  published: Published,
});
/** The attempt is not this agent's any more: stop, delete, report nothing. */
const JobLost = z.looseObject({ type: z.literal('job.lost'), jobId: Id, attempt: Attempt });
const JobCancel = z.looseObject({
  type: z.literal('job.cancel'),
  jobId: Id,
  attempt: Attempt,
  reason: Text,
});

const Refs = z.array(z.looseObject({ jobId: Id, attempt: Attempt })).max(LIMITS.listedJobs);
const Heartbeat = z.looseObject({ type: z.literal('heartbeat'), leases: z.array(Lease).max(LIMITS.listedJobs) });
export const HeartbeatOk = z.looseObject({
  type: z.literal('heartbeat.ok'),
  leaseTtlMs: Ms,
  lost: Refs,
  cancelled: Refs,
});

const Status = z.looseObject({ type: z.literal('status'), status: AgentStatus });

/** Cumulative: every batch up to `upto` is committed. `credit` bytes come back to the stream and to the connection. */
const Ack = z.looseObject({ type: z.literal('ack'), stream: Stream, upto: Count, credit: Credit });
const Nack = z.looseObject({ type: z.literal('nack'), stream: Stream, durableSeq: Count });
const Drain = z.looseObject({ type: z.literal('drain'), deadlineMs: Ms, reconnectAfterMs: Ms });

/**
 * `keys`: a second key for the agent, over a session that the first opened. `proof` (base64) is the new key's own signature
 * over {@link keyProof}: nobody can register a key that he does not have.
 */
const KeyRotate = z.looseObject({ type: z.literal('key.rotate'), publicKey: Base64, proof: Base64 });
/** `keys`: the new key counts from now on, the one of this session until it is `oldValidMs` old. */
const KeyRotated = z.looseObject({ type: z.literal('key.rotated'), keyId: Id, oldValidMs: Ms });
/** `keys`: please rotate; somebody in the catalog wants it, or the key is old. */
const KeyRenew = z.looseObject({ type: z.literal('key.renew') });
/**
 * `catalogKey`: the catalog's next signing key (SPKI, base64 DER); `signature` (base64) is the pinned key's over
 * {@link catalogKeyText}.
 */
const CatalogKey = z.looseObject({
  type: z.literal('catalog.key'),
  publicKey: Base64,
  signature: Base64,
});
/** `logLevel`: log more for a while. The agent goes back by itself, and its policy may forbid it. */
const LogLevel = z.looseObject({
  type: z.literal('log.level'),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  forMs: Ms,
});

export const ToAgent = z.discriminatedUnion('type', [
  Hello,
  Welcome,
  Bye,
  JobOffer,
  JobClosed,
  JobLost,
  JobCancel,
  HeartbeatOk,
  Ack,
  Nack,
  Drain,
  KeyRotated,
  KeyRenew,
  CatalogKey,
  LogLevel,
]);
export type ToAgent = z.infer<typeof ToAgent>;

export const ToGateway = z.discriminatedUnion('type', [
  Auth,
  JobAccept,
  JobResume,
  JobReject,
  JobProgress,
  JobFinish,
  Heartbeat,
  Status,
  Drain,
  KeyRotate,
]);
export type ToGateway = z.infer<typeof ToGateway>;

/** The bytes that the agent signs: the host in it stops a replay through a look-alike gateway. */
export const challenge = (host: string, nonce: string, agentId: string, bootId: string): string =>
  ['culvert.v1', host.toLowerCase(), nonce, agentId, bootId].join('|');

/** What a new key of an agent signs to show that it exists: bound to the agent and to the session's nonce. */
export const keyProof = (agentId: string, nonce: string, publicKey: string): string =>
  ['culvert.v1.key', agentId, nonce, publicKey].join('|');

/** What the pinned key of the catalog signs to hand over to its successor. */
export const catalogKeyText = (organisation: string, publicKey: string): string =>
  ['culvert.v1.catalogKey', organisation, publicKey].join('|');

/** `POST /v1/enrol`: a one-time token and a public key (SPKI, base64 DER) for an identity. */
export const EnrolRequest = z.object({
  token: z.string().min(1).max(200),
  name: z.string().min(1).max(100),
  publicKey: z.string().min(1).max(200),
  version: z.string().max(50),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;
export const EnrolReply = z.object({
  agentId: Id,
  keyId: Id,
  organisation: Text,
  /** The catalog's signing key (SPKI, base64 DER), pinned from now on. */
  catalogKey: Base64,
});
export type EnrolReply = z.infer<typeof EnrolReply>;
