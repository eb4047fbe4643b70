import type { Secret as SecretValue } from '#config/secret.ts';
import { Secret } from '#config/secret.ts';
import type { VaultLogin } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import { isObject, textAt } from '../fields.ts';
import { Lease, type Leased } from '../flight.ts';
import type { Answer, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { said, vaultFault } from './faults.ts';

interface Token {
  readonly token: SecretValue;
  readonly renewable: boolean;
  /** Its lease when it was new, in ms. */
  readonly leaseMs: number;
}

/** Sends one request to Vault, with a token or without. */
export type AskVault = (
  method: 'GET' | 'POST',
  path: string,
  options: {
    readonly token?: SecretValue | undefined;
    readonly body?: object;
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Answer>;

/** The headers and paths that every request to one Vault has in common. */
export const askVault =
  (server: SecretServer, base: string, namespace: string | undefined): AskVault =>
  (method, path, { token, body, signal }) =>
    server.ask({
      method,
      path: `${base}/v1/${path}`,
      headers: {
        accept: 'application/json',
        // A Vault agent on the way demands it, as a guard against forged requests.
        'x-vault-request': 'true',
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(token === undefined ? {} : { 'x-vault-token': token.reveal() }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });

/** What a 403 meant. */
export interface Verdict {
  /** The token itself is good. */
  readonly isValid: boolean;
  readonly fault: Fault;
}

const SETTLED_MS = 300_000;
const LOOK_AGAIN_MS = 60_000;

/** Printable ASCII: anything else would break the header that carries it. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

const TOKEN_ADVICE =
  'Make a new token with a policy that may read the secrets (vault token create -policy=… -period=24h), or use AppRole.';

/**
 * The token that requests carry. One that Vault lends (AppRole, or a renewable token) is renewed after two thirds of its
 * lease and obtained anew when it cannot be renewed; one in a file is read again for each request.
 */
export class VaultSession {
  readonly #name: string;
  readonly #ask: AskVault;
  readonly #login: VaultLogin;
  readonly #surroundings: Surroundings;
  readonly #lease: Lease<Token>;
  #fromFile: Token | undefined;
  #loggedInAt = 0;

  constructor(name: string, ask: AskVault, login: VaultLogin, surroundings: Surroundings) {
    this.#name = name;
    this.#ask = ask;
    this.#login = login;
    this.#surroundings = surroundings;
    this.#lease = new Lease(surroundings.now, (previous) => this.#obtain(previous));
  }

  /** @throws Fault `secrets.refused`, `secrets.unreachable`, `config.unreadable`; or the reason of the signal */
  async token(signal: AbortSignal): Promise<SecretValue> {
    if (this.#login.method === 'token-file') {
      const read = this.#readFile(this.#login.path);
      if (this.#fromFile?.token.reveal() !== read.token.reveal()) this.#fromFile = read;
      return this.#fromFile.token;
    }
    return (await this.#lease.get(signal)).token;
  }

  /**
   * Vault refused this token: true when another one can be had that may do better. A valid token of AppRole is given up
   * only when it is older than five minutes (its role may have other policies by now): secret ids may be counted.
   */
  async another(refused: SecretValue, { isValid }: Verdict, signal: AbortSignal): Promise<boolean> {
    if (this.#login.method === 'token') return false;
    if (this.#login.method === 'token-file') return (await this.token(signal)).reveal() !== refused.reveal();
    const held = await this.#lease.get(signal);
    if (held.token.reveal() !== refused.reveal()) return true;
    if (isValid && this.#surroundings.now() - this.#loggedInAt < SETTLED_MS) return false;
    this.#lease.drop(held);
    return true;
  }

  /** Why Vault said 403 to this token: because it is not valid at all, or because a policy does not permit it. */
  async verdict(token: SecretValue, needed: string, answer: Answer, signal: AbortSignal): Promise<Verdict> {
    const self = await this.#ask('GET', 'auth/token/lookup-self', { token, signal });
    return { isValid: self.status !== 403, fault: this.#refusal(self.status !== 403, token, needed, answer) };
  }

  #refusal(isValid: boolean, token: SecretValue, needed: string, answer: Answer): Fault {
    if (!isValid)
      return new Fault('secrets.refused', `${this.#name} does not accept the token: it is wrong, expired or revoked`, {
        advice:
          this.#login.method === 'token-file'
            ? `See why whoever writes ${this.#login.path} does not renew it (the Vault agent, say).`
            : TOKEN_ADVICE,
      });
    const words = said(answer, [token]);
    return new Fault(
      'secrets.refused',
      `${this.#name}: the token is valid, but may not read ${needed}${words === '' ? '' : ` (${words})`}`,
      { advice: `Give it a policy with: path "${needed}" { capabilities = ["read"] }` },
    );
  }

  async #obtain(previous: Leased<Token> | undefined): Promise<Leased<Token>> {
    switch (this.#login.method) {
      case 'approle':
        return (previous === undefined ? undefined : await this.#renew(previous.value)) ?? (await this.#logIn());
      case 'token':
        return await this.#lookUp(this.#login.token, previous);
      case 'token-file':
        return this.#leased(this.#readFile(this.#login.path));
      default:
        return this.#login satisfies never;
    }
  }

  /** A given token may be renewable: then it would end if nobody renewed it. What cannot be found out is left alone. */
  async #lookUp(given: SecretValue, previous: Leased<Token> | undefined): Promise<Leased<Token>> {
    if (!TOKEN.test(given.reveal()))
      throw new Fault('secrets.refused', `${this.#name}: the token of the settings is none`, { advice: TOKEN_ADVICE });
    if (previous?.value.renewable === true) {
      const renewed = await this.#renew(previous.value);
      // At the end of its maximum, nothing renews it: it works until it ends.
      return renewed ?? { value: { ...previous.value, renewable: false }, renewAt: Infinity, endsAt: Infinity };
    }
    const { status, json } = await this.#ask('GET', 'auth/token/lookup-self', { token: given });
    const value = { token: given, renewable: false, leaseMs: 0 };
    if (status !== 200) return { value, renewAt: this.#surroundings.now() + LOOK_AGAIN_MS, endsAt: Infinity };
    const seconds = Number(textAt(json, 'data', 'ttl'));
    const renewable = isObject(json) && isObject(json['data']) && json['data']['renewable'] === true;
    const leaseMs = renewable && seconds > 0 ? seconds * 1000 : 0;
    return this.#leased({ token: given, renewable, leaseMs });
  }

  async #renew(token: Token): Promise<Leased<Token> | undefined> {
    if (!token.renewable) return undefined;
    const answer = await this.#ask('POST', 'auth/token/renew-self', { token: token.token, body: {} });
    const renewed = answer.status === 200 ? tokenOf(answer) : undefined;
    // Near its maximum Vault lends less and less.
    if (renewed === undefined || (renewed.leaseMs !== 0 && renewed.leaseMs < token.leaseMs / 2)) return undefined;
    return this.#leased({ ...renewed, token: token.token, leaseMs: Math.max(renewed.leaseMs, token.leaseMs) }, renewed);
  }

  async #logIn(): Promise<Leased<Token>> {
    if (this.#login.method !== 'approle') throw new Fault('internal', `${this.#name}: nothing to log in with`);
    const { mount, roleId, secretId } = this.#login;
    const path = `auth/${mount.split('/').map(encodeURIComponent).join('/')}/login`;
    const answer = await this.#ask('POST', path, { body: { role_id: roleId, secret_id: secretId.reveal() } });
    const token = answer.status === 200 ? tokenOf(answer) : undefined;
    if (token !== undefined) {
      this.#loggedInAt = this.#surroundings.now();
      return this.#leased(token);
    }
    const words = said(answer, [secretId]);
    const quoted = words === '' ? '' : ` (${words})`;
    if (answer.status === 400 || answer.status === 403)
      throw new Fault('secrets.refused', `${this.#name} refuses the login by AppRole at ${path}${quoted}`, {
        advice:
          'Check the role id and make a new secret id (vault write -f auth/approle/role/ROLE/secret-id): one may be used up, expired or bound to other addresses.',
      });
    if (answer.status === 404)
      throw new Fault('secrets.refused', `${this.#name} has no login at ${path}${quoted}`, {
        advice: 'Enable it (vault auth enable approle), or name the path that it was enabled at, and the namespace.',
      });
    const health = answer.status >= 500 ? (await this.#ask('GET', 'sys/health', {})).status : undefined;
    throw vaultFault(this.#name, 'the login by AppRole', answer, health, [secretId]);
  }

  #leased(value: Token, { leaseMs } = value): Leased<Token> {
    if (leaseMs === 0) return { value, renewAt: Infinity, endsAt: Infinity };
    const now = this.#surroundings.now();
    return { value, renewAt: now + (leaseMs * 2) / 3, endsAt: now + leaseMs };
  }

  #readFile(path: string): Token {
    const content = this.#surroundings.read(path);
    const text = content.type === 'file' ? content.bytes.toString().trim() : '';
    if (content.type !== 'file' || !TOKEN.test(text)) {
      const reason = content.type === 'file' ? 'it does not hold one token and nothing else' : content.reason;
      throw new Fault('config.unreadable', `${this.#name}: the token file ${path} cannot be used: ${reason}`, {
        advice: 'Let the Vault agent (a sink without wrapping) or another program write the token there.',
      });
    }
    return { token: new Secret(text), renewable: false, leaseMs: 0 };
  }
}

const tokenOf = ({ json }: Answer): Token | undefined => {
  const auth = isObject(json) ? json['auth'] : undefined;
  const text = textAt(auth, 'client_token');
  if (text === undefined || !TOKEN.test(text) || !isObject(auth)) return undefined;
  const seconds = Number(auth['lease_duration']);
  return {
    token: new Secret(text),
    renewable: auth['renewable'] === true,
    leaseMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0,
  };
};
