/** All engine sessions: which one a new socket gets, and how long each outlives its last socket. */
import { userKey } from '../identity.ts';
import type { UserName } from '../model/types.ts';
import type { Via } from '../record.ts';
import type { EngineAddress } from './address.ts';
import type { EngineContext } from './context.ts';
import { EngineSession } from './session.ts';

interface Entry {
  readonly session: EngineSession;
  readonly key: string;
  sockets: number;
  ending: NodeJS.Timeout | null;
}

export interface Attached {
  readonly session: EngineSession;
  readonly state: 'SESSION_CREATED' | 'SESSION_ATTACHED';
}

/** Sessions that nobody is connected to are kept for later, but not without end: the oldest goes first. */
const MAX_RESTING = 256;

export class SessionRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new Map<EngineSession, string>();
  readonly #resting = new Set<Entry>();
  readonly #lingerMs: Readonly<Record<Via, number>>;
  #nextId = 1;

  /** `lingerMs`: how long a session whose path says no ttl outlives its last socket. */
  constructor(lingerMs: Readonly<Record<Via, number>>) {
    this.#lingerMs = lingerMs;
  }

  get sessions(): readonly EngineSession[] {
    return [...this.#entries.values()].map((entry) => entry.session);
  }

  /**
   * The session of this user, app path and identity; a new one when there is none, or when the path names neither app nor
   * identity.
   */
  attach(context: EngineContext, user: UserName, address: EngineAddress, via: Via): Attached {
    // Without an app and an identity there is nothing that two sockets could have in common.
    const alone = address.appId === null && address.identity === '' && !context.shareSessionsWithoutApp;
    const key = JSON.stringify([userKey(user), address.appPath, address.identity, alone ? this.#nextId : 0]);
    const known = this.#entries.get(key);
    if (known) {
      if (known.ending) clearTimeout(known.ending);
      known.ending = null;
      this.#resting.delete(known);
      known.sockets += 1;
      return { session: known.session, state: 'SESSION_ATTACHED' };
    }
    const session = new EngineSession(context, String(this.#nextId), user, address, via);
    this.#nextId += 1;
    this.#entries.set(key, { session, key, sockets: 1, ending: null });
    this.#keys.set(session, key);
    context.record.up(context.record.engineSessions);
    return { session, state: 'SESSION_CREATED' };
  }

  /** A socket went. The session ends with the last one, after its ttl; the ttl of that socket's path counts. */
  detach(context: EngineContext, session: EngineSession, address: EngineAddress): void {
    const entry = this.#entries.get(this.#keys.get(session) ?? '');
    if (entry?.session !== session) return;
    entry.sockets -= 1;
    if (entry.sockets > 0) return;
    session.rest();
    const lingerMs = address.ttlMs ?? this.#lingerMs[session.via];
    if (lingerMs <= 0) {
      this.#end(context, entry);
      return;
    }
    entry.ending = setTimeout(() => this.#end(context, entry), lingerMs);
    entry.ending.unref();
    this.#resting.delete(entry);
    this.#resting.add(entry);
    const [oldest] = this.#resting;
    if (oldest && this.#resting.size > MAX_RESTING) {
      if (oldest.ending) clearTimeout(oldest.ending);
      this.#end(context, oldest);
    }
  }

  /** Whether another session of the same user and identity has the app open in the other mode. */
  openOtherwise(session: EngineSession, appId: string, withData: boolean): boolean {
    return this.sessions.some(
      (other) =>
        other !== session &&
        userKey(other.user) === userKey(session.user) &&
        other.address.identity === session.address.identity &&
        other.document?.appId === appId &&
        other.document.withData !== withData,
    );
  }

  close(): void {
    for (const { ending } of this.#entries.values()) if (ending) clearTimeout(ending);
    this.#entries.clear();
    this.#keys.clear();
    this.#resting.clear();
  }

  #end(context: EngineContext, entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#keys.delete(entry.session);
    this.#resting.delete(entry);
    context.record.down(context.record.engineSessions);
  }
}
