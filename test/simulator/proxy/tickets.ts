/** Tickets: each lets one request in, once, for a minute. Programs get them from the proxy service's own API. */
import { randomBytes } from 'node:crypto';
import type { UserName } from '../model/types.ts';

const LIFETIME_MS = 60_000;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_';

interface Issued {
  readonly user: UserName;
  /** Of the virtual proxy where it is good. */
  readonly prefix: string;
  readonly endsAtMs: number;
}

export class Tickets {
  readonly #now: () => number;
  readonly #open = new Map<string, Issued>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(user: UserName, prefix: string): string {
    this.#expire();
    // 64 letters: six bits of each byte choose one, all equally likely.
    const ticket = Array.from(randomBytes(16), (byte) => ALPHABET[byte % 64]).join('');
    this.#open.set(ticket, { user, prefix, endsAtMs: this.#now() + LIFETIME_MS });
    return ticket;
  }

  /** Who came with the ticket in the query; the ticket is spent. Null for none, and for one that is not good here. */
  redeem(query: URLSearchParams, prefix: string): UserName | null {
    this.#expire();
    const ticket = [...query].find(([name]) => name.toLowerCase() === 'qlikticket')?.[1];
    const issued = this.#open.get(ticket ?? '');
    if (ticket === undefined || issued?.prefix !== prefix) return null;
    this.#open.delete(ticket);
    return issued.user;
  }

  #expire(): void {
    for (const [ticket, { endsAtMs }] of this.#open) if (this.#now() >= endsAtMs) this.#open.delete(ticket);
  }
}
