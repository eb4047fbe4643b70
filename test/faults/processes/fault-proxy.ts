import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from './chance.ts';

/** What the network does to one connection, once. */
export const NETWORK_FAULTS = [
  /** Both ends get a reset. */
  'cut',
  /** Nothing passes any more, and nobody is told. */
  'blackHole',
  /** One direction ends in order, the other goes on. */
  'halfClose',
  /** As a black hole, but right after the upgrade was answered. */
  'silentUpgrade',
  /** The connection is taken and closed at once. */
  'refused',
] as const;
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

/** How a connection behaves all along. */
export const SHAPES = ['latency', 'jitter', 'slicing', 'bandwidth'] as const;
export type Shape = (typeof SHAPES)[number];

interface Weather {
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Pieces of at most so many bytes. */
  readonly sliceBytes: number | undefined;
  readonly bytesPerSecond: number | undefined;
  readonly fault: { readonly kind: NetworkFault; readonly afterBytes: number } | undefined;
}

export interface NetworkPlan {
  readonly seed: number;
  /** What happens to the connections to come, one fault a connection; those after them are sound. */
  readonly faults: readonly NetworkFault[];
  readonly shapes: readonly Shape[];
}

const CALM: Weather = { latencyMs: 0, jitterMs: 0, sliceBytes: undefined, bytesPerSecond: undefined, fault: undefined };
/** What may wait in a direction: more is left to the sender. */
const HELD_BYTES = 256 * 1024;

/** A connection through the proxy: two sockets, and what passes between them. */
class Passage {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #weather: Weather;
  readonly #chance: Chance;
  readonly #onFault: (fault: NetworkFault) => void;
  readonly #gone = new AbortController();
  #bytes = 0;
  #isSilent = false;
  #struck = false;
  /** The first bytes that the server said, until they tell what they are. */
  #answer = '';

  constructor(
    client: Socket,
    server: Socket,
    weather: Weather,
    chance: Chance,
    onFault: (fault: NetworkFault) => void,
  ) {
    this.#client = client;
    this.#server = server;
    this.#weather = weather;
    this.#chance = chance;
    this.#onFault = onFault;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end());
      // Whoever goes takes the other along, except from a silence: that is what makes it one.
      socket.on('close', () => {
        if (!this.#isSilent) this.end();
      });
    }
    this.#pass(client, server, false);
    this.#pass(server, client, true);
  }

  /** Resets both ends. */
  end(): void {
    this.#gone.abort();
    // libuv refuses to reset a socket that is being shut down, and Node then waits for it for ever when it exits.
    for (const socket of [this.#client, this.#server])
      if (socket.writableEnded) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
  }

  #pass(from: Socket, to: Socket, isAnswer: boolean): void {
    const waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
    const { latencyMs, jitterMs } = this.#weather;
    let held = 0;
    let ended = false;
    let running = false;
    let lastDueMs = 0;
    const run = async (): Promise<void> => {
      if (running) return;
      running = true;
      try {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const waitMs = next.dueMs - performance.now();
          if (waitMs > 0.5) await sleep(waitMs, undefined, { signal: this.#gone.signal });
          await this.#write(to, next.bytes, isAnswer);
          held -= next.bytes.length;
          if (held < HELD_BYTES) from.resume();
        }
        if (ended && !to.destroyed && !this.#isSilent) to.end();
      } catch {
        this.end();
      } finally {
        running = false;
      }
    };
    from.on('data', (bytes: Buffer) => {
      held += bytes.length;
      if (held >= HELD_BYTES) from.pause();
      // A network that keeps the order: what comes later is never due earlier.
      lastDueMs = Math.max(lastDueMs, performance.now() + latencyMs + this.#chance.next() * jitterMs);
      waiting.push({ bytes, dueMs: lastDueMs });
      void run();
    });
    from.on('end', () => {
      ended = true;
      void run();
    });
  }

  async #write(to: Socket, bytes: Buffer, isAnswer: boolean): Promise<void> {
    const { sliceBytes = bytes.length, bytesPerSecond, fault } = this.#weather;
    for (let at = 0; at < bytes.length; ) {
      const slice = bytes.subarray(at, at + Math.max(1, Math.ceil(sliceBytes * this.#chance.next())));
      at += slice.length;
      if (this.#isSilent) continue;
      if (fault && !this.#struck && fault.kind !== 'silentUpgrade' && this.#bytes + slice.length > fault.afterBytes) {
        // A part of a frame arrives, and then it strikes.
        to.write(slice.subarray(0, Math.max(0, fault.afterBytes - this.#bytes)));
        this.#strike(fault.kind, to);
        if (fault.kind !== 'halfClose') continue;
        return;
      }
      this.#bytes += slice.length;
      if (to.destroyed || to.writableEnded) return;
      if (!to.write(slice)) await once(to, 'drain', { signal: this.#gone.signal });
      if (isAnswer) this.#lookForUpgrade(slice);
      if (bytesPerSecond !== undefined)
        await sleep((slice.length / bytesPerSecond) * 1_000, undefined, { signal: this.#gone.signal });
      else if (sliceBytes < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #lookForUpgrade(slice: Buffer): void {
    const { fault } = this.#weather;
    if (fault?.kind !== 'silentUpgrade' || this.#struck) return;
    this.#answer = (this.#answer + slice.toString('latin1')).slice(0, 4_096);
    if (this.#answer.startsWith('HTTP/1.1 101') && this.#answer.includes('\r\n\r\n'))
      this.#strike(fault.kind, this.#client);
  }

  #strike(kind: NetworkFault, to: Socket): void {
    this.#struck = true;
    this.#onFault(kind);
    if (kind === 'cut') this.end();
    else if (kind === 'halfClose') to.end();
    else this.#isSilent = true;
  }
}

/** A TCP proxy on loopback that does to its connections what networks do, by a plan that a seed makes. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #passages = new Set<Passage>();
  #plan: NetworkPlan = { seed: 0, faults: [], shapes: [] };
  #accepted = 0;
  #isDown = false;
  /** How often each fault happened, and on how many connections each shape lay. */
  readonly counts: Partial<Record<NetworkFault | Shape, number>> = {};

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, targetPort);
  }

  /** From now on; the connections of before are cut. */
  follow(plan: NetworkPlan): void {
    this.#plan = plan;
    this.#accepted = 0;
    this.cutAll();
  }

  /** No faults any more for the connections to come; those that are silent are cut, the others stay as they are. */
  calm(): void {
    this.#plan = { seed: 0, faults: [], shapes: [] };
  }

  cutAll(): void {
    for (const passage of this.#passages) passage.end();
    this.#passages.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDown = true;
    this.#server.close();
    this.cutAll();
    await once(this.#server, 'close');
  }

  #count(what: NetworkFault | Shape): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #accept(client: Socket): void {
    if (this.#isDown) {
      client.destroy();
      return;
    }
    const index = this.#accepted++;
    const chance = new Chance(this.#plan.seed, index);
    const weather = this.#weather(chance, index);
    if (weather.fault?.kind === 'refused') {
      this.#count('refused');
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const passage = new Passage(client, server, weather, chance, (fault) => this.#count(fault));
    this.#passages.add(passage);
    void Promise.all([once(client, 'close'), once(server, 'close')]).then(
      () => this.#passages.delete(passage),
      () => this.#passages.delete(passage),
    );
  }

  #weather(chance: Chance, index: number): Weather {
    const kind = this.#plan.faults[index];
    const has = (shape: Shape): boolean => {
      if (!this.#plan.shapes.includes(shape)) return false;
      this.#count(shape);
      return true;
    };
    return {
      ...CALM,
      latencyMs: has('latency') ? chance.between(1, 30) : 0,
      jitterMs: has('jitter') ? chance.between(1, 20) : 0,
      sliceBytes: has('slicing') ? chance.between(1, 3_000) : undefined,
      bytesPerSecond: has('bandwidth') ? chance.between(150, 2_000) * 1024 : undefined,
      // Within the handshake as often as within the stream.
      fault:
        kind === undefined
          ? undefined
          : { kind, afterBytes: chance.between(0, chance.pick([300, 1_500, 8_000, 60_000, 150_000])) },
    };
  }
}
