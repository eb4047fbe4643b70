import type { z } from 'zod';
import type { AttemptRef } from './agent-events.ts';
import type { ErrorInfo } from './errors.ts';
import type { DecodedFrame } from './frame.ts';
import type { Auth, JobFinish, JobProgress, Lease, ToAgent } from './messages.ts';
import type { AgentStatus } from './status.ts';

/** What the store says of a job that the agent holds. */
export interface Verdict extends AttemptRef {
  readonly verdict: 'continue' | 'finished' | 'lost';
  readonly durableSeq: number;
  readonly publishedScopes: readonly string[];
  readonly cancel: boolean;
  /** The attempt is finished, and its job was not published by it. */
  readonly published?: false | undefined;
}

/** All that can happen to the gateway's side of one connection. */
export type GatewayEvent =
  | { readonly type: 'open' }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary'; readonly bytes: Uint8Array }
  | { readonly type: 'activity' }
  | { readonly type: 'closed' }
  | {
      readonly type: 'authenticated';
      readonly sessionId: string;
      readonly epoch: number;
      readonly jobs: readonly Verdict[];
    }
  | { readonly type: 'refused'; readonly closeCode: number; readonly message: string; readonly advice: string }
  | {
      readonly type: 'claimed';
      readonly offer:
        | {
            readonly jobId: string;
            readonly attempt: number;
            readonly leaseToken: string;
            readonly spec: string;
            readonly signature: string;
          }
        | undefined;
    }
  | { readonly type: 'accepted'; readonly stream: number; readonly result: 'ok' | 'lost' }
  | {
      readonly type: 'stored';
      readonly stream: number;
      readonly bytes: number;
      readonly result: 'stored' | 'duplicate' | 'gap' | 'lost';
      readonly durableSeq: number;
    }
  /** A stored batch was decoded and published as far as it goes: its credit may return. */
  | { readonly type: 'consumed'; readonly stream: number; readonly bytes: number }
  | {
      readonly type: 'renewed';
      readonly lost: readonly AttemptRef[];
      readonly cancelled: readonly AttemptRef[];
      readonly current: boolean;
    }
  | ({
      readonly type: 'finished';
      readonly result: 'closed' | 'lost' | 'gap';
      readonly durableSeq: number;
      /** The attempt is closed, and its job was not published by it. */
      readonly published?: false | undefined;
    } & AttemptRef)
  /** A job may be waiting, or a cancel was asked for. */
  | { readonly type: 'wake'; readonly cancel?: AttemptRef | undefined }
  | { readonly type: 'drain'; readonly deadlineMs: number; readonly reconnectAfterMs: number }
  /** The store took the agent's new key. */
  | { readonly type: 'keyRotated'; readonly keyId: string; readonly oldValidMs: number }
  /** What the catalog wants of the agent besides jobs; said only to an agent that knows it. */
  | { readonly type: 'ask'; readonly message: Extract<ToAgent, { type: 'key.renew' | 'catalog.key' | 'log.level' }> }
  /** The store failed; `overloaded`: it did not answer in time, and whoever comes at once makes that worse. */
  | { readonly type: 'failed'; readonly message: string; readonly overloaded?: boolean | undefined }
  /** The agent does not read: too much waits to be sent. */
  | { readonly type: 'congested' }
  | { readonly type: 'tick' };

/** All that the machine asks of the program around it. */
export type GatewayEffect =
  | { readonly type: 'send'; readonly text: string }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'authenticate'; readonly auth: z.infer<typeof Auth>; readonly nonce: string }
  /** The session is open: wake-ups may come from now on. */
  | { readonly type: 'subscribe' }
  | { readonly type: 'claim' }
  | { readonly type: 'accept'; readonly lease: Lease; readonly stream: number }
  | { readonly type: 'reject'; readonly lease: Lease; readonly error: ErrorInfo }
  | {
      readonly type: 'store';
      readonly stream: number;
      readonly lease: Lease;
      readonly frame: DecodedFrame;
      readonly bytes: number;
    }
  | { readonly type: 'renew'; readonly leases: readonly Lease[] }
  | { readonly type: 'finish'; readonly finish: z.infer<typeof JobFinish> }
  | { readonly type: 'progress'; readonly progress: z.infer<typeof JobProgress> }
  | { readonly type: 'status'; readonly status: AgentStatus }
  | { readonly type: 'rotateKey'; readonly publicKey: string; readonly proof: string; readonly nonce: string }
  | { readonly type: 'disconnected' };

export type GatewayState =
  | { readonly name: 'new' }
  | { readonly name: 'greeting'; readonly deadlineMs: number }
  | { readonly name: 'authenticating'; readonly deadlineMs: number }
  | {
      readonly name: 'open';
      readonly sessionId: string;
      readonly epoch: number;
      readonly drainAtMs: number | undefined;
    }
  | { readonly name: 'closed' };
