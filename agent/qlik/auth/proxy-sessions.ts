import type { Connection } from '#config/connection/connection.ts';
import { CookieJar } from './cookies.ts';
import { type KeptSession, type SessionStore, sessionBinding } from './session-store.ts';
import { PasswordRefused } from './windows.ts';

const MAX_SESSIONS = 64;
/** Windows locks accounts after some wrong passwords within half an hour (a usual setting for resetting its counter). */
const REFUSED_MS = 30 * 60_000;
/** The inactivity time-out of a virtual proxy unless it was changed: what rested for longer is no session any more. */
const INACTIVITY_MS = 30 * 60_000;
/** What is used is written down so often, and not at every request. */
const NOTE_USE_MS = 60_000;

/** Each try costs one of five sessions, which lives for half an hour. */
const VAIN_MS = 10 * 60_000;
const MOST_VAIN = 64;
/** Paths that differ in an id only are of one kind. */
const kindOf = (path: string): string => (path.split('?')[0] ?? '').replace(/[\da-f]{8}-[\da-f-]{27}/gi, '*');

/** What the proxy gave us, and how it is being got. */
export class SessionState {
  readonly connection: Connection;
  readonly cookies = new CookieJar();
  token: string | undefined;
  /** Counts bootstraps; 0: none yet. */
  generation = 0;
  /** The generation that a 403 led to: another 403 in it is a missing right. */
  renewed = 0;
  bootstrap: Promise<void> | undefined;
  /** The user or the password was refused: not tried again before then with the same version of the file. */
  refused: { readonly fault: PasswordRefused; readonly untilMs: number; readonly contentHash: string } | undefined;
  readonly #store: SessionStore | undefined;
  /** When requests to a kind of path last looked logged out with a new session. */
  readonly #vain = new Map<string, number>();
  #restored = false;
  /** The cookies that an earlier process left. */
  #left = '';
  /** What was kept last, and when. */
  #kept = { cookies: '', atMs: 0 };

  constructor(connection: Connection, store: SessionStore | undefined) {
    this.connection = connection;
    this.#store = store;
  }

  /** A request to such a path looks logged out also with a new session: for a while that says nothing about the session. */
  inVain(path: string): void {
    if (this.#vain.size >= MOST_VAIN) this.#vain.clear();
    this.#vain.set(kindOf(path), performance.now());
  }

  isVain(path: string): boolean {
    const sinceMs = this.#vain.get(kindOf(path));
    return sinceMs !== undefined && performance.now() - sinceMs < VAIN_MS;
  }

  refuse(fault: PasswordRefused, { contentHash }: Connection): void {
    this.refused = { fault, untilMs: Date.now() + REFUSED_MS, contentHash };
  }

  /** Why the password is not sent now; undefined when it may be. An edited file is a person's wish to try again. */
  whyHeld({ contentHash }: Connection): PasswordRefused | undefined {
    const { refused } = this;
    const held = refused !== undefined && Date.now() < refused.untilMs && refused.contentHash === contentHash;
    return held ? refused.fault : undefined;
  }

  /** The session is that of an earlier process. */
  get isKept(): boolean {
    return this.#left !== '' && this.cookies.header() === this.#left;
  }

  /** Takes up what an earlier process left, once. */
  async restore(): Promise<void> {
    if (this.#restored) return;
    this.#restored = true;
    const kept = await this.#store?.read(this.connection);
    if (kept === undefined) return;
    const nowMs = Date.now();
    // A clock that was set back must not make a refusal last for ever, nor a session.
    const restedMs = Math.abs(nowMs - kept.usedAtMs);
    if (restedMs < INACTIVITY_MS) {
      this.cookies.restore(kept.cookies);
      this.#left = this.cookies.header();
    }
    if (kept.refused !== undefined && kept.refused.untilMs > nowMs) {
      const untilMs = Math.min(kept.refused.untilMs, nowMs + REFUSED_MS);
      const { message, contentHash } = kept.refused;
      this.refused = { fault: new PasswordRefused(message), untilMs, contentHash };
    }
  }

  /** Writes down what there is now. */
  async keep(): Promise<void> {
    const store = this.#store;
    if (store === undefined) return;
    const nowMs = Date.now();
    this.#kept = { cookies: this.cookies.header(), atMs: nowMs };
    const refused =
      this.refused === undefined || this.refused.untilMs <= nowMs
        ? undefined
        : {
            message: this.refused.fault.message,
            untilMs: this.refused.untilMs,
            contentHash: this.refused.contentHash,
          };
    const kept: KeptSession = { cookies: this.cookies.entries(), usedAtMs: nowMs, refused };
    await store.keep(this.connection, kept);
  }

  /** The session was used: noted at once when its cookies changed, else once in a while. */
  used(): void {
    if (this.#store === undefined) return;
    if (Date.now() - this.#kept.atMs < NOTE_USE_MS && this.#kept.cookies === this.cookies.header()) return;
    void this.keep();
  }
}

/**
 * The proxy sessions of an agent, kept from one crawl to the next: the proxy forgets a session only after half an hour
 * without use, so a new one for each crawl would have used up the user's five by the sixth crawl. Another user or host
 * begins a new one. Bounded: the oldest goes.
 */
export class ProxySessions {
  /** Where they outlive the process; undefined: nowhere. */
  store: SessionStore | undefined;
  readonly #known = new Map<string, SessionState>();

  of(connection: Connection): SessionState {
    const binding = sessionBinding(connection);
    const known = this.#known.get(binding);
    if (known !== undefined) return known;
    const state = new SessionState(connection, this.store);
    this.#known.set(binding, state);
    if (this.#known.size > MAX_SESSIONS) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return state;
  }

  all(): readonly SessionState[] {
    return [...this.#known.values()];
  }
}
