/** What a channel tells; after `closed` nothing more comes. */
export interface ChannelListener {
  text(text: string): void;
  binary(bytes: Uint8Array): void;
  /** Anything came in. */
  activity(): void;
  /** For the log; `closed` follows. */
  failed(error: Error): void;
  closed(): void;
}

/** How one agent is connected. The session knows nothing of how its messages travel. */
export interface AgentChannel {
  /** Given to the channel and, as far as this end knows, not taken by the agent. */
  readonly unsentBytes: number;
  /** Called once, before anything can come. */
  listen(listener: ChannelListener): void;
  sendText(text: string): void;
  /** Sends what waits, then the code. The agent may never answer: {@link AgentChannel.terminate} ends it for certain. */
  close(code: number, reason: string): void;
  terminate(): void;
}
