import { AgentConnection } from '#catalog/gateway/connection.ts';
import { HOST } from './agent.ts';
import type { Connection } from './network.ts';
import type { Random } from './random.ts';
import type { StoreService } from './store-service.ts';
import { Owner, type Time } from './time.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** One run of a catalog process: the real connection and machine for each agent, before the simulated store. */
export class GatewayProcess {
  readonly owner: Owner;
  readonly #time: Time;
  readonly #random: Random;
  readonly #store: StoreService;
  readonly #connections = new Map<Connection, AgentConnection>();
  /** Takes no more connections. */
  isRefusing = false;

  constructor(time: Time, random: Random, store: StoreService, name: string) {
    this.#time = time;
    this.#random = random;
    this.#store = store;
    this.owner = new Owner(name);
    store.start(this.owner);
  }

  get connections(): readonly Connection[] {
    return [...this.#connections.keys()];
  }

  /** An upgrade was let through. */
  accept(connection: Connection): void {
    const { owner } = this;
    const time = this.#time;
    time.as(owner, () => {
      const made = new AgentConnection(connection.channel, {
        backend: this.#store.backendOf(owner),
        host: HOST,
        nonce: this.#random.id(),
        random: () => this.#random.next(),
        clock: {
          nowMs: () => time.nowMs + owner.clockOffsetMs,
          after: (ms, call) => time.after(Math.ceil(ms), owner, call, true),
          timestamp: () => '2026-01-01T00:00:00.000Z',
        },
        log: quiet,
        onAuthenticated: () => undefined,
        onClosed: () => this.#connections.delete(connection),
      });
      this.#connections.set(connection, made);
    });
  }

  drain(deadlineMs: number, reconnectAfterMs: number): void {
    this.isRefusing = true;
    for (const connection of [...this.#connections.values()])
      this.#time.as(this.owner, () => connection.dispatch({ type: 'drain', deadlineMs, reconnectAfterMs }));
  }

  /** The process is gone; what it asked of the store may still be done. */
  end(): void {
    this.owner.alive = false;
    this.#store.stop(this.owner);
  }
}
