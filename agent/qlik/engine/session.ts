import enigma from 'enigma.js';
import { within } from '#agent/network/deadline.ts';
import { type Dialer, UpgradeRefused, type WebSocket, webSocketFailure } from '#agent/network/dialer.ts';
import { originOfPeer } from '#agent/network/faults.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Fault } from '#protocol/errors.ts';
import { routeKind, tlsOptions } from '../auth/credentials.ts';
import type { QlikSession, UpgradePass } from '../auth/session.ts';
import { type QlikObserver, resultOf } from '../observer.ts';
import { backoffMs, type Patience } from '../patience.ts';
import type { VisitWatch } from '../strain.ts';
import type { DocCalls, GlobalCalls } from './calls.ts';
import { schema } from './schema.ts';
import { EnigmaSocket } from './socket.ts';
import { ABORTED, ALREADY_OPEN, engineFault, NOT_CONNECTED, notificationFault, rpcError, strainOf } from './verdict.ts';

export interface EngineOptions {
  readonly connection: Connection;
  readonly dialer: Dialer;
  readonly session: QlikSession;
  readonly patience: Patience;
  /** Part of the engine's session key: unique for each run, so that it never joins a session that is open otherwise. */
  readonly identity: string;
  readonly signal: AbortSignal | undefined;
  readonly observer?: QlikObserver | undefined;
  readonly watch?: VisitWatch | undefined;
}

/** Seconds that the engine keeps a session whose socket closed. Short: lingering ones count against the user's five. */
const TTL_SECONDS = 5;
const UPGRADE_MS = 30_000;
const OPEN_MS = 180_000;
const CALL_MS = 60_000;
const CLOSE_MS = 1_000;
/** Three times a sheet of five thousand objects: a message lies in memory as a whole, as bytes, text and objects. */
const MAX_MESSAGE_BYTES = 48 * 1024 * 1024;
const ABORTED_TRIES = 4;

/** One WebSocket to the engine, for one app. Every call has a deadline; a failed session stays failed. */
export class EngineSession {
  readonly #appId: string;
  readonly #where: string;
  readonly #signal: AbortSignal | undefined;
  readonly #patience: Patience;
  readonly #observer: QlikObserver | undefined;
  readonly #watch: VisitWatch | undefined;
  readonly #socket: WebSocket;
  readonly #closed: Promise<void>;
  #global: GlobalCalls | undefined;
  #receivedBytes = 0;
  /** It is an engine: a call was answered. */
  #hasAnswered = false;
  /** Why the session ended, when the server said so or it broke. */
  #ended: Error | undefined;

  private constructor(options: EngineOptions, appId: string, socket: WebSocket) {
    this.#appId = appId;
    this.#where = `${new URL(options.connection.engineUrl).host}, app ${appId}`;
    this.#signal = options.signal;
    this.#patience = options.patience;
    this.#observer = options.observer;
    this.#watch = options.watch;
    this.#socket = socket;
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
        this.#end(this.#tooLarge('one answer', maxMessageBytes(options.watch)));
    });
    this.#closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        this.#ended ??= new Fault('network.reset', `${this.#where}: the engine's socket was closed (code ${code})`);
        resolve();
      });
    });
  }

  /** Connects. Nothing is awaited from the server: through a proxy it greets only after the first message. */
  static async connect(options: EngineOptions, appId: string): Promise<EngineSession> {
    let pass = await options.session.upgrade(options.signal);
    try {
      return await EngineSession.#dial(options, appId, pass);
    } catch (error) {
      if (!(error instanceof UpgradeRefused)) throw error;
      // 403: the token may be too old; anything else of this kind: the session may be gone.
      const renewable = error.status === 401 || error.status === 403 || (error.status >= 300 && error.status < 400);
      if (!renewable || !(await options.session.renew(pass.generation, error.status !== 403, options.signal))) {
        throw upgradeFault(error, options.connection);
      }
    }
    pass = await options.session.upgrade(options.signal);
    try {
      return await EngineSession.#dial(options, appId, pass);
    } catch (error) {
      throw error instanceof UpgradeRefused ? upgradeFault(error, options.connection) : error;
    }
  }

  static async #dial(options: EngineOptions, appId: string, pass: UpgradePass): Promise<EngineSession> {
    const { connection, dialer } = options;
    const path = `/app/${encodeURIComponent(appId)}/identity/${options.identity}/ttl/${TTL_SECONDS}`;
    const url = `${connection.engineUrl}${path}${pass.query === '' ? '' : `?${pass.query}`}`;
    const socket = dialer.webSocket(url, {
      headers: pass.headers,
      ...(pass.origin === undefined ? {} : { origin: pass.origin }),
      aliasHost: connection.aliasHost,
      tls: tlsOptions(connection),
      proxy: connection.proxy,
      handshakeTimeoutMs: UPGRADE_MS,
      maxPayloadBytes: maxMessageBytes(options.watch),
      signal: options.signal,
    });
    const session = new EngineSession(options, appId, socket);
    const rpc = enigma.create({
      schema,
      url,
      // enigma.js is declared against the browser's WebSocket, of which it uses what EnigmaSocket has.
      createSocket: () =>
        new EnigmaSocket(socket, {
          takes: (bytes) => session.#takes(bytes),
          onGarbage: (error) =>
            // Amid good answers something between spoke into the socket: as if it had been cut.
            session.#end(
              new Fault(
                session.#hasAnswered ? 'network.reset' : 'qlik.protocol',
                `${session.#where}: a message is not JSON-RPC`,
                { cause: error },
              ),
            ),
        }) as unknown as globalThis.WebSocket,
      protocol: { delta: false },
    });
    rpc.on('notification:*', (topic: string, parameters: unknown) => {
      const fault = notificationFault(topic, parameters, session.#where);
      if (fault !== undefined) session.#end(fault);
    });
    try {
      session.#global = (await rpc.open()) as unknown as GlobalCalls;
      options.observer?.qlikSessions(1);
      void session.#closed.then(() => options.observer?.qlikSessions(-1));
      return session;
    } catch (error) {
      throw session.#ended instanceof Fault && session.#ended.code !== 'network.reset'
        ? session.#ended
        : webSocketFailure(socket, error);
    }
  }

  /** What all answers came to. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The release of the engine; also the first word, after which a proxy says what it has against us. */
  async version(): Promise<string | undefined> {
    const global = this.#global;
    if (global === undefined) throw new Fault('internal', `${this.#where}: not connected`);
    const version = await this.call('EngineVersion', () => global.engineVersion());
    return version?.qComponentVersion;
  }

  /** Opens the app; without its data nothing is loaded into the server's memory. */
  async openDoc(data: 'without data' | 'with data' = 'without data'): Promise<DocCalls> {
    const global = this.#global;
    if (global === undefined) throw new Fault('internal', `${this.#where}: not connected`);
    const doing = 'OpenDoc';
    try {
      return await this.call(doing, () => global.openDoc(this.#appId, '', '', '', data === 'without data'), OPEN_MS);
    } catch (error) {
      if (!(error instanceof Fault) || rpcError(error.cause)?.code !== ALREADY_OPEN) throw error;
      // The engine attached us to a session of ours that a lost socket left behind.
      return await this.call('GetActiveDoc', () => global.getActiveDoc(), CALL_MS);
    }
  }

  /**
   * Runs one call of enigma.js. An answer "aborted" is asked again, as the engine demands; anything else that fails
   * becomes a {@link Fault} that names app and call, with the error of enigma.js as its cause.
   */
  async call<T>(doing: string, method: () => Promise<T>, deadlineMs = CALL_MS): Promise<T> {
    try {
      const result = await this.#call(doing, method, deadlineMs);
      this.#observer?.qlikRequest('engine', 'ok');
      return result;
    } catch (error) {
      this.#observer?.qlikRequest('engine', resultOf(error));
      throw error;
    }
  }

  async #call<T>(doing: string, method: () => Promise<T>, deadlineMs: number): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      if (this.#ended !== undefined) throw this.#ended;
      const late = (): Error => {
        const fault = new Fault('network.timeout', `${this.#where}: ${doing} was not answered in ${deadlineMs} ms`);
        this.#end(fault);
        return fault;
      };
      try {
        const result = await within(method(), deadlineMs, late, this.#signal);
        this.#hasAnswered = true;
        return result;
      } catch (error) {
        if (this.#signal?.aborted === true) throw this.#signal.reason;
        if (error instanceof Fault) throw error;
        const rpc = rpcError(error);
        if (rpc === undefined || isEnigmaError(error)) {
          if (this.#ended !== undefined) throw this.#ended;
          throw rpc === undefined
            ? new Fault('qlik.protocol', `${this.#where}: ${doing}: ${String(error)}`, { cause: error })
            : await this.#afterClose(rpc, doing, error);
        }
        const strain = strainOf(rpc.code);
        if (strain !== undefined) this.#watch?.strained(strain);
        if (rpc.code !== ABORTED || attempt + 1 >= ABORTED_TRIES) {
          throw engineFault(rpc, `${this.#where}: ${doing}`, error);
        }
        await this.#patience.sleep(
          backoffMs(attempt, 50, 1_000, () => this.#patience.random()),
          this.#signal,
        );
      }
    }
  }

  /** Counts an answer; false when the visit has read as much as it may, and is over. */
  #takes(bytes: number): boolean {
    this.#receivedBytes += bytes;
    const maxBytes = this.#watch?.maxBytes ?? Number.POSITIVE_INFINITY;
    if (this.#receivedBytes <= maxBytes) return true;
    this.#end(this.#tooLarge('the answers about it together', maxBytes));
    return false;
  }

  #tooLarge(what: string, maxBytes: number): Fault {
    return new Fault('qlik.app_too_large', `${this.#where}: ${what} came to more than ${maxBytes} bytes`);
  }

  /** Closes the socket and waits for the server's side of it, which frees the session there; a second at most. */
  async close(): Promise<void> {
    this.#ended ??= new Fault('network.reset', `${this.#where}: the session was closed`);
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    this.#socket.terminate();
  }

  /** enigma.js rejects calls before the socket's own close event told us why. */
  async #afterClose(rpc: { code: number; message: string; parameter: string }, doing: string, error: unknown) {
    if (rpc.code !== NOT_CONNECTED) return engineFault(rpc, `${this.#where}: ${doing}`, error);
    this.#socket.terminate();
    await this.#closed;
    return this.#ended ?? new Fault('network.reset', `${this.#where}: ${doing}: the socket was closed`);
  }
}

const maxMessageBytes = (watch: VisitWatch | undefined): number =>
  Math.min(MAX_MESSAGE_BYTES, watch?.maxBytes ?? MAX_MESSAGE_BYTES);

const isEnigmaError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'enigmaError' in error && error.enigmaError === true;

const upgradeFault = (refused: UpgradeRefused, connection: Connection): Fault => {
  const at = originOfPeer(refused.peer).replace(/^http/, 'ws');
  const cause = refused;
  const direct = routeKind(connection) === 'direct';
  if (refused.status === 403 && !direct) {
    return new Fault(
      'qlik.websocket_forbidden',
      `${at}: the proxy refused the WebSocket (HTTP 403). Three causes are known: the host of the Origin is not in the ` +
        'Host allow list of the virtual proxy; the csrf token is missing or has expired; something between here and ' +
        'the proxy removed the Origin header',
      { cause },
    );
  }
  if (refused.status === 403)
    return new Fault('qlik.forbidden', `${at}: the engine refused the user (HTTP 403)`, { cause });
  if (refused.status === 401) {
    return new Fault('qlik.unauthorized', `${at}: the WebSocket was refused with HTTP 401`, { cause });
  }
  if (refused.status === 404) {
    return new Fault(
      'qlik.prefix_unknown',
      `${at}: the WebSocket was refused with HTTP 404, the address leads nowhere`,
      {
        cause,
      },
    );
  }
  if (refused.status >= 300 && refused.status < 400) {
    return new Fault('qlik.login_page', `${at}: the WebSocket was redirected (HTTP ${refused.status})`, { cause });
  }
  if (refused.status >= 500 || refused.status === 429) {
    return new Fault('qlik.unavailable', `${at}: the WebSocket was refused with HTTP ${refused.status}`, { cause });
  }
  return new Fault('qlik.protocol', `${at}: the WebSocket was refused with HTTP ${refused.status}`, { cause });
};
