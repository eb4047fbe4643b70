import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AGENT_PATH, LIMITS, SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import type { AgentSession, GatewayBackend } from './backend.ts';
import { webSocketChannel } from './channel-websocket.ts';
import { type GatewayClock, systemClock } from './clock.ts';
import { AgentConnection } from './connection.ts';
import type { GatewayLog } from './log.ts';

export interface GatewayOptions {
  readonly backend: GatewayBackend;
  readonly log: GatewayLog;
  readonly clock?: GatewayClock;
  /** Connections of agents at a time; further upgrades are answered with 503. */
  readonly maxConnections?: number;
  /** New connections a second; a burst of twice as many is let through. */
  readonly handshakesPerSecond?: number;
  /** Connections that have not authenticated yet. */
  readonly maxUnauthenticated?: number;
  /**
   * Whether the catalog is reached by this `Host`. The agent's signature holds for the name that it dialled, so a gateway
   * that answers to any name lets a look-alike pass its agents' signatures on. Default: any name.
   */
  readonly answersTo?: (host: string) => boolean;
}

/** A `Host` header: a name or address with an optional port, nothing that could smuggle a separator into the challenge. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** The catalog's end of the tunnel: takes upgrades from an HTTP server that it does not own. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: GatewayClock;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<AgentConnection>();
  readonly #unauthenticated = new Set<AgentConnection>();
  #idle: (() => void) | undefined;
  #closing = false;
  #tokens: number;
  #tokensAtMs: number;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tokens = 2 * this.#rate;
    this.#tokensAtMs = this.#clock.nowMs();
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
  }

  /** Agents with an open session. */
  get sessions(): readonly AgentSession[] {
    return [...this.#connections].flatMap(({ agent }) => (agent ? [agent] : []));
  }

  /** Whether an upgrade request is meant for the gateway. */
  static accepts(request: IncomingMessage): boolean {
    return (request.url ?? '').split('?', 1)[0] === AGENT_PATH;
  }

  /** Answers an HTTP upgrade: with 101, or with the status that says why not. Takes the socket in any case. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    const refusal = this.#refusal(request);
    if (refusal) {
      refuse(socket, refusal);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', onError);
      const { backend, log } = this.#options;
      const connection: AgentConnection = new AgentConnection(webSocketChannel(webSocket), {
        backend,
        log,
        host: request.headers.host ?? '',
        nonce: randomBytes(32).toString('base64'),
        clock: this.#clock,
        onAuthenticated: () => this.#unauthenticated.delete(connection),
        onClosed: () => {
          this.#connections.delete(connection);
          this.#unauthenticated.delete(connection);
          if (this.#connections.size === 0) this.#idle?.();
        },
      });
      this.#connections.add(connection);
      this.#unauthenticated.add(connection);
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
      for (const connection of [...this.#connections])
        connection.dispatch({ type: 'drain', deadlineMs, reconnectAfterMs });
      await idle;
    }
    this.#server.close();
  }

  get #rate(): number {
    return this.#options.handshakesPerSecond ?? 200;
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const { host = '', origin, 'sec-websocket-protocol': protocols = '' } = request.headers;
    if (!Gateway.accepts(request)) return { status: 404, text: 'Not Found' };
    if (request.method !== 'GET' || !HOST.test(host)) return { status: 400, text: 'Bad Request' };
    if (this.#options.answersTo?.(host) === false) return { status: 421, text: 'Misdirected Request' };
    // Agents are programs: a page in somebody's browser has no business here.
    if (origin !== undefined) return { status: 403, text: 'Forbidden' };
    if (!protocols.split(',').some((name) => name.trim() === SUBPROTOCOL))
      return { status: 426, text: 'Upgrade Required' };
    const retryAfterSeconds = this.#closing ? 5 : this.#busy();
    return retryAfterSeconds === undefined
      ? undefined
      : { status: 503, text: 'Service Unavailable', retryAfterSeconds };
  }

  /** Seconds to wait, when there is no room for another connection now. */
  #busy(): number | undefined {
    const { maxConnections = 10_000, maxUnauthenticated = 1_000 } = this.#options;
    const nowMs = this.#clock.nowMs();
    this.#tokens = Math.min(2 * this.#rate, this.#tokens + ((nowMs - this.#tokensAtMs) / 1000) * this.#rate);
    this.#tokensAtMs = nowMs;
    if (this.#connections.size >= maxConnections) return 30;
    if (this.#unauthenticated.size >= maxUnauthenticated) return 10;
    if (this.#tokens < 1) return 1;
    this.#tokens -= 1;
    return undefined;
  }
}

interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

const refuse = (socket: Duplex, { status, text, retryAfterSeconds }: Refusal): void => {
  const retry = retryAfterSeconds === undefined ? '' : `Retry-After: ${retryAfterSeconds}\r\n`;
  const head = `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\n${retry}Content-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
};
