import { sign } from 'node:crypto';
import type { SignedTokenLogin } from '#config/connection/connection.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';

/** How far the clocks of the two machines may be apart before a token counts as not yet valid. */
const SKEW_MS = 60_000;
/** A token is sent while this part of its lifetime is left: it must not expire on the way. */
const SPARE = 0.4;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * A JSON web token of a connection (RS256, RFC 7515 and 7519), good from a minute before `nowMs` until its lifetime has
 * passed.
 */
export const signToken = ({ key, claims, lifetimeMs }: SignedTokenLogin, nowMs: number): string => {
  const from = Math.floor((nowMs - SKEW_MS) / 1000);
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({
    ...claims,
    iat: from,
    nbf: from,
    exp: Math.floor((nowMs + lifetimeMs) / 1000),
  })}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key.reveal()).toString('base64url')}`;
};

/** Tokens of one connection: the last one is used again until it has grown old. */
export class SignedTokens {
  readonly #login: SignedTokenLogin;
  readonly #now: () => number;
  #last: { readonly token: string; readonly signedMs: number } | undefined;

  constructor(login: SignedTokenLogin, now: () => number = Date.now) {
    this.#login = login;
    this.#now = now;
  }

  /** A token with a good part of its lifetime left. */
  current(): string {
    const now = this.#now();
    const last = this.#last;
    // A clock that was set back must not keep an old token alive.
    if (last !== undefined && now >= last.signedMs && now - last.signedMs < this.#login.lifetimeMs * (1 - SPARE))
      return last.token;
    const token = signToken(this.#login, now);
    knownSecrets.add(token);
    this.#last = { token, signedMs: now };
    return token;
  }
}
