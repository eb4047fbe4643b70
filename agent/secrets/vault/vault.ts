import type { Dialer } from '#agent/network/dialer.ts';
import type { Secret } from '#config/secret.ts';
import type { SecretLookup, SecretManagerSettings } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import type { Fetch } from '../cached.ts';
import { fieldsOf, isObject, textAt } from '../fields.ts';
import { nameOf } from '../name.ts';
import { quoted } from '../quote.ts';
import { type Answer, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { vaultFault } from './faults.ts';
import { type AskVault, askVault, VaultSession, type Verdict } from './session.ts';

type VaultSettings = Extract<SecretManagerSettings, { provider: 'vault' }>;
type KvVersion = 1 | 2;

const segments = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
const encoded = (path: string): string => segments(path).map(encodeURIComponent).join('/');

/** Secrets of HashiCorp Vault's KV engine, versions 1 and 2; each secret is a path below the mount. */
export class Vault {
  readonly name: string;
  readonly #ask: AskVault;
  readonly #session: VaultSession;
  /** Without slashes at its ends. */
  readonly #mount: string;
  #version: KvVersion | undefined;

  constructor(settings: VaultSettings, dialer: Dialer, surroundings: Surroundings) {
    this.name = nameOf(settings);
    const server = new SecretServer(dialer, this.name, settings.url, settings.route);
    // Behind a reverse proxy Vault may live below a path.
    const base = new URL(settings.url).pathname.replace(/(?<!\/)\/+$/, '');
    this.#ask = askVault(server, base, settings.namespace);
    this.#session = new VaultSession(this.name, this.#ask, settings.login, surroundings);
    this.#mount = segments(settings.mount).join('/');
    this.#version = settings.kvVersion === 'auto' ? undefined : settings.kvVersion;
  }

  readonly fetch: Fetch = async (key, signal) => {
    const parts = segments(key);
    if (parts.length === 0 || parts.some((part) => part === '.' || part === '..'))
      return { type: 'missing', reason: 'this is no path of a secret' };
    const path = parts.join('/');
    const token = await this.#session.token(signal);
    const first = await this.#attempt(path, token, signal);
    if (first.type !== 'forbidden') return first.lookup;
    const verdict = await this.#verdict(token, path, first, signal);
    // The token may have ended while it was thought to be good: with a new one, once more.
    if (!(await this.#session.another(token, verdict, signal))) throw verdict.fault;
    const next = await this.#session.token(signal);
    const second = await this.#attempt(path, next, signal);
    if (second.type !== 'forbidden') return second.lookup;
    throw (await this.#verdict(next, path, second, signal)).fault;
  };

  #verdict(token: Secret, path: string, { answer, version }: Forbidden, signal: AbortSignal): Promise<Verdict> {
    return this.#session.verdict(token, this.#address(path, version), answer, signal);
  }

  #address(path: string, version: KvVersion): string {
    return version === 2 ? `${this.#mount}/data/${path}` : `${this.#mount}/${path}`;
  }

  async #attempt(path: string, token: Secret, signal: AbortSignal): Promise<Attempt> {
    const version = this.#version ?? (await this.#detect(token, signal));
    if (version !== undefined) {
      this.#version = version;
      return await this.#read(path, version, token, signal);
    }
    // The policy hides the mount: the answers to reading tell the versions apart.
    const asSecond = await this.#read(path, 2, token, signal);
    if (asSecond.type === 'read' && asSecond.sure) {
      this.#version = 2;
      return asSecond;
    }
    const asFirst = await this.#read(path, 1, token, signal);
    if (asFirst.type === 'read' && asFirst.sure) {
      this.#version = 1;
      return asFirst;
    }
    if (asFirst.type === 'read' && asFirst.versioned) this.#version = 2;
    return asSecond.type === 'read' ? asSecond : asFirst.type === 'read' && !asFirst.versioned ? asFirst : asSecond;
  }

  /** Which version the mount has; undefined when the policy does not let us know. */
  async #detect(token: Secret, signal: AbortSignal): Promise<KvVersion | undefined> {
    const answer = await this.#ask('GET', `sys/internal/ui/mounts/${encoded(this.#mount)}`, { token, signal });
    // 404: Vault before 0.10.
    if (answer.status === 403 || answer.status === 404) return undefined;
    if (answer.status !== 200) throw await this.#fault(answer, signal);
    const type = textAt(answer.json, 'data', 'type');
    if (type !== 'kv' && type !== 'generic')
      throw new Fault(
        'secrets.refused',
        `${this.name}: ${this.#mount}/ is no KV engine (${quoted(type ?? 'type unknown')})`,
        {
          advice: 'Write the mount of a KV engine into `mount` of the secret manager: vault secrets list shows them.',
        },
      );
    return textAt(answer.json, 'data', 'options', 'version') === '2' ? 2 : 1;
  }

  async #read(path: string, version: KvVersion, token: Secret, signal: AbortSignal): Promise<Attempt> {
    const answer = await this.#ask('GET', encoded(this.#address(path, version)), { token, signal });
    const { status, json } = answer;
    if (status === 403) return { type: 'forbidden', answer, version };
    const data = isObject(json) ? json['data'] : undefined;
    if (status === 404) return { type: 'read', ...this.#absent(path, version, answer) };
    if (status !== 200) throw await this.#fault(answer, signal);
    const fields = version === 2 && isObject(data) ? data['data'] : data;
    if (isObject(fields))
      return {
        type: 'read',
        lookup: { type: 'secret', fields: fieldsOf(fields) },
        sure: true,
        versioned: version === 2,
      };
    throw new Fault('secrets.invalid', `${this.name}: ${this.#address(path, version)} was answered without fields`, {
      advice: `Check \`kv_version\` of the secret manager: it was read as version ${version}.`,
    });
  }

  /** What a 404 means: no such secret, a version that was deleted, or the other version of the engine. */
  #absent(path: string, version: KvVersion, { json }: Answer): Omit<Read, 'type'> {
    const place = this.#address(path, version);
    if (version === 2 && isObject(json) && isObject(json['data'])) {
      const number = quoted(textAt(json, 'data', 'metadata', 'version') ?? 'newest');
      const metadata = isObject(json['data']['metadata']) ? json['data']['metadata'] : {};
      const when = quoted(textAt(metadata, 'deletion_time') ?? '');
      const destroyed = metadata['destroyed'] === true;
      const gone = destroyed ? 'was destroyed' : `was deleted${when === '' ? '' : ` at ${when}`}`;
      const cure = destroyed ? 'write a new one' : 'write a new one, or undelete it (vault kv undelete)';
      const reason = `version ${number} of ${place} ${gone}; ${cure}`;
      return { lookup: { type: 'missing', reason }, sure: true, versioned: true };
    }
    const warnings = isObject(json) && Array.isArray(json['warnings']) ? json['warnings'].join(' ') : '';
    if (version === 1 && /versioned K\/V/i.test(warnings)) {
      const reason = `${place} is read as version 1 of the KV engine, but it has version 2 (kv_version)`;
      return { lookup: { type: 'missing', reason }, sure: false, versioned: true };
    }
    const below = /^(?:data|metadata)\//.test(path) && version === 2 ? ' (leave out “data/”: it is added)' : '';
    return {
      lookup: { type: 'missing', reason: `nothing is at ${place}${below}` },
      sure: false,
      versioned: false,
    };
  }

  async #fault(answer: Answer, signal: AbortSignal): Promise<Fault> {
    // Without an active node a standby says 500; only its health tells why.
    const health = answer.status >= 500 ? (await this.#ask('GET', 'sys/health', { signal })).status : undefined;
    return vaultFault(this.name, 'reading', answer, health);
  }
}

interface Read {
  readonly type: 'read';
  readonly lookup: SecretLookup;
  /** The answer shows which version the engine has. */
  readonly sure: boolean;
  /** It says that the engine has version 2. */
  readonly versioned: boolean;
}

interface Forbidden {
  readonly type: 'forbidden';
  readonly answer: Answer;
  readonly version: KvVersion;
}

type Attempt = Read | Forbidden;
