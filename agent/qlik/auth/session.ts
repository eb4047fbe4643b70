import { unlessAborted } from '#agent/network/deadline.ts';
import type { Dialer, HttpReply, HttpRequest, HttpRoute } from '#agent/network/dialer.ts';
import { originOfPeer } from '#agent/network/faults.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Fault } from '#protocol/errors.ts';
import { originOf, qlikUser, routeKind, xrfKey } from './credentials.ts';
import { type Login, loginOf, type Proof } from './login.ts';
import type { ProxySessions, SessionState } from './proxy-sessions.ts';
import { type Asked, refusal } from './verdict.ts';
import { PasswordRefused } from './windows.ts';

/** What the upgrade of a WebSocket to the engine carries. */
export interface UpgradePass {
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string | undefined;
  /** Goes behind the `?` of the address; empty for none. */
  readonly query: string;
  /** Names the session that this pass belongs to: give it to {@link QlikSession.renew} when the pass was refused. */
  readonly generation: number;
}

/** Cold proxies take 15 to 21 s for the first call, a repository that slept as long again. */
export const FIRST_CALL_MS = 90_000;

/** Who we are towards the site, on either route. */
export interface QlikSession {
  /** A session was opened before, by whoever shares it. */
  readonly isOpen: boolean;
  /** The session is that of an earlier process: known once it is open. */
  readonly isKept: boolean;
  /**
   * Sends with the session's credentials; when the answer is that of a lost session (401, a login page) it opens a new
   * one and sends again, once. 403 mostly means a missing right, so it leads to that only once for each session.
   */
  request(http: HttpRoute, request: HttpRequest): Promise<HttpReply>;
  upgrade(signal?: AbortSignal): Promise<UpgradePass>;
  /**
   * Opens the session again unless another caller did since `generation`: with a new cookie when it is `lost`, else with
   * the same cookie and a new token, which costs no further session. Resolves to false when there is none to renew.
   */
  renew(generation: number, lost: boolean, signal?: AbortSignal): Promise<boolean>;
}

/** The session of a connection on its route; all that share `sessions` share it. */
export const qlikSession = (
  connection: Connection,
  proxy: HttpRoute,
  dialer: Dialer,
  sessions: ProxySessions,
): QlikSession =>
  routeKind(connection) === 'direct'
    ? new DirectSession(connection)
    : new ProxySession(connection, proxy, loginOf(connection, proxy, dialer), sessions.of(connection));

/** The direct route knows no session: every request names the user, and the certificate vouches for it. */
class DirectSession implements QlikSession {
  readonly isOpen = false;
  readonly isKept = false;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ authentication }: Connection) {
    if (authentication.type !== 'certificate') throw new RangeError('only certificates go to the services directly');
    this.#headers = { 'x-qlik-user': qlikUser(authentication.userDirectory, authentication.userId) };
  }

  request(http: HttpRoute, request: HttpRequest): Promise<HttpReply> {
    return http.request({ ...request, headers: { ...request.headers, ...this.#headers } });
  }

  upgrade(): Promise<UpgradePass> {
    return Promise.resolve({ headers: this.#headers, origin: undefined, query: '', generation: 0 });
  }

  renew(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/**
 * One proxy session for everything that a connection does. A user may have five at a time, and every authenticated call
 * without a cookie makes one, even with no socket: so there is one bootstrap in flight at most, and all else carries its
 * cookie. It is kept from one start to the next where the agent has a place for it, and logged out only where the user is
 * the agent's alone, since that call ends all sessions of the user. The engine's own sessions end by their `ttl`, the
 * proxy's by its inactivity timeout.
 */
class ProxySession implements QlikSession {
  readonly #connection: Connection;
  readonly #http: HttpRoute;
  readonly #login: Login;
  readonly #state: SessionState;

  constructor(connection: Connection, http: HttpRoute, login: Login, state: SessionState) {
    this.#connection = connection;
    this.#http = http;
    this.#login = login;
    this.#state = state;
  }

  get isOpen(): boolean {
    return this.#state.generation > 0;
  }

  get isKept(): boolean {
    return this.#state.isKept;
  }

  async request(http: HttpRoute, request: HttpRequest): Promise<HttpReply> {
    await this.#ready(request.signal);
    const generation = this.#state.generation;
    const first = await this.#send(http, request);
    const lost = looksLoggedOut(first) && !this.#state.isVain(request.path);
    if (!lost && (first.status !== 403 || generation === this.#state.renewed)) return first;
    await this.renew(generation, lost, request.signal);
    this.#state.renewed = this.#state.generation;
    const second = await this.#send(http, request);
    if (lost && looksLoggedOut(second)) this.#state.inVain(request.path);
    return second;
  }

  async upgrade(signal?: AbortSignal): Promise<UpgradePass> {
    await this.#ready(signal);
    this.#state.used();
    return {
      // Never the Authorization header: since November 2024 an upgrade that carries it is refused.
      headers: { cookie: this.#state.cookies.header() },
      origin: originOf(this.#connection),
      query: this.#state.token === undefined ? '' : `qlik-csrf-token=${encodeURIComponent(this.#state.token)}`,
      generation: this.#state.generation,
    };
  }

  async renew(generation: number, lost: boolean, signal?: AbortSignal): Promise<boolean> {
    if (generation === this.#state.generation && this.#state.bootstrap === undefined) {
      if (lost) this.#state.cookies.clear();
      this.#state.token = undefined;
      this.#start();
    }
    await this.#ready(signal);
    return true;
  }

  async #ready(signal: AbortSignal | undefined): Promise<void> {
    if (this.#state.bootstrap === undefined && this.#state.generation === 0) this.#start();
    if (this.#state.bootstrap === undefined) return;
    // The bootstrap is shared, so it has its own deadline; one caller's signal ends only that caller's waiting.
    await unlessAborted(this.#state.bootstrap, signal);
  }

  #start(): void {
    const bootstrap = this.#open().finally(() => {
      if (this.#state.bootstrap === bootstrap) this.#state.bootstrap = undefined;
    });
    // Whoever waits sees the failure; without this, one that nobody waits for any more would end the process.
    bootstrap.catch(() => undefined);
    this.#state.bootstrap = bootstrap;
  }

  async #open(): Promise<void> {
    await this.#state.restore();
    try {
      await this.#bootstrap();
    } finally {
      // Also after a failure: a cookie that was refused, and a password that was, must not come back with the next start.
      await this.#state.keep();
    }
  }

  /** A cookie that was kept is tried like one of our own: with it the calls below cost no further session. */
  async #bootstrap(): Promise<void> {
    const token = await this.#knock('/qps/csrftoken');
    // Before November 2024 there is no such call. An unknown prefix answers 404 as well: the next call tells.
    if (token.status === 404 || token.status === 405) {
      const about = await this.#knock('/qrs/about');
      const fault = refusal(about, this.#asked('/qrs/about'));
      if (fault !== undefined) throw fault;
    } else {
      const fault = refusal(token, this.#asked('/qps/csrftoken'));
      if (fault !== undefined) throw fault;
      const header = token.headers['qlik-csrf-token'];
      this.#state.token = typeof header === 'string' && header !== '' ? header : undefined;
    }
    if (this.#state.cookies.empty) {
      throw new Fault(
        'qlik.no_cookie',
        `${originOfPeer(this.#http.peer)}: the proxy took the credentials but gave no session cookie`,
      );
    }
    this.#state.generation += 1;
  }

  /** A call that may open the session: with the cookie of the knock before, so that both are one session. */
  async #knock(path: string): Promise<HttpReply> {
    const { cookies } = this.#state;
    if (this.#login.repeatable) return await this.#ask(path, true);
    if (!cookies.empty) {
      const reply = await this.#ask(path, false);
      if (!looksLoggedOut(reply)) return reply;
      cookies.clear();
    }
    const reply = await this.#ask(path, true);
    // A proxy may answer what proved us with the session's cookie and the way back to where we wanted to go.
    const sentBack = reply.status >= 300 && reply.status < 400 && !cookies.empty;
    return sentBack ? await this.#ask(path, false) : reply;
  }

  async #ask(path: string, proving: boolean): Promise<HttpReply> {
    const { cookies } = this.#state;
    const proof = proving ? await this.#prove() : { headers: {}, query: '' };
    const key = xrfKey();
    const reply = await this.#http.request({
      path: `${this.#asked(path).path}?xrfkey=${key}${proof.query === '' ? '' : `&${proof.query}`}`,
      headers: {
        accept: 'application/json',
        'x-qlik-xrfkey': key,
        ...proof.headers,
        ...(cookies.empty ? {} : { cookie: cookies.header() }),
      },
      headersTimeoutMs: FIRST_CALL_MS,
      deadlineMs: FIRST_CALL_MS * 2,
    });
    cookies.take(reply);
    return reply;
  }

  async #send(http: HttpRoute, request: HttpRequest): Promise<HttpReply> {
    const reply = await http.request({
      ...request,
      headers: { ...request.headers, cookie: this.#state.cookies.header() },
    });
    if (!looksLoggedOut(reply)) {
      this.#state.cookies.take(reply);
      this.#state.used();
    }
    return reply;
  }

  async #prove(): Promise<Proof> {
    const { cookies } = this.#state;
    const held = this.#state.whyHeld(this.#connection);
    if (held !== undefined) throw held;
    try {
      return await this.#login.prove(cookies);
    } catch (error) {
      if (error instanceof PasswordRefused) this.#state.refuse(error, this.#connection);
      throw error;
    }
  }

  #asked(path: string): Asked {
    const { prefix } = this.#connection;
    return { peer: this.#http.peer, method: 'GET', path: `${prefix === '' ? '' : `/${prefix}`}${path}`, prefix };
  }
}

/** 401, and what the proxy does with a browser that has no session: a redirect, or a page with status 200. */
const looksLoggedOut = (reply: HttpReply): boolean =>
  reply.status === 401 ||
  (reply.status >= 300 && reply.status < 400) ||
  (reply.status === 200 && reply.mediaType === 'text/html');
