import type { Dialer } from '#agent/network/dialer.ts';
import type { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import type { Fetch } from '../cached.ts';
import { fieldsOfText, textAt } from '../fields.ts';
import { Lease } from '../flight.ts';
import { nameOf } from '../name.ts';
import { type Answer, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Challenge, readChallenge } from './challenge.ts';
import { vaultFault } from './faults.ts';
import { AzureIdentity, type AzureSettings } from './identity.ts';

/** Stable since 2022, known to all clouds. */
const API_VERSION = '7.4';

/** Secrets of Azure Key Vault, by name, or by name and version (`name/version`). */
export class KeyVault {
  readonly name: string;
  readonly #settings: AzureSettings;
  readonly #server: SecretServer;
  readonly #token: Lease<Secret>;
  /** What the vault wants a token for; found out by asking it without one. */
  #challenge: Challenge | undefined;

  constructor(settings: AzureSettings, dialer: Dialer, surroundings: Surroundings) {
    this.name = nameOf(settings);
    this.#settings = settings;
    this.#server = new SecretServer(dialer, this.name, settings.url, settings.route);
    const identity = new AzureIdentity(settings, dialer, surroundings);
    this.#token = new Lease(surroundings.now, async () => {
      this.#challenge ??= await this.#challenged();
      return await identity.token(this.#challenge);
    });
  }

  readonly fetch: Fetch = async (key, signal) => {
    const [, secret, version] = /^([0-9A-Za-z-]{1,127})(?:\/([0-9a-f]{32}))?$/.exec(key) ?? [];
    if (secret === undefined)
      return {
        type: 'missing',
        reason: 'a name has letters, digits and hyphens, 127 at most',
      };
    const path = `/secrets/${secret}/${version ?? ''}?api-version=${API_VERSION}`;
    let token = await this.#token.get(signal);
    let answer = await this.#ask(path, token, signal);
    if (answer.status === 401) {
      // The token ended early, or the vault moved to another tenant.
      this.#token.drop(token);
      this.#challenge = readChallenge(answer.header('www-authenticate'), this.#settings.url);
      token = await this.#token.get(signal);
      answer = await this.#ask(path, token, signal);
    }
    const { status, json } = answer;
    const value = textAt(json, 'value');
    if (status === 200 && value !== undefined) return { type: 'secret', fields: fieldsOfText(value) };
    if (status === 404 && textAt(json, 'error', 'code') !== undefined)
      return {
        type: 'missing',
        reason: 'a deleted one comes back by az keyvault secret recover',
      };
    if (status === 200)
      throw new Fault('secrets.unreachable', `${this.name}: what answers there is no Key Vault`, {
        advice: 'Check `url` of the secret manager (https://NAME.vault.azure.net), and proxies on the way.',
      });
    throw vaultFault(this.name, key, answer, [token]);
  };

  #ask(path: string, token: Secret | undefined, signal?: AbortSignal): Promise<Answer> {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
    return this.#server.ask({ path, headers: { accept: 'application/json', ...authorization }, signal });
  }

  async #challenged(): Promise<Challenge> {
    const answer = await this.#ask(`/secrets?api-version=${API_VERSION}&maxresults=1`, undefined);
    const challenge = readChallenge(answer.header('www-authenticate'), this.#settings.url);
    if (answer.status === 401 && challenge !== undefined) return challenge;
    throw answer.status === 401
      ? new Fault('secrets.refused', `${this.name} asks for a token of somebody else, or does not say for whom`, {
          advice:
            'Check `url` of the secret manager: it must be the address of the vault itself (https://NAME.vault.azure.net, or in the domain of another cloud of Azure), not a name of your own for it.',
        })
      : vaultFault(this.name, '', answer, []);
  }
}
