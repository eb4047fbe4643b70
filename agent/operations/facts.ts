import type { AgentState } from '#protocol/agent-events.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { RecentEntry } from './recent.ts';

/** The link to the catalog as it is now. */
export interface LinkFacts {
  readonly gateway: string;
  readonly state: AgentState['name'];
  /** Since when there is a session, or none; ISO 8601. */
  readonly since: string;
  /** How messages travel: `websocket`, `polling`, or `none yet`. */
  readonly transport: string;
  /** `directly`, or through which proxy; never with a password. */
  readonly way: string;
  /** Milliseconds since the catalog last answered; null when it never did. */
  readonly sinceRoundTripMs: number | null;
  /** How long the last heartbeat took to be answered. */
  readonly roundTripMs: number | null;
  readonly epoch: number | null;
  /** Why there is no session. */
  readonly error: ErrorInfo | null;
}

export interface RunningJob {
  readonly jobId: string;
  readonly kind: string;
  readonly connection: string;
  readonly since: string;
  readonly scopesDone: number;
  readonly scopesTotal: number | null;
  readonly records: number;
}

/** A connection file, without its URLs and users: other users of the machine can read this. */
export interface ConnectionFacts {
  readonly file: string;
  readonly code: string | null;
  readonly name: string | null;
  readonly state: string;
  readonly errors: number;
  readonly warnings: number;
  /** The first error, with its place; null when there is none. */
  readonly problem: string | null;
}

/** All that a running agent tells of itself on `/statusz`. No secret, no URL of a site, nothing that was crawled. */
export interface AgentFacts {
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly hostname: string;
  readonly startedAt: string;
  readonly agentId: string;
  readonly organisation: string;
  readonly ready: boolean;
  /** Why not, in words; null when it is. */
  readonly notReady: string | null;
  readonly link: LinkFacts;
  readonly connectionsFolder: string;
  readonly connections: readonly ConnectionFacts[];
  readonly jobs: readonly RunningJob[];
  readonly spool: {
    readonly folder: string;
    readonly bytes: number;
    readonly limitBytes: number;
    readonly attempts: number;
    /** Why crawls wait. */
    readonly error: ErrorInfo | null;
  };
  readonly disk: { readonly freeBytes: number | null; readonly totalBytes: number | null };
  readonly log: {
    readonly level: string;
    /** Until when the catalog has raised it; null when it has not. */
    readonly raisedUntil: string | null;
    readonly file: string | null;
    readonly droppedLines: number;
  };
  readonly memoryBytes: number;
  /** What keeps the agent as a whole from working. */
  readonly faults: readonly ErrorInfo[];
  /** The last warnings and errors, the newest first. */
  readonly recent: readonly RecentEntry[];
}
