import type { z } from 'zod';
import type { ErrorInfo } from './errors.ts';
import type { JobOffer, Lease } from './messages.ts';
import type { AgentStatus } from './status.ts';

export type Offer = z.infer<typeof JobOffer>;

/** One try at a job; `attempt` rises each time the job is leased. */
export interface AttemptRef {
  readonly jobId: string;
  readonly attempt: number;
}

/** How an attempt ended on the agent; written to disk before it is told. */
export interface Seal {
  readonly lastSeq: number;
  readonly records: number;
  /** SHA-256 (hex) over the CRC-32 of every frame in order, each as 4 big-endian bytes. */
  readonly sha256: string;
  readonly result: 'ok' | 'error' | 'cancelled';
  readonly error?: ErrorInfo | undefined;
}

/** What the spool holds of an attempt when the agent starts. */
export interface HeldAttempt extends AttemptRef {
  readonly leaseToken: string;
  /** Kept for the attempt's whole life: frames are spooled with it. */
  readonly stream: number;
  /** The last batch that was trimmed, and the frame sizes of those that follow. */
  readonly trimmedSeq: number;
  readonly frameBytes: readonly number[];
  readonly seal: Seal | undefined;
  /** It may hold records in parts: the catalog that it is sent to must know them. */
  readonly parts?: boolean | undefined;
}

export interface Progress extends AttemptRef {
  readonly scopesDone: number;
  readonly scopesTotal: number | null;
  readonly records: number;
  readonly current: readonly string[];
}

/** All that can happen to the agent's side of the link. */
export type AgentEvent =
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary' }
  /** Any byte came in: pings and parts of messages count as life too. */
  | { readonly type: 'activity' }
  | { readonly type: 'closed'; readonly code: number }
  /** This machine slept, or its process stood still, for longer than a link lasts; `nowMs` has moved on by that time. */
  | { readonly type: 'woke' }
  /** The gateway does not read: too much waits to be sent. */
  | { readonly type: 'congested' }
  /** Dialling failed; `retryAfterMs` when the gateway answered the upgrade with 503. */
  | { readonly type: 'unreachable'; readonly retryAfterMs?: number | undefined }
  | { readonly type: 'signed'; readonly nonce: string; readonly signature: string; readonly challenge?: string }
  | ({ readonly type: 'verified' } & AttemptRef)
  | ({ readonly type: 'refused'; readonly error: ErrorInfo } & AttemptRef)
  /** The attempt's record is fsynced. */
  | ({ readonly type: 'recorded' } & AttemptRef)
  /** A batch is fsynced; `bytes` is its frame. */
  | ({ readonly type: 'spooled'; readonly seq: number; readonly bytes: number } & AttemptRef)
  /** A batch that was to be sent was not, as its attempt was removed before its turn came: `bytes` as in `sendBatch`. */
  | { readonly type: 'unsent'; readonly bytes: number }
  | ({ readonly type: 'sealed'; readonly seal: Seal } & AttemptRef)
  /** The spool of this attempt cannot be used any more. */
  | ({ readonly type: 'broken'; readonly error: ErrorInfo } & AttemptRef)
  | { readonly type: 'progress'; readonly progress: Progress }
  /** A second key was made and is on the disk; `proof` is its signature (base64) over `keyProof`. */
  | { readonly type: 'newKey'; readonly nonce: string; readonly publicKey: string; readonly proof: string }
  | { readonly type: 'status'; readonly status: AgentStatus }
  | { readonly type: 'tick' }
  /** The program is about to end: take no more jobs. */
  | { readonly type: 'drain'; readonly deadlineMs: number };

/** Why an attempt is removed. `unpublished`: it is over, and its job failed, was cancelled or is tried again. */
export type RemovedFor = 'closed' | 'unpublished' | 'lost' | 'broken';

/** All that the machine asks of the program around it, to be done in order. */
export type AgentEffect =
  | { readonly type: 'connect'; readonly afterMs: number }
  | { readonly type: 'send'; readonly text: string }
  /** In order; `bytes` were taken from the credit. */
  | ({ readonly type: 'sendBatch'; readonly seq: number; readonly bytes: number } & AttemptRef)
  /** Close and, if the other end does not answer within a second, terminate. A `closed` event must follow. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'sign'; readonly nonce: string }
  /** The gateway's clock as `hello` has it (ISO 8601, not checked): for a warning, nothing depends on it. */
  | { readonly type: 'greeted'; readonly serverTime: string }
  | { readonly type: 'verify'; readonly offer: Offer }
  /** `parts`: the catalog takes records in parts, so the attempt may hold some; to be kept with its record. */
  | { readonly type: 'record'; readonly offer: Offer; readonly stream: number; readonly parts: boolean }
  /** (Re)start the crawl of an attempt that does not run in this process; skip what is published already. */
  | ({ readonly type: 'startJob'; readonly skipScopes: readonly string[] } & AttemptRef)
  | ({ readonly type: 'trim'; readonly upto: number } & AttemptRef)
  /** Stop what runs and delete the spool of the attempt. */
  | ({ readonly type: 'remove'; readonly why: RemovedFor } & AttemptRef)
  | ({ readonly type: 'cancel'; readonly reason: string } & AttemptRef)
  /** The lease ran out while the link was down: write no more until `resumeJob` or `remove`. */
  | ({ readonly type: 'pauseJob' } & AttemptRef)
  | ({ readonly type: 'resumeJob' } & AttemptRef)
  /** Make a second key and tell of it with `newKey`; `nonce` is that of this session. */
  | { readonly type: 'rotateKey'; readonly nonce: string }
  /** The second key counts from now on; the first does for `oldValidMs` more. */
  | { readonly type: 'keyRotated'; readonly keyId: string; readonly oldValidMs: number }
  /** The catalog hands over to another signing key: pin it if the pinned one signed it. */
  | { readonly type: 'catalogKey'; readonly publicKey: string; readonly signature: string }
  | { readonly type: 'logLevel'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly forMs: number }
  /** For people: what the gateway said when it ended the session. */
  | { readonly type: 'ended'; readonly code: number; readonly message: string; readonly advice: string };

export type AgentState =
  | { readonly name: 'down' }
  | { readonly name: 'connecting' }
  | { readonly name: 'greeting'; readonly deadlineMs: number }
  | { readonly name: 'authenticating'; readonly nonce: string; readonly deadlineMs: number }
  | {
      readonly name: 'open';
      readonly sessionId: string;
      readonly epoch: number;
      readonly nonce: string;
      readonly sinceMs: number;
    }
  | { readonly name: 'closing'; readonly code: number };

/** `jobId` and `attempt` of a lease as one map key. */
export const attemptKey = ({ jobId, attempt }: AttemptRef): string => `${attempt}/${jobId}`;

/** Only the lease of whatever carries one. */
export const leaseOf = ({ jobId, attempt, leaseToken }: AttemptRef & { readonly leaseToken: string }): Lease => ({
  jobId,
  attempt,
  leaseToken,
});
