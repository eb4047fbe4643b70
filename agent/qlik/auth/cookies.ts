import type { HttpReply } from '#agent/network/dialer.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';

const MAX_COOKIES = 32;

/** Cookies of one site, by whatever name: administrators rename them, and load balancers add their own. */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  get empty(): boolean {
    return this.#cookies.size === 0;
  }

  clear(): void {
    this.#cookies.clear();
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#cookies];
  }

  /** Takes cookies of an earlier process; those that are there stay. */
  restore(cookies: readonly (readonly [name: string, value: string])[]): void {
    for (const [name, value] of cookies.slice(0, MAX_COOKIES)) {
      knownSecrets.addSession(value);
      if (!this.#cookies.has(name)) this.#cookies.set(name, value);
    }
  }

  /** The value of the `Cookie` header; empty when there is nothing to send. */
  header(): string {
    return Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ');
  }

  take(reply: HttpReply): void {
    for (const cookie of reply.cookies) {
      const [pair = '', ...attributes] = cookie.split(';');
      const equals = pair.indexOf('=');
      const name = pair.slice(0, equals).trim();
      if (equals < 1 || name === '') continue;
      const value = pair.slice(equals + 1).trim();
      if (value === '' || attributes.some((attribute) => /^\s*max-age\s*=\s*(0|-\d+)\s*$/i.test(attribute))) {
        this.#cookies.delete(name);
      } else if (this.#cookies.has(name) || this.#cookies.size < MAX_COOKIES) this.#cookies.set(name, value);
    }
  }
}
