/**
 * Proxy sessions. Every authentication without a valid cookie begins one; a user may have five at a time, over all virtual
 * proxies, and an older one has to end before a younger one above that number can reach the engine.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { EngineConnection } from '../engine/connection.ts';
import { userKey } from '../identity.ts';
import type { UserName } from '../model/types.ts';
import type { Recorder } from '../record.ts';
import type { VirtualProxy } from './virtual-proxy.ts';

export interface ProxySession {
  readonly id: string;
  readonly user: UserName;
  readonly proxy: VirtualProxy;
  readonly csrfToken: string;
  readonly order: number;
  readonly sockets: Set<EngineConnection>;
  activeAtMs: number;
  /** Set when it was logged out but is still counted. */
  endedAtMs: number | null;
}

export interface SessionLimits {
  readonly perUser: number;
  /** How long a session that was logged out still counts. */
  readonly lingerMs: number;
}

export class ProxySessions {
  readonly #limits: SessionLimits;
  readonly #record: Recorder;
  readonly #now: () => number;
  readonly #sessions = new Map<string, ProxySession>();
  readonly #sweep: NodeJS.Timeout;
  #order = 0;

  constructor(limits: SessionLimits, record: Recorder, now: () => number, sweepMs: number) {
    this.#limits = limits;
    this.#record = record;
    this.#now = now;
    this.#sweep = setInterval(() => this.#expire(), sweepMs);
    this.#sweep.unref();
  }

  begin(user: UserName, proxy: VirtualProxy): ProxySession {
    this.#expire();
    const session: ProxySession = {
      id: randomUUID(),
      user,
      proxy,
      csrfToken: randomBytes(24).toString('base64url'),
      order: this.#order,
      sockets: new Set(),
      activeAtMs: this.#now(),
      endedAtMs: null,
    };
    this.#order += 1;
    this.#sessions.set(session.id, session);
    this.#record.up(this.#record.proxySessions);
    return session;
  }

  /** The session of a cookie, kept alive by being asked for; null when it is unknown, over, or another proxy's. */
  find(id: string, proxy: VirtualProxy): ProxySession | null {
    this.#expire();
    const session = this.#sessions.get(id);
    if (!session || session.proxy !== proxy || session.endedAtMs !== null) return null;
    session.activeAtMs = this.#now();
    return session;
  }

  /** Whether the user has too many sessions for this one to reach the engine; `others`: begun where nobody here sees. */
  exceeds(session: ProxySession, others = 0): boolean {
    this.#expire();
    const key = userKey(session.user);
    const older = [...this.#sessions.values()].filter(
      (other) => userKey(other.user) === key && other.order < session.order,
    );
    return older.length + others >= this.#limits.perUser;
  }

  /** Sessions that count against the user. */
  count(user: UserName): number {
    this.#expire();
    return [...this.#sessions.values()].filter((session) => userKey(session.user) === userKey(user)).length;
  }

  /** Ends all of the user's sessions on the virtual proxy, whichever of them asked. */
  logout(user: UserName, proxy: VirtualProxy): void {
    for (const session of this.#sessions.values()) {
      if (session.proxy !== proxy || userKey(session.user) !== userKey(user) || session.endedAtMs !== null) continue;
      session.endedAtMs = this.#now();
      this.#tell(session, 'OnSessionLoggedOut', 'Session logged out');
    }
    this.#expire();
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#sessions.clear();
  }

  #expire(): void {
    const now = this.#now();
    for (const session of this.#sessions.values()) {
      const idle = now - session.activeAtMs > session.proxy.inactivityMs;
      if (session.endedAtMs === null && idle)
        this.#tell(session, 'OnSessionTimedOut', 'Session timed out due to inactivity');
      const over = session.endedAtMs === null ? idle : now - session.endedAtMs >= this.#limits.lingerMs;
      if (!over) continue;
      this.#sessions.delete(session.id);
      this.#record.down(this.#record.proxySessions);
    }
  }

  #tell(session: ProxySession, method: string, message: string): void {
    for (const socket of session.sockets) {
      socket.notify(method, { severity: 'fatal', timestamp: new Date().toISOString(), message });
      socket.end(1000, message);
    }
  }
}
