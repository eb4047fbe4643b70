import { unlessAborted } from '#agent/network/deadline.ts';
import type { SecretLookup, SecretManager } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import type { Surroundings } from './surroundings.ts';

/** Asks the server for one secret. May throw Faults; a signal that ends it, its reason. */
export type Fetch = (key: string, signal: AbortSignal) => Promise<SecretLookup>;

interface Known {
  readonly lookup: SecretLookup;
  readonly at: number;
  /** Until when it is the answer. */
  readonly until: number;
  /** Failures in a row. */
  readonly failures: number;
}

interface Flight {
  readonly answer: Promise<SecretLookup>;
  readonly stop: AbortController;
  waiting: number;
}

/** More secrets than an agent has connections; the one that was asked for longest ago goes first. */
const MAX_KNOWN = 256;
const MAX_FLIGHTS = 64;
/** A secret that somebody is about to make should be found soon. */
const MISSING_MS = 60_000;
const BACKOFF_MS = 2_000;
const BACKOFF_CAP_MS = 60_000;

/**
 * A secret manager with a memory: an answer counts for its lifetime and not longer (a failure is never covered by an older
 * answer: who asks keeps what is in force), one question a secret is on its way at a time, and after a failure the next
 * waits, from about 2 s up to 60 s, unless a fresh answer is wanted.
 */
export class CachedSecrets implements SecretManager {
  readonly name: string;
  readonly #fetch: Fetch;
  readonly #cacheMs: number;
  readonly #surroundings: Surroundings;
  readonly #known = new Map<string, Known>();
  readonly #flights = new Map<string, Flight>();

  constructor(name: string, cacheMs: number, fetch: Fetch, surroundings: Surroundings) {
    this.name = name;
    this.#cacheMs = cacheMs;
    this.#fetch = fetch;
    this.#surroundings = surroundings;
  }

  async read(key: string, options: { signal?: AbortSignal; fresh?: boolean } = {}): Promise<SecretLookup> {
    const { signal, fresh = false } = options;
    signal?.throwIfAborted();
    const known = this.#known.get(key);
    const now = this.#surroundings.now();
    // A clock that was set back must not make an answer last.
    if (known !== undefined && !fresh && now >= known.at && now < known.until) return known.lookup;
    const flight = this.#flights.get(key) ?? this.#launch(key);
    if (flight === undefined)
      return { type: 'failed', fault: this.#fault(`${this.name}: more than ${MAX_FLIGHTS} secrets are asked for`) };
    flight.waiting += 1;
    try {
      return await unlessAborted(flight.answer, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key);
        flight.stop.abort(new Error('nobody waits for the secret any more'));
      }
    }
  }

  #launch(key: string): Flight | undefined {
    if (this.#flights.size >= MAX_FLIGHTS) return undefined;
    const stop = new AbortController();
    const at = this.#surroundings.now();
    const answer = this.#ask(key, stop.signal).then((lookup) => {
      if (this.#flights.get(key)?.stop === stop) {
        this.#flights.delete(key);
        this.#remember(key, lookup, at);
      }
      return lookup;
    });
    const flight = { answer, stop, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  async #ask(key: string, signal: AbortSignal): Promise<SecretLookup> {
    try {
      return await this.#fetch(key, signal);
    } catch (error) {
      // Only the words of a Fault are known to hold nothing secret.
      const fault =
        error instanceof Fault ? error : new Fault('internal', `${this.name}: reading a secret failed unexpectedly`);
      return { type: 'failed', fault: fault.toJSON() };
    }
  }

  #remember(key: string, lookup: SecretLookup, asked: number): void {
    const failures = lookup.type === 'failed' ? (this.#known.get(key)?.failures ?? 0) + 1 : 0;
    // The lifetime of a secret counts from the question, so that who asks every so often never gets the last answer again.
    const at = lookup.type === 'failed' ? this.#surroundings.now() : asked;
    this.#known.delete(key);
    this.#known.set(key, { lookup, at, until: at + this.#lifetimeMs(lookup, failures), failures });
    if (this.#known.size > MAX_KNOWN)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
  }

  #lifetimeMs(lookup: SecretLookup, failures: number): number {
    switch (lookup.type) {
      case 'secret':
        return this.#cacheMs;
      case 'missing':
        return Math.min(this.#cacheMs, MISSING_MS);
      case 'failed': {
        const step = Math.min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** Math.min(failures - 1, 10));
        return step / 2 + (this.#surroundings.random() * step) / 2;
      }
      default:
        return lookup satisfies never;
    }
  }

  #fault(message: string): Fault {
    return new Fault('secrets.unreachable', message, { advice: 'Wait: they are asked for one after another.' });
  }
}
