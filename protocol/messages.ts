import { z } from 'zod';
import { ErrorShape } from './errors.ts';
import { AgentStatus } from './status.ts';

/**
 * The control messages (text frames, JSON). Schemas are loose: unknown fields are ignored, so that a newer peer is not
 * refused. PROTOCOL.md is normative for who sends what and when.
 */
const Id = z.string().min(1).max(200);
const Count = z.int().nonnegative();
const LooseError = z.looseObject(ErrorShape.shape);

/** The lease that every message about a job carries: who may work on which attempt. */
export const Lease = z.looseObject({ jobId: Id, attempt: z.int().positive(), leaseToken: Id });
export type Lease = z.infer<typeof Lease>;

/** The kinds of jobs that this release knows: reading a site, and running the doctor's checks against it. */
export const JOB_KINDS = ['crawl', 'test'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Options of a job of kind `test`. */
export const TestOptions = z.object({
  /** Also checks the agent's own way to the catalog, besides the connection. */
  link: z.boolean().default(false),
  /** Also sends what Qlik needs for the connection, as records `settings`: whoever asks can read them. */
  settings: z.boolean().default(false),
});

/** What a job asks for. Data only: a connection by its code, a kind and its options; never code, path, host or secret. */
export const JobSpec = z.looseObject({
  jobId: Id,
  connection: z.string(),
  /** One of {@link JOB_KINDS}, or one that only a newer catalog knows: the agent rejects what it has no handler for. */
  kind: z.string(),
  options: z.record(z.string(), z.json()),
  createdAt: z.string(),
});
export type JobSpec = z.infer<typeof JobSpec>;

const Hello = z.looseObject({
  type: z.literal('hello'),
  nonce: z.string(),
  serverTime: z.string(),
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
  version: z.string(),
  capabilities: z.array(z.string()),
  /** Base64 Ed25519 signature over {@link challenge}. */
  signature: z.string(),
  jobs: z.array(HeldJob),
  status: AgentStatus,
});

export const JobVerdict = z.looseObject({
  jobId: Id,
  attempt: z.int().positive(),
  verdict: z.enum(['continue', 'finished', 'lost']),
  durableSeq: Count,
  credit: Count,
  leaseTtlMs: Count,
  /** Scopes of this attempt that are published already: a resumed crawl skips them. */
  publishedScopes: z.array(z.string()),
  cancel: z.boolean().optional(),
});

export const Welcome = z.looseObject({
  type: z.literal('welcome'),
  sessionId: Id,
  epoch: Count,
  heartbeatMs: Count,
  livenessMs: Count,
  connectionCredit: Count,
  capabilities: z.array(z.string()),
  jobs: z.array(JobVerdict),
});

/** Sent just before a close with the same code. */
const Bye = z.looseObject({
  type: z.literal('bye'),
  code: z.int(),
  message: z.string(),
  advice: z.string(),
  retryAfterMs: Count.optional(),
});

/** `spec` is the exact text that `signature` (base64 Ed25519 by the catalog's key) covers: parse it after verifying. */
export const JobOffer = z.looseObject({
  type: z.literal('job.offer'),
  ...Lease.shape,
  leaseTtlMs: Count,
  credit: Count,
  spec: z.string(),
  signature: z.string(),
});

/** `stream` binds the data frames of this session to the attempt; it is chosen by the agent, unique in the session. */
const JobAccept = z.looseObject({ type: z.literal('job.accept'), ...Lease.shape, stream: z.int().positive() });
/** For a job that goes on after `welcome`: binds a stream of the new session to it. */
const JobResume = z.looseObject({ type: z.literal('job.resume'), ...Lease.shape, stream: z.int().positive() });
const JobReject = z.looseObject({ type: z.literal('job.reject'), ...Lease.shape, error: LooseError });

/** Lossy, last value wins; for people. */
export const JobProgress = z.looseObject({
  type: z.literal('job.progress'),
  ...Lease.shape,
  scopesDone: Count,
  scopesTotal: Count.nullable(),
  records: Count,
  current: z.array(z.string()),
});

export const JobFinish = z.looseObject({
  type: z.literal('job.finish'),
  ...Lease.shape,
  lastSeq: Count,
  records: Count,
  /** SHA-256 (hex) over the CRC-32 of every batch in order, each as 4 big-endian bytes. */
  sha256: z.string(),
  result: z.enum(['ok', 'error', 'cancelled']),
  error: LooseError.optional(),
});

const JobClosed = z.looseObject({ type: z.literal('job.closed'), jobId: Id, attempt: z.int().positive() });
/** The attempt is not this agent's any more: stop, delete, report nothing. */
const JobLost = z.looseObject({ type: z.literal('job.lost'), jobId: Id, attempt: z.int().positive() });
const JobCancel = z.looseObject({
  type: z.literal('job.cancel'),
  jobId: Id,
  attempt: z.int().positive(),
  reason: z.string(),
});

const Heartbeat = z.looseObject({ type: z.literal('heartbeat'), leases: z.array(Lease) });
export const HeartbeatOk = z.looseObject({
  type: z.literal('heartbeat.ok'),
  leaseTtlMs: Count,
  lost: z.array(z.looseObject({ jobId: Id, attempt: z.int().positive() })),
  cancelled: z.array(z.looseObject({ jobId: Id, attempt: z.int().positive() })),
});

const Status = z.looseObject({ type: z.literal('status'), status: AgentStatus });

/** Cumulative: every batch up to `upto` is committed. `credit` bytes come back to the stream and to the connection. */
const Ack = z.looseObject({ type: z.literal('ack'), stream: z.int().positive(), upto: Count, credit: Count });
const Nack = z.looseObject({ type: z.literal('nack'), stream: z.int().positive(), durableSeq: Count });
const Drain = z.looseObject({ type: z.literal('drain'), deadlineMs: Count, reconnectAfterMs: Count });

/**
 * `keys`: a second key for the agent, over a session that the first opened. `proof` (base64) is the new key's own signature
 * over {@link keyProof}: nobody can register a key that he does not have.
 */
const KeyRotate = z.looseObject({ type: z.literal('key.rotate'), publicKey: z.string().max(200), proof: z.string() });
/** `keys`: the new key counts from now on, the one of this session until it is `oldValidMs` old. */
const KeyRotated = z.looseObject({ type: z.literal('key.rotated'), keyId: Id, oldValidMs: Count });
/** `keys`: please rotate; somebody in the catalog wants it, or the key is old. */
const KeyRenew = z.looseObject({ type: z.literal('key.renew') });
/**
 * `catalogKey`: the catalog's next signing key (SPKI, base64 DER); `signature` (base64) is the pinned key's over
 * {@link catalogKeyText}.
 */
const CatalogKey = z.looseObject({
  type: z.literal('catalog.key'),
  publicKey: z.string().max(200),
  signature: z.string(),
});
/** `logLevel`: log more for a while. The agent goes back by itself, and its policy may forbid it. */
const LogLevel = z.looseObject({
  type: z.literal('log.level'),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  forMs: Count,
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
  agentId: z.string(),
  keyId: z.string(),
  organisation: z.string(),
  /** The catalog's signing key (SPKI, base64 DER), pinned from now on. */
  catalogKey: z.string(),
});
export type EnrolReply = z.infer<typeof EnrolReply>;
