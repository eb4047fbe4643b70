import { createHmac, randomBytes } from 'node:crypto';
import { type ProxyServer, proxyName } from '#config/proxy.ts';
import { type ErrorCode, Fault } from '#protocol/errors.ts';
import { unlessAborted } from './deadline.ts';

/**
 * Accounts of proxies are mostly those of Active Directory, which locks after some wrong passwords (5 to 10 in most
 * places) and counts over 10 to 30 minutes: with one try in 10 minutes a running agent stays below that.
 */
const HELD_MS = 10 * 60_000;
/** So long after a log-in others go side by side; then one goes first again, in case the password was changed there. */
const ACCEPTED_MS = 60_000;
/** An agent has one or two; more than this can only come from files that change all the time. */
const MAX_KNOWN = 256;

/** A proxy refused a user and a password, now or before: the same three are not tried again for a while. */
export class ProxyLoginRefused extends Fault {
  /** Until they are tried again, from when this was thrown. */
  readonly againInMs: number;

  constructor(message: string, againInMs: number, cause?: unknown) {
    super('proxy.auth_refused', message, { cause });
    this.againInMs = againInMs;
  }
}

/** Time, so that tests have it in hand. */
export interface LoginClock {
  /** Milliseconds on a clock that does not go back. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970, for messages. */
  readonly wallMs: () => number;
}

interface Login {
  /** One that nobody knows the end of yet: others wait for it. */
  trial: Promise<void> | undefined;
  acceptedUntilMs: number;
  refused: { readonly untilMs: number; readonly text: string } | undefined;
}

/** What a proxy says only to whom it let in, or to everybody: the password was not what it minded. */
const LET_IN: ReadonlySet<ErrorCode> = new Set(['proxy.target_unreachable']);

const timeOf = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/**
 * Which log-ins at proxies were refused lately. A password goes out alone until the proxy took it: who comes meanwhile
 * waits, so that one that is wrong is sent once, however many ways lead through that proxy. Held for one process; by a
 * keyed hash, so that no password stays here.
 */
export class ProxyLogins {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, Login>();
  readonly #clock: LoginClock;

  constructor(clock: LoginClock = { nowMs: () => performance.now(), wallMs: Date.now }) {
    this.#clock = clock;
  }

  /**
   * Dials through the proxy, unless it refused this user and password lately.
   * @throws ProxyLoginRefused, what `dial` throws, and the reason of the signal
   */
  async dial<T>(proxy: ProxyServer, signal: AbortSignal, dial: () => Promise<T>): Promise<T> {
    if (proxy.username === undefined && proxy.password === undefined) return await dial();
    const login = this.#of(proxy);
    for (;;) {
      signal.throwIfAborted();
      this.#refuseHeld(login, proxy);
      if (login.trial === undefined || this.#clock.nowMs() < login.acceptedUntilMs) break;
      await unlessAborted(login.trial, signal);
    }
    const { promise, resolve: done } = Promise.withResolvers<void>();
    const first = login.trial === undefined && this.#clock.nowMs() >= login.acceptedUntilMs;
    if (first) login.trial = promise;
    const end = (): void => {
      signal.removeEventListener('abort', end);
      if (login.trial === promise) login.trial = undefined;
      done();
    };
    // An attempt that is given up closes its socket: nobody needs to wait for that.
    signal.addEventListener('abort', end, { once: true });
    try {
      const way = await dial();
      login.acceptedUntilMs = this.#clock.nowMs() + ACCEPTED_MS;
      return way;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'proxy.auth_refused') throw this.#refuse(login, error);
      if (LET_IN.has(error.code)) login.acceptedUntilMs = this.#clock.nowMs() + ACCEPTED_MS;
      throw error;
    } finally {
      end();
    }
  }

  #refuse(login: Login, fault: Fault): ProxyLoginRefused {
    const wallMs = this.#clock.wallMs();
    login.acceptedUntilMs = Number.NEGATIVE_INFINITY;
    login.refused = {
      untilMs: this.#clock.nowMs() + HELD_MS,
      text: `refused at ${timeOf(wallMs)}, tried again from ${timeOf(wallMs + HELD_MS)} on`,
    };
    return new ProxyLoginRefused(
      `${fault.message}; they are not tried again before ${timeOf(wallMs + HELD_MS)}`,
      HELD_MS,
      fault.cause,
    );
  }

  #refuseHeld({ refused }: Login, proxy: ProxyServer): void {
    if (refused === undefined) return;
    const leftMs = refused.untilMs - this.#clock.nowMs();
    if (leftMs <= 0) return;
    throw new ProxyLoginRefused(
      `${proxyName(proxy)}: not asked, as it does not accept the user name and password that are set (${refused.text}; others are tried at once)`,
      leftMs,
    );
  }

  #of({ hostname, port, username, password }: ProxyServer): Login {
    const name = createHmac('sha256', this.#key)
      .update(JSON.stringify([hostname.toLowerCase(), port, username ?? null, password?.reveal() ?? null]))
      .digest('base64');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const login: Login = { trial: undefined, acceptedUntilMs: Number.NEGATIVE_INFINITY, refused: undefined };
    this.#known.set(name, login);
    if (this.#known.size > MAX_KNOWN) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return login;
  }
}

/** Those of this process: the link, crawls, tests and the doctor go by the same. */
export const proxyLogins = new ProxyLogins();
