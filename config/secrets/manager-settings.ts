import type { Problems } from '../connection/problem.ts';
import { readProxy } from '../connection/proxy.ts';
import type { SideFiles } from '../connection/side-files.ts';
import { readTrust } from '../connection/trust.ts';
import type { Placed, Values } from '../connection/values.ts';
import { isLoopback } from '../loopback.ts';
import type { Environment } from '../proxy-environment.ts';
import { Secret } from '../secret.ts';
import type { Place } from '../tree.ts';
import type { SecretManagerSettings, VaultLogin } from './manager.ts';
import { PROVIDER_KEYS, PROVIDERS, type Provider } from './manager-keys.ts';

const CONFIGURATION = 'secret_manager.configuration';

/** Reads the block `secret_manager` of `agent.conf`. Undefined for none, and when it is wrong, which is reported. */
export const readSecretManager = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  env: Environment,
): SecretManagerSettings | undefined => {
  const at = values.node('secret_manager')?.at;
  const provider = PROVIDERS.find((known) => known === values.text('secret_manager.provider')?.value);
  const cacheMs = values.durationMs('secret_manager.cache_lifetime');
  const key = values.text('secret_manager.key')?.value.trim();
  const block = new Block(values, files, problems, at);
  if (provider === undefined) {
    if (at !== undefined && values.placeOf('secret_manager.provider') === undefined)
      problems.error(
        'config.missing_key',
        at,
        'secret_manager.provider is missing: where secrets are kept.',
        `Add secret_manager.provider = "file", or ${PROVIDERS.slice(1).join(', ')}.`,
      );
    return undefined;
  }
  block.warnOfOthers(provider);
  if (provider === 'file') {
    const path = block.required('file_path', 'the file that holds the secrets', '"secrets.conf"');
    return path === undefined ? undefined : { provider, path: files.pathOf(path), key };
  }
  const proxy = readProxy(values, files, problems, env, 'secret_manager.');
  const network = { key, cacheMs, route: { tls: readTrust(values, files, problems, false, 'secret_manager.'), proxy } };
  switch (provider) {
    case 'vault': {
      const url = block.address('url', '"https://vault.example.com:8200"');
      const login = block.vaultLogin();
      const version = block.text('kv_version');
      if (url === undefined || login === undefined) return undefined;
      return {
        provider,
        url,
        login,
        mount: block.text('mount')?.replace(/^\/+|(?<!\/)\/+$/g, '') ?? 'secret',
        kvVersion: version === '1' ? 1 : version === '2' ? 2 : 'auto',
        namespace: block.text('namespace')?.replace(/^\/+|(?<!\/)\/+$/g, ''),
        ...network,
      };
    }
    case 'aws-secrets-manager': {
      const accessKeyId = block.text('access_key_id');
      const secretAccessKey = block.secret('secret_access_key');
      const sessionToken = block.secret('session_token');
      block.together('access_key_id', 'secret_access_key');
      if (sessionToken !== undefined) block.together('session_token', 'secret_access_key');
      const endpoint = block.filled('endpoint') ? block.address('endpoint', '"https://…"') : undefined;
      return {
        provider,
        region: block.text('region'),
        accessKeyId,
        secretAccessKey,
        sessionToken,
        profile: block.text('profile'),
        endpoint,
        ...network,
      };
    }
    case 'azure-key-vault': {
      const url = block.address('url', '"https://name.vault.azure.net"');
      const authority = block.filled('authority')
        ? block.address('authority', '"https://login.microsoftonline.com"')
        : 'https://login.microsoftonline.com';
      const clientSecret = block.secret('client_secret');
      if (clientSecret !== undefined) {
        block.together('client_secret', 'client_id');
        block.together('client_secret', 'tenant_id');
      }
      if (url === undefined || authority === undefined) return undefined;
      return {
        provider,
        url,
        authority,
        tenantId: block.text('tenant_id'),
        clientId: block.text('client_id'),
        clientSecret,
        ...network,
      };
    }
    default:
      return provider satisfies never;
  }
};

/** The keys below `secret_manager.configuration`. */
class Block {
  readonly #values: Values;
  readonly #files: SideFiles;
  readonly #problems: Problems;
  readonly #at: Place | undefined;

  constructor(values: Values, files: SideFiles, problems: Problems, at: Place | undefined) {
    this.#values = values;
    this.#files = files;
    this.#problems = problems;
    this.#at = at;
  }

  #placed(key: string): Placed<string> | undefined {
    return this.#values.text(`${CONFIGURATION}.${key}`);
  }

  text(key: string): string | undefined {
    return this.#placed(key)?.value.trim();
  }

  filled(key: string): boolean {
    return this.#placed(key) !== undefined;
  }

  secret(key: string): Secret | undefined {
    const found = this.#placed(key);
    return found === undefined ? undefined : new Secret(found.value);
  }

  required(key: string, what: string, example: string): string | undefined {
    const found = this.text(key);
    if (found === undefined)
      this.#problems.error(
        'config.missing_key',
        this.#values.placeOf(`${CONFIGURATION}.${key}`) ?? this.#at,
        `${CONFIGURATION}.${key} is missing: ${what}.`,
        `Add ${CONFIGURATION}.${key} = ${example}.`,
      );
    return found;
  }

  /** Both, or neither. */
  together(key: string, other: string): void {
    const [one, two] = [this.#placed(key), this.#placed(other)];
    const found = one ?? two;
    if (found === undefined || (one !== undefined && two !== undefined)) return;
    const [there, missing] = one === undefined ? [other, key] : [key, other];
    this.#problems.error(
      'config.missing_key',
      found.at,
      `${CONFIGURATION}.${missing} is missing, and ${there} needs it.`,
      `Add ${CONFIGURATION}.${missing}, or delete ${there}.`,
    );
  }

  /** `https://host[:port][/path]` without a slash at its end; credentials never go over anything but TLS, except to this machine. */
  address(key: string, example: string): string | undefined {
    const given = this.required(key, 'its address', example);
    if (given === undefined) return undefined;
    const url = URL.parse(given);
    const local = url !== null && isLoopback(url.hostname);
    if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && local)) && !/[@?#]/.test(given))
      return given.replace(/(?<!\/)\/+$/, '');
    this.#problems.error(
      'config.invalid',
      this.#placed(key)?.at,
      `${CONFIGURATION}.${key} must be an https:// address without user, password, ? and #.`,
      `Write ${CONFIGURATION}.${key} = ${example}.`,
    );
    return undefined;
  }

  vaultLogin(): VaultLogin | undefined {
    const stated = this.text('auth.method');
    const approle = ['auth.role_id', 'auth.secret_id', 'auth.secret_id_file'].some((key) => this.filled(key));
    if (stated === 'approle' || (stated === undefined && approle)) {
      const roleId = this.required('auth.role_id', 'the role id of the AppRole', '"…"');
      const secretId = this.#fromFile('auth.secret_id', 'auth.secret_id_file');
      if (roleId === undefined || secretId === undefined) return undefined;
      const mount = this.text('auth.mount')?.replace(/^\/+|(?<!\/)\/+$/g, '') ?? 'approle';
      return { method: 'approle', mount, roleId, secretId };
    }
    const named = this.text('auth.token_file');
    const token = this.#fromFile('auth.token', 'auth.token_file');
    if (token === undefined) return undefined;
    // Others may renew the token there, as Vault's own agent does.
    return named === undefined ? { method: 'token', token } : { method: 'token-file', path: this.#files.pathOf(named) };
  }

  /** A secret that is written down, or that stands in a file of its own. */
  #fromFile(key: string, fileKey: string): Secret | undefined {
    const direct = this.#placed(key);
    const named = this.#placed(fileKey);
    const refuse = (at: Place | undefined, message: string, advice: string): undefined => {
      this.#problems.error('config.invalid', at, message, advice);
      return undefined;
    };
    if (direct !== undefined && named !== undefined)
      return refuse(named.at, `${CONFIGURATION}.${key} and ${fileKey} are both there.`, 'Keep one of them.');
    if (named === undefined) {
      if (direct !== undefined) return new Secret(direct.value.trim());
      this.#problems.error(
        'config.missing_key',
        this.#values.placeOf(CONFIGURATION) ?? this.#at,
        `${CONFIGURATION}.${key} is missing.`,
        `Add ${CONFIGURATION}.${key} = "file:…" or "encrypted:…", or ${fileKey}.`,
      );
      return undefined;
    }
    const content = this.#files.readNamed(named.value);
    if (content.type !== 'file')
      return refuse(
        named.at,
        `${CONFIGURATION}.${fileKey}: the file cannot be read: ${content.reason}.`,
        'Check the path: it is relative to the folder of this file, or absolute.',
      );
    const value = content.bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trim();
    if (value === '')
      return refuse(named.at, `${CONFIGURATION}.${fileKey} names an empty file.`, 'Write the value into it.');
    return new Secret(value);
  }

  /** A key of another provider does nothing, which is hardly meant. */
  warnOfOthers(provider: Provider): void {
    const own: readonly string[] = PROVIDER_KEYS[provider];
    const unused = (path: string, at: Place): void =>
      this.#problems.warn(
        'config.suspicious_value',
        at,
        `${path} has no effect: the provider is ${provider}.`,
        'Delete the line, or correct secret_manager.provider.',
      );
    for (const key of new Set(PROVIDERS.flatMap((other): readonly string[] => PROVIDER_KEYS[other]))) {
      const found = own.includes(key) ? undefined : this.#placed(key);
      if (found !== undefined) unused(`${CONFIGURATION}.${key}`, found.at);
    }
    // The file is read at every look, so that there is nothing to remember.
    const cached = provider === 'file' ? this.#values.placeOf('secret_manager.cache_lifetime') : undefined;
    if (cached !== undefined) unused('secret_manager.cache_lifetime', cached);
  }
}
