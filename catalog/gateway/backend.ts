import type { ErrorInfo } from '#protocol/errors.ts';
import type { Part } from '#protocol/frame.ts';
import type { EnrolReply, EnrolRequest, Lease, ToAgent, ToGateway } from '#protocol/messages.ts';
import type { AgentStatus } from '#protocol/status.ts';

/** What the catalog says to an agent besides jobs. */
export type Ask = Extract<ToAgent, { type: 'key.renew' | 'catalog.key' | 'log.level' }>;

/** Why an agent is turned away, or its session ended. */
export interface Refusal {
  readonly closeCode: number;
  readonly message: string;
  readonly advice: string;
}

/** What an agent's session is woken with. */
export interface WakeUp {
  readonly cancel?: { readonly jobId: string; readonly attempt: number };
  readonly ask?: Ask;
  /** The session ends at once: the agent was disabled, revoked, or shares its identity. */
  readonly end?: Refusal;
}

type Message<T extends ToGateway['type']> = Extract<ToGateway, { type: T }>;

/** An authenticated session; every write that it causes is fenced by `epoch` (bridge: the newest session wins). */
export interface AgentSession {
  readonly organisationId: string;
  readonly agentId: string;
  readonly sessionId: string;
  readonly epoch: number;
  /** What the agent drew for this session: the texts of its jobs repeat it. Older agents draw nothing. */
  readonly challenge?: string | undefined;
}

export interface HeldVerdict {
  readonly jobId: string;
  readonly attempt: number;
  readonly verdict: 'continue' | 'finished' | 'lost';
  readonly durableSeq: number;
  readonly publishedScopes: readonly string[];
  readonly cancel: boolean;
  /** The attempt is finished, and its job was not published by it. */
  readonly published?: false | undefined;
}

export interface Offer extends Lease {
  /** The exact text of the JobSpec, and the catalog's signature over it (base64). */
  readonly spec: string;
  readonly signature: string;
}

/** A batch as it came: header fields of the frame and its payload, still compressed. */
export interface Batch {
  readonly seq: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly codec: 'none' | 'zstd' | 'deflate';
  readonly crc32: number;
  readonly payload: Uint8Array;
  /** The batch is a part of one record; absent when it holds whole ones. */
  readonly part?: Part | undefined;
}

/**
 * All that the gateway needs of the store. The gateway keeps nothing but sockets: whatever must survive it is decided
 * here, in one transaction a call. Methods reject only on a fault of the store itself (the gateway then closes with
 * 4000 or 4002 and the agent comes back); everything foreseen is a result.
 */
export interface GatewayBackend {
  enrol(request: EnrolRequest): Promise<EnrolReply | { readonly refused: ErrorInfo }>;
  /** Verifies the signature over the challenge, raises the agent's epoch, stores the status, judges the held jobs. */
  authenticate(
    auth: Message<'auth'>,
    proof: { readonly host: string; readonly nonce: string },
  ): Promise<
    /** `asks`: what is said to the agent before any job. */
    | { readonly session: AgentSession; readonly jobs: readonly HeldVerdict[]; readonly asks?: readonly Ask[] }
    | { readonly refused: Refusal }
  >;
  /**
   * Registers the agent's next key, in one transaction fenced by the session; the keys before it count for `oldValidMs`
   * more. Again with the same key: the same answer.
   */
  rotateKey(
    session: AgentSession,
    key: { readonly publicKey: string; readonly proof: string; readonly nonce: string },
  ): Promise<{ readonly keyId: string; readonly oldValidMs: number } | { readonly refused: Refusal }>;
  /** Leases the next queued job of this agent, or none. */
  claim(session: AgentSession): Promise<Offer | undefined>;
  accept(session: AgentSession, lease: Lease): Promise<'ok' | 'lost'>;
  reject(session: AgentSession, lease: Lease, error: ErrorInfo): Promise<void>;
  renew(
    session: AgentSession,
    leases: readonly Lease[],
  ): Promise<{
    readonly lost: readonly { jobId: string; attempt: number }[];
    readonly cancelled: readonly { jobId: string; attempt: number }[];
    /** False when a newer session of the agent exists: the gateway closes with 4009. */
    readonly current: boolean;
  }>;
  /**
   * Makes a batch durable by compare-and-set on `durable_seq` (CRC and limits were checked before). `consumed` resolves
   * when the batch was decoded and its scopes published: the gateway returns its credit then, not before.
   */
  storeBatch(
    session: AgentSession,
    lease: Lease,
    batch: Batch,
  ): Promise<{
    readonly result: 'stored' | 'duplicate' | 'gap' | 'lost';
    readonly durableSeq: number;
    readonly consumed: Promise<void>;
  }>;
  progress(session: AgentSession, progress: Message<'job.progress'>): Promise<void>;
  /** Waits until everything before it is published; `gap` means that `durableSeq` is short of `lastSeq`. */
  finish(
    session: AgentSession,
    finish: Message<'job.finish'>,
  ): Promise<{
    readonly result: 'closed' | 'lost' | 'gap';
    readonly durableSeq: number;
    /** The attempt is closed, and its job was not published by it. */
    readonly published?: false | undefined;
  }>;
  status(session: AgentSession, status: AgentStatus): Promise<void>;
  disconnected(session: AgentSession): Promise<void>;
  /** Calls back when a job may be waiting for, or something is asked of, this agent; returns the unsubscribe. */
  onWake(session: AgentSession, wake: (what: WakeUp) => void): () => void;
}
