import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import WebSocket from 'ws';
import { type ProxyChoice, proxyFor } from '#config/proxy.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';
import { Fault } from '#protocol/errors.ts';
import { unlessAborted } from './deadline.ts';
import { networkFault, type Peer, peerOf } from './faults.ts';
import { type Connected, Observed } from './observed.ts';
import {
  lateFault,
  looksStripped,
  peerThrough,
  pooledThrough,
  type Stage,
  socketThrough,
  upgradeBlocked,
} from './proxied.ts';
import { type TlsOptions, TlsTargets } from './tls.ts';

export type { WebSocket };

/** One server over HTTP: everything that decides how it is reached. */
export interface Route {
  /** `https://host[:port]` or `http://…`; a path is refused. */
  readonly origin: string;
  /** Name for SNI, the certificate check and `Host` when `origin` holds an address. */
  readonly aliasHost?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** The proxy on the way; undefined for none. Never left out, so that no server is dialled past a proxy by oversight. */
  readonly proxy: ProxyChoice | undefined;
  /** Sockets at a time; further requests wait for one. Default 4. */
  readonly connections?: number;
}

export interface HttpRequest {
  /** Default `GET`. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, from `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** From sending the request to the headers of the answer. Default 30 s. */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of the answer's body. Default 30 s. */
  readonly bodyTimeoutMs?: number;
  /** All of it, waiting for a free socket included. Default 5 min. */
  readonly deadlineMs?: number;
  /** The largest body that is taken; a larger one is `qlik.protocol`. Default 64 MiB. */
  readonly maxBytes?: number;
  /**
   * Asked for each answer before its body is read: what it returns takes the body piece by piece, and the answer then has
   * none. What it throws ends the request.
   */
  readonly taking?: (answer: Pick<HttpReply, 'status' | 'mediaType'>) => ((piece: Buffer) => void) | undefined;
}

/** An answer, read to its end. A status of 3xx is handed over as it is: no redirect is ever followed. */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** `Set-Cookie` headers, none or many. */
  readonly cookies: readonly string[];
  /** The media type without parameters, in lower case; empty when the server named none. */
  readonly mediaType: string;
  readonly body: Buffer;
}

/** A pool of connections to one {@link Route}. */
export interface HttpRoute extends AsyncDisposable {
  readonly peer: Peer;
  /** Throws a {@link Fault} for what fails on the way, and the signal's reason when the caller's signal ends it. */
  request(request: HttpRequest): Promise<HttpReply>;
  connected(): Connected;
  /** Lets requests in flight end, `withinMs` at most (default 5 s), then closes the sockets. */
  close(withinMs?: number): Promise<void>;
}

export interface WebSocketOptions {
  /** Subprotocols to offer. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Origin` header. */
  readonly origin?: string;
  /** Name for SNI, the certificate check and `Host` when the URL holds an address. */
  readonly aliasHost?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** The proxy on the way; undefined for none. Never left out, so that no server is dialled past a proxy by oversight. */
  readonly proxy: ProxyChoice | undefined;
  /** Connect, TLS and upgrade together. Default 15 s. */
  readonly handshakeTimeoutMs?: number;
  /** The largest message that is taken. */
  readonly maxPayloadBytes: number;
  /** Ends the socket at once, whatever its state. */
  readonly signal?: AbortSignal | undefined;
}

/** The server answered the upgrade with something else than 101. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The start of the answer's body, for diagnosis. */
  readonly excerpt: string;
  readonly peer: Peer;

  constructor(peer: Peer, status: number, headers: UpgradeRefused['headers'], excerpt: string) {
    super(`${peer.host}:${peer.port}: the WebSocket upgrade was answered with HTTP ${status}`);
    this.peer = peer;
    this.status = status;
    this.headers = headers;
    this.excerpt = excerpt;
  }
}

const CONNECT_MS = 15_000;
/** A first call may wait 90 s for a cold proxy: an agent that is stopped does not. */
const CLOSE_MS = 5_000;
const TIMEOUT_MS = 30_000;
const DEADLINE_MS = 300_000;
const MAX_BYTES = 64 * 1024 * 1024;
const EXCERPT_BYTES = 2048;
const EXCERPT_MS = 2_000;
/** Beyond this much that waits to be sent, pings stay unanswered. */
const MAX_UNANSWERED_BYTES = 4 * 1024 * 1024;

/** The other ends of sockets, with the proxy on the way. */
const peers = new WeakMap<WebSocket, Peer>();

/** Why a socket failed before it opened, where `ws` itself only says that it was closed. */
const failures = new WeakMap<WebSocket, Error>();

/**
 * The one way out: every outbound byte of the agent goes through a Dialer, so that trust, names, timeouts and proxies are
 * decided in one place. HTTP/1.1 only: WebSockets need it, and Qlik's proxy ties a user to a connection.
 */
export class Dialer {
  readonly #targets = new TlsTargets();

  /** A pool of connections to a server; nothing is dialled before the first request. Close it when done. */
  http(route: Route): HttpRoute {
    const url = new URL(route.origin);
    if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
      throw new Fault(
        'internal',
        `A route is scheme, host and port only, not ${url.protocol}//${url.host}${url.pathname}`,
      );
    }
    const proxy = proxyFor(route.proxy, url);
    const peer = peerThrough(url, proxy);
    const tls =
      url.protocol === 'https:' ? this.#targets.for(route.aliasHost ?? peer.host, route.tls ?? {}) : undefined;
    const stop = new AbortController();
    const observed = new Observed();
    const pool = new Pool(url.origin, {
      connections: route.connections ?? 4,
      pipelining: 1,
      allowH2: false,
      connect: observed.connector(
        proxy === undefined
          ? buildConnector({ ...tls?.options, allowH2: false, timeout: CONNECT_MS })
          : pooledThrough({ proxy, peer, tls, targets: this.#targets, signal: stop.signal }),
      ),
      keepAliveTimeout: 20_000,
      keepAliveMaxTimeout: 60_000,
    });
    const alias = hostHeader(url, route.aliasHost);
    return {
      peer,
      request: (request) => send(pool, peer, alias, request),
      connected: () => observed.now,
      close: async (withinMs = CLOSE_MS) => {
        const patience = setTimeout(() => void pool.destroy(), withinMs);
        try {
          await pool.close();
        } finally {
          clearTimeout(patience);
          stop.abort();
        }
      },
      [Symbol.asyncDispose]: () => {
        stop.abort();
        return pool.destroy();
      },
    };
  }

  /** One request on a connection of its own. */
  async request(route: Route, request: HttpRequest): Promise<HttpReply> {
    await using http = this.http({ ...route, connections: 1 });
    return await http.request(request);
  }

  /**
   * A WebSocket that is connecting; await {@link opened}, or listen. No compression (it costs memory for each socket and
   * hides nothing), no redirects. When it fails, {@link webSocketFailure} turns what `ws` emits into the reason.
   */
  webSocket(address: string, options: WebSocketOptions): WebSocket {
    const url = new URL(address);
    const proxy = proxyFor(options.proxy, url);
    const peer = peerThrough(url, proxy);
    const tls =
      url.protocol === 'wss:' ? this.#targets.for(options.aliasHost ?? peer.host, options.tls ?? {}) : undefined;
    options.signal?.throwIfAborted();
    const stop = new AbortController();
    let stage: Stage | undefined = proxy === undefined ? undefined : 'proxy';
    const direct = (): Socket =>
      tls === undefined ? connectTcp({ host: peer.host, port: peer.port }) : tls.connect(peer.host, peer.port);
    const socket = new WebSocket(url, [...(options.protocols ?? [])], {
      headers: { ...hostHeader(url, options.aliasHost), ...options.headers },
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      perMessageDeflate: false,
      maxPayload: options.maxPayloadBytes,
      // Answered below: ws would pile the answers up for a server that sends pings and reads nothing.
      autoPong: false,
      followRedirects: false,
      createConnection:
        proxy === undefined
          ? direct
          : socketThrough({ proxy, peer, tls, targets: this.#targets, signal: stop.signal }, (reached) => {
              stage = reached;
            }),
    });
    socket.once('close', () => stop.abort());
    watch(socket, peer, options, () => stage);
    return socket;
  }
}

/** Resolves when the socket is open; rejects with {@link UpgradeRefused}, a {@link Fault}, or the signal's reason. */
export const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    if (socket.readyState === WebSocket.OPEN) {
      resolve();
      return;
    }
    socket.once('open', () => resolve());
    socket.once('error', (error) => reject(webSocketFailure(socket, error)));
    socket.once('close', () => reject(webSocketFailure(socket, new Error('the socket was closed before it opened'))));
  });

/**
 * The reason for what `ws` emitted on this socket (`error` may be an Error or an ErrorEvent): an {@link UpgradeRefused},
 * a {@link Fault} that names host and port, or the reason of the signal that ended it.
 */
export const webSocketFailure = (socket: WebSocket, error: unknown): Error =>
  failures.get(socket) ?? networkFault(error, peers.get(socket) ?? peerOf(new URL(socket.url)));

const hostHeader = (url: URL, alias: string | undefined): { host?: string } =>
  alias === undefined ? {} : { host: url.port === '' ? alias : `${alias}:${url.port}` };

const watch = (socket: WebSocket, peer: Peer, options: WebSocketOptions, stage: () => Stage | undefined): void => {
  peers.set(socket, peer);
  const fail = (reason: Error): void => {
    if (!failures.has(socket)) failures.set(socket, reason);
    socket.terminate();
  };
  const timeoutMs = options.handshakeTimeoutMs ?? CONNECT_MS;
  // ws has a timeout of its own, but it counts silence on the socket: a server that drips bytes would never meet it.
  const timer = setTimeout(() => {
    fail(lateFault(peer, stage(), timeoutMs));
  }, timeoutMs);
  const onAbort = (): void => {
    const reason: unknown = options.signal?.reason;
    fail(reason instanceof Error ? reason : new Error('aborted'));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('open', () => clearTimeout(timer));
  socket.once('close', () => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  });
  socket.on('ping', (data) => {
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount <= MAX_UNANSWERED_BYTES) socket.pong(data);
  });
  // Without a listener an error of a socket that nobody waits for any more would end the process.
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    let excerpt = '';
    const status = response.statusCode ?? 0;
    const refuse = (): void => {
      if (peer.via !== undefined && looksStripped(status, response.headers['content-type']))
        fail(
          upgradeBlocked(peer, `the answer to the WebSocket upgrade was HTTP ${status}, as to one without its header`),
        );
      else fail(new UpgradeRefused(peer, status, response.headers, excerpt.slice(0, EXCERPT_BYTES)));
    };
    const patience = setTimeout(refuse, EXCERPT_MS);
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      excerpt += text;
      if (excerpt.length >= EXCERPT_BYTES) refuse();
    });
    response.on('error', refuse);
    response.on('close', () => {
      clearTimeout(patience);
      refuse();
    });
  });
};

const send = async (pool: Pool, peer: Peer, alias: { host?: string }, request: HttpRequest): Promise<HttpReply> => {
  request.signal?.throwIfAborted();
  const maxBytes = request.maxBytes ?? MAX_BYTES;
  const deadline = AbortSignal.timeout(request.deadlineMs ?? DEADLINE_MS);
  try {
    const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
    const asked = pool.request({
      method: request.method ?? 'GET',
      path: request.path,
      headers: { ...alias, ...request.headers },
      body: request.body ?? null,
      headersTimeout: request.headersTimeoutMs ?? TIMEOUT_MS,
      bodyTimeout: request.bodyTimeoutMs ?? TIMEOUT_MS,
      signal,
    });
    // undici looks at the signal only when it has a connection, which may take as long as a tunnel may take.
    const reply = await unlessAborted(asked, signal);
    const setCookie = reply.headers['set-cookie'];
    const contentType = reply.headers['content-type'];
    const status = reply.statusCode;
    const mediaType = (typeof contentType === 'string' ? (contentType.split(';')[0] ?? '') : '').trim().toLowerCase();
    const chunks: Buffer[] = [];
    const take = request.taking?.({ status, mediaType }) ?? ((piece: Buffer) => void chunks.push(piece));
    let bytes = 0;
    for await (const chunk of reply.body) {
      const piece = chunk as Buffer;
      bytes += piece.length;
      if (bytes > maxBytes) {
        reply.body.destroy();
        throw new Fault('qlik.protocol', `${peer.host}:${peer.port}: the answer is larger than ${maxBytes} bytes`);
      }
      take(piece);
    }
    return {
      status,
      headers: reply.headers,
      cookies: remembered(setCookie === undefined ? [] : Array.isArray(setCookie) ? setCookie : [setCookie]),
      mediaType,
      body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
    };
  } catch (error) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    throw networkFault(error, peer);
  }
};

/** The server that gives a session may repeat its id where nobody expects it. */
const remembered = (cookies: readonly string[]): readonly string[] => {
  for (const cookie of cookies) knownSecrets.addSession(/^[^=;]*=([^;]*)/.exec(cookie)?.[1]?.trim() ?? '');
  return cookies;
};
