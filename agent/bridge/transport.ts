import type { Fault } from '#protocol/errors.ts';

/** A sign that WebSockets do not come through, rather than that the gateway is away. */
export interface UpgradeEvidence {
  /** Nothing else explains it. Else it has to be seen again. */
  readonly certain: boolean;
  /** In words for people. */
  readonly seen: string;
}

/** What a connection tells; after `closed` or `failed` nothing more comes. */
export interface TransportListener {
  opened(): void;
  text(text: string): void;
  binary(): void;
  /** Any byte came in. */
  activity(): void;
  closed(code: number): void;
  /** It never opened. `retryAfterMs` when the server asked for patience, or a proxy refused our password. */
  failed(fault: Fault, retryAfterMs: number | undefined, evidence?: UpgradeEvidence): void;
}

export interface TransportConnection {
  /** Given to the connection and, as far as this end knows, not taken by the gateway. */
  readonly unsentBytes: number;
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  /** Resolves when little enough waits to be written that more may be given, or when the connection ended. */
  writable(): Promise<void>;
  /** Closes; terminates when the other end does not answer within a second. */
  close(code: number, reason: string): void;
}

/** A way to the gateway. The session knows nothing of how its messages travel. */
export interface Transport {
  connect(listener: TransportListener): TransportConnection;
}
