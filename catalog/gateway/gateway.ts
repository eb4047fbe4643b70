import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AGENT_PATH, LIMITS, SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import { POLLING } from '#protocol/polling.ts';
import { Admission } from './admission.ts';
import type { AgentSession, GatewayBackend } from './backend.ts';
import type { AgentChannel } from './channel.ts';
import { webSocketChannel } from './channel-websocket.ts';
import { clientAddress } from './client-address.ts';
import { type GatewayClock, systemClock } from './clock.ts';
import { AgentConnection } from './connection.ts';
import type { GatewayLog } from './log.ts';
import { PollingDoor } from './polling.ts';
import { type Refusal, refuseUpgrade } from './refusal.ts';

export interface GatewayOptions {
  readonly backend: GatewayBackend;
  readonly log: GatewayLog;
  readonly clock?: GatewayClock;
  /** Connections of agents at a time; further ones are answered with 503. Default 10,000. */
  readonly maxConnections?: number;
  /** New connections a second; a burst of twice as many is let through. Default 200. */
  readonly handshakesPerSecond?: number;
  /** Connections that have not authenticated yet. Default 1,000. */
  readonly maxUnauthenticated?: number;
  /**
   * The same from one address (of IPv6, one /64). Default a quarter of all: a whole fleet may stand behind one address,
   * and at 200 handshakes a second a quarter of 1,000 is more than it ever has under way.
   */
  readonly maxUnauthenticatedPerAddress?: number;
  /** A proxy stands before the gateway and writes `X-Forwarded-For`. Default false. */
  readonly behindProxy?: boolean;
  /** How long a poll is held. Default 25 s. */
  readonly pollHoldMs?: number;
  /**
   * Whether the catalog is reached by this `Host`. The agent's signature holds for the name that it dialled, so a gateway
   * that answers to any name lets a look-alike pass its agents' signatures on. Default: any name.
   */
  readonly answersTo?: (host: string) => boolean;
  /** Told of every agent that asks for a link: let in, or refused with a status of HTTP. For figures. */
  readonly onAsked?: (transport: AgentTransport, result: 'admitted' | number) => void;
  /** Told of every agent that has shown who it is. */
  readonly onSession?: (transport: AgentTransport) => void;
}

export type AgentTransport = 'websocket' | 'polling';

/** A `Host` header: a name or address with an optional port, nothing that could smuggle a separator into the challenge. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Another gateway is up by then, or this one again. */
const CLOSING_SECONDS = 5;
/** How much longer than its deadline a drain may take: what is then still there is cut off. */
const DRAIN_SLACK_MS = 3_000;

/** An upgrade or a polling agent is let in by the same rules. */
const isRefusal = (value: object): value is Refusal => 'status' in value;

/** The catalog's end of the tunnel: takes agents from an HTTP server that it does not own. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: GatewayClock;
  readonly #server: WebSocketServer;
  readonly #polling: PollingDoor;
  readonly #admission: Admission;
  readonly #maxUnauthenticated: number;
  readonly #maxConnections: number;
  readonly #connections = new Set<AgentConnection>();
  /** Who has not authenticated, with the address that each came from. */
  readonly #unauthenticated = new Map<AgentConnection, string>();
  readonly #addresses = new Map<string, number>();
  /** Whose links ended before they authenticated, and until when each counts as one that is under way; the oldest first. */
  readonly #lapsed: { readonly address: string; readonly untilMs: number }[] = [];
  #idle: (() => void) | undefined;
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#maxConnections = options.maxConnections ?? 10_000;
    this.#maxUnauthenticated = options.maxUnauthenticated ?? 1_000;
    this.#admission = new Admission({
      perSecond: options.handshakesPerSecond ?? 200,
      maxConnections: this.#maxConnections,
      maxUnauthenticated: this.#maxUnauthenticated,
      maxUnauthenticatedPerAddress: options.maxUnauthenticatedPerAddress ?? Math.ceil(this.#maxUnauthenticated / 4),
      nowMs: () => this.#clock.nowMs(),
      random: Math.random,
    });
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // Batches are compressed already, and a context for each agent would cost more memory than the agent itself.
      perMessageDeflate: false,
      maxPayload: LIMITS.dataBytes,
      // The connection answers pings itself: ws would pile the answers up for an agent that does not read them.
      autoPong: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#polling = new PollingDoor({
      clock: this.#clock,
      holdMs: options.pollHoldMs ?? POLLING.holdMs,
      onRefused: ({ status }) => options.onAsked?.('polling', status),
      refusal: (request) => this.#stranger(request),
      admit: (request, open) => {
        const admitted = this.#admit(request);
        if (isRefusal(admitted)) return admitted;
        const connection = this.#take(open(), request, admitted.address, 'polling');
        return { authenticated: () => connection.agent !== undefined };
      },
    });
  }

  /** Agents with an open session. */
  get sessions(): readonly AgentSession[] {
    return [...this.#connections].flatMap(({ agent }) => (agent ? [agent] : []));
  }

  /** Links that there are, authenticated or not. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Whether an upgrade request is meant for the gateway. */
  static accepts(request: IncomingMessage): boolean {
    return (request.url ?? '').split('?', 1)[0] === AGENT_PATH;
  }

  /** Answers a request of an agent that polls; false for any other request, which it does not touch. */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#polling.handle(request, response);
  }

  /** Answers an HTTP upgrade: with 101, or with the status that says why not. Takes the socket in any case. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    const admitted = this.#wrongUpgrade(request) ?? this.#admit(request);
    if (isRefusal(admitted)) {
      this.#options.onAsked?.('websocket', admitted.status);
      refuseUpgrade(socket, admitted);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', onError);
      this.#take(webSocketChannel(webSocket), request, admitted.address, 'websocket');
    });
  }

  /**
   * Asks every agent to leave and come back later, waits until they have, and refuses new ones.
   * @param deadlineMs when those that stay are cut off
   */
  async close(
    deadlineMs: number = TIMES.gatewayStopMs,
    reconnectAfterMs: number = TIMES.reconnectAfterMs,
  ): Promise<void> {
    this.#closing = true;
    if (this.#connections.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      const late = this.#clock.after(deadlineMs + DRAIN_SLACK_MS, () => {
        this.terminate();
        this.#idle?.();
      });
      for (const connection of [...this.#connections])
        connection.dispatch({ type: 'drain', deadlineMs, reconnectAfterMs });
      await idle;
      late();
    }
    this.#server.close();
    this.#polling.close();
  }

  /** Ends every link at once, without a word. */
  terminate(): void {
    for (const connection of [...this.#connections]) connection.terminate();
  }

  #take(channel: AgentChannel, request: IncomingMessage, address: string, transport: AgentTransport): AgentConnection {
    const { backend, log, onAsked, onSession } = this.#options;
    onAsked?.(transport, 'admitted');
    const connection: AgentConnection = new AgentConnection(channel, {
      backend,
      log,
      host: request.headers.host ?? '',
      nonce: randomBytes(32).toString('base64'),
      random: Math.random,
      clock: this.#clock,
      onAuthenticated: () => {
        const from = this.#known(connection);
        if (from !== undefined) this.#uncount(from);
        onSession?.(transport);
      },
      onClosed: () => {
        this.#connections.delete(connection);
        const from = this.#known(connection);
        // Else one address that knocks and leaves again and again would take all handshakes there are in a second.
        if (from !== undefined) this.#lapsed.push({ address: from, untilMs: this.#clock.nowMs() + TIMES.authMs });
        if (this.#connections.size === 0) this.#idle?.();
      },
    });
    this.#connections.add(connection);
    this.#unauthenticated.set(connection, address);
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    return connection;
  }

  /** It has authenticated, or it is gone: it does not count among the unknown any more. @returns where it came from */
  #known(connection: AgentConnection): string | undefined {
    const address = this.#unauthenticated.get(connection);
    this.#unauthenticated.delete(connection);
    return address;
  }

  #uncount(address: string): void {
    const left = (this.#addresses.get(address) ?? 1) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }

  /** Why a request is not looked at further, whatever it asks. */
  #stranger(request: IncomingMessage): Refusal | undefined {
    const { host = '', origin } = request.headers;
    if (!HOST.test(host)) return { status: 400, text: 'Bad Request' };
    if (this.#options.answersTo?.(host) === false) return { status: 421, text: 'Misdirected Request' };
    // Agents are programs: a page in somebody's browser has no business here.
    return origin === undefined ? undefined : { status: 403, text: 'Forbidden' };
  }

  #wrongUpgrade(request: IncomingMessage): Refusal | undefined {
    const { 'sec-websocket-protocol': protocols = '' } = request.headers;
    if (!Gateway.accepts(request)) return { status: 404, text: 'Not Found' };
    if (request.method !== 'GET') return { status: 400, text: 'Bad Request' };
    const stranger = this.#stranger(request);
    if (stranger !== undefined) return stranger;
    return protocols.split(',').some((name) => name.trim() === SUBPROTOCOL)
      ? undefined
      : { status: 426, text: 'Upgrade Required' };
  }

  /** Room for one more, or when to come back. */
  #admit(request: IncomingMessage): { readonly address: string } | Refusal {
    const address = clientAddress(request, this.#options.behindProxy === true);
    const now = this.#clock.nowMs();
    for (let [first] = this.#lapsed; first !== undefined && first.untilMs <= now; [first] = this.#lapsed) {
      this.#lapsed.shift();
      this.#uncount(first.address);
    }
    const retryAfterSeconds = this.#closing
      ? CLOSING_SECONDS
      : this.#admission.retryAfterSeconds({
          connections: this.#connections.size,
          unauthenticated: this.#unauthenticated.size,
          unauthenticatedHere: this.#addresses.get(address) ?? 0,
        });
    return retryAfterSeconds === undefined
      ? { address }
      : { status: 503, text: 'Service Unavailable', retryAfterSeconds };
  }
}
