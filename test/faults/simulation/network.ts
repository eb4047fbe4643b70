import type { TransportConnection, TransportListener } from '#agent/bridge/transport.ts';
import type { AgentChannel, ChannelListener } from '#catalog/gateway/channel.ts';
import type { Random } from './random.ts';
import type { Owner, Time } from './time.ts';

type Item =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array }
  | { readonly kind: 'close'; readonly code: number };

const sizeOf = (item: Item): number =>
  item.kind === 'binary' ? item.bytes.length : item.kind === 'text' ? item.text.length : 8;

const CLOSE_MS = 1_000;
const HIGH_WATER_BYTES = 24 * 1024;

/** One direction of a connection: in order, late, and at times not at all. */
class Pipe {
  readonly #time: Time;
  readonly #random: Random;
  readonly #reader: Owner;
  readonly #deliver: (item: Item) => void;
  readonly #held: Item[] = [];
  #lastAtMs = 0;
  #isStalled = false;
  /** Written and not delivered yet. */
  buffered = 0;
  latencyMs: number;
  bytesPerMs: number;
  drained: () => void = () => undefined;

  constructor(time: Time, random: Random, reader: Owner, deliver: (item: Item) => void) {
    this.#time = time;
    this.#random = random;
    this.#reader = reader;
    this.#deliver = deliver;
    this.latencyMs = random.pick([1, 5, 30, 120]) ?? 1;
    this.bytesPerMs = random.pick([4, 60, 1_000]) ?? 60;
  }

  write(item: Item): void {
    const bytes = sizeOf(item);
    this.buffered += bytes;
    const jitter = this.latencyMs * this.#random.between(0.5, 1.5);
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#time.nowMs + jitter) + bytes / this.bytesPerMs;
    this.#time.after(this.#lastAtMs - this.#time.nowMs, this.#reader, () => {
      if (this.#isStalled || this.#held.length > 0) this.#held.push(item);
      else this.#give(item);
    });
  }

  /** Nothing comes through until {@link flow}; nobody is told. */
  stall(): void {
    this.#isStalled = true;
  }

  flow(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    const next = (): void => {
      if (this.#isStalled) return;
      const item = this.#held.shift();
      if (!item) return;
      this.#give(item);
      if (this.#held.length > 0) this.#time.after(0.1, this.#reader, next);
    };
    this.#time.after(0, this.#reader, next);
  }

  #give(item: Item): void {
    this.buffered -= sizeOf(item);
    this.#deliver(item);
    this.drained();
  }
}

/** What is seen of a connection by whoever checks the rules. */
export interface WireTap {
  agentSent(connection: Connection, item: Item): void;
  agentHeard(connection: Connection, item: Item): void;
  gatewaySent(connection: Connection, item: Item): void;
  gatewayHeard(connection: Connection, item: Item): void;
}

/** A connection between an agent and a gateway, with what a real socket does at its ends. */
export class Connection {
  readonly id: number;
  readonly agent: Owner;
  readonly gateway: Owner;
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #time: Time;
  readonly #listener: TransportListener;
  readonly #tap: WireTap;
  #gatewayListener: ChannelListener | undefined;
  agentEnded = false;
  gatewayEnded = false;
  #waiting: (() => void)[] = [];

  constructor(
    time: Time,
    random: Random,
    ends: { readonly id: number; readonly agent: Owner; readonly gateway: Owner },
    listener: TransportListener,
    tap: WireTap,
  ) {
    this.id = ends.id;
    this.agent = ends.agent;
    this.gateway = ends.gateway;
    this.#time = time;
    this.#listener = listener;
    this.#tap = tap;
    this.up = new Pipe(time, random, ends.gateway, (item) => this.#toGateway(item));
    this.down = new Pipe(time, random, ends.agent, (item) => this.#toAgent(item));
    this.up.drained = () => {
      if (this.up.buffered <= HIGH_WATER_BYTES / 4) this.#wake();
    };
  }

  /** The agent's end. */
  get end(): TransportConnection {
    const { up } = this;
    return {
      get unsentBytes() {
        return up.buffered;
      },
      sendText: (text) => this.#agentSends({ kind: 'text', text }),
      sendBinary: (bytes) => this.#agentSends({ kind: 'binary', bytes }),
      writable: () =>
        this.agentEnded || this.up.buffered <= HIGH_WATER_BYTES
          ? Promise.resolve()
          : new Promise((resolve) => this.#waiting.push(resolve)),
      close: (code) => {
        if (this.agentEnded) return;
        this.#agentSends({ kind: 'close', code });
        this.#time.after(CLOSE_MS, this.agent, () => this.endAgent(1006));
      },
    };
  }

  /** The gateway's end. */
  get channel(): AgentChannel {
    const { down } = this;
    return {
      get unsentBytes() {
        return down.buffered;
      },
      listen: (listener) => {
        this.#gatewayListener = listener;
      },
      sendText: (text) => this.#gatewaySends({ kind: 'text', text }),
      close: (code) => this.#gatewaySends({ kind: 'close', code }),
      terminate: () => this.endGateway(),
    };
  }

  #gatewaySends(item: Item): void {
    if (this.gatewayEnded) return;
    this.#tap.gatewaySent(this, item);
    this.down.write(item);
  }

  /** The agent's operating system says that the connection is over. */
  endAgent(code: number): void {
    if (this.agentEnded) return;
    this.agentEnded = true;
    this.#wake();
    if (this.agent.alive) this.#time.as(this.agent, () => this.#listener.closed(code));
  }

  endGateway(): void {
    if (this.gatewayEnded) return;
    this.gatewayEnded = true;
    if (this.gateway.alive) this.#time.as(this.gateway, () => this.#gatewayListener?.closed());
  }

  get isOver(): boolean {
    return (this.agentEnded || !this.agent.alive) && (this.gatewayEnded || !this.gateway.alive);
  }

  #agentSends(item: Item): void {
    if (this.agentEnded) return;
    this.#tap.agentSent(this, item);
    this.up.write(item);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #toGateway(item: Item): void {
    if (this.gatewayEnded) return;
    this.#tap.gatewayHeard(this, item);
    if (item.kind === 'text') this.#gatewayListener?.text(item.text);
    else if (item.kind === 'binary') this.#gatewayListener?.binary(item.bytes);
    else {
      // A close is answered by a close.
      this.down.write(item);
      this.endGateway();
    }
  }

  #toAgent(item: Item): void {
    if (this.agentEnded) return;
    this.#tap.agentHeard(this, item);
    if (item.kind === 'text') this.#listener.text(item.text);
    else if (item.kind === 'binary') this.#listener.binary();
    else {
      this.up.write(item);
      this.endAgent(item.code);
    }
  }
}
