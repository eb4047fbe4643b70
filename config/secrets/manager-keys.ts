import type { KeySpec, KeyType } from '../connection/key-spec.ts';
import { proxyKeys } from '../connection/proxy-keys.ts';

/** The providers of `secret_manager.provider`, with the keys of `secret_manager.configuration` that each has. */
export const PROVIDER_KEYS = {
  file: ['file_path'],
  'aws-secrets-manager': ['region', 'access_key_id', 'secret_access_key', 'session_token', 'profile', 'endpoint'],
  vault: [
    'url',
    'mount',
    'kv_version',
    'namespace',
    'auth.method',
    'auth.token',
    'auth.token_file',
    'auth.mount',
    'auth.role_id',
    'auth.secret_id',
    'auth.secret_id_file',
  ],
  'azure-key-vault': ['url', 'authority', 'tenant_id', 'client_id', 'client_secret'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Provider = keyof typeof PROVIDER_KEYS;

export const PROVIDERS = Object.keys(PROVIDER_KEYS) as readonly Provider[];

const key = (path: string, type: KeyType, description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path: `secret_manager.${path}`,
  type,
  status: 'used',
  description,
  ...more,
});
const of = (path: string, description: string, more: Partial<KeySpec> = {}): KeySpec =>
  key(`configuration.${path}`, 'string', description, { oneLine: true, ...more });

/** The keys of `secret_manager` in `agent.conf`; `secret-manager` and `file-path` are the same, as Zeenea spells them. */
export const SECRET_MANAGER_KEYS: readonly KeySpec[] = [
  key('provider', 'string', 'Where secrets are kept.', { values: PROVIDERS }),
  key('key', 'string', 'Name of the secret of connections that name none.', { oneLine: true }),
  key('cache_lifetime', 'duration', 'How long a secret is used before it is asked for again.', {
    minimum: 1000,
    maximum: 86_400_000,
    standard: '5m',
  }),
  of('file_path', 'file: the file that holds the secrets (HOCON, one object for each).'),
  of('region', 'AWS: the region; by default that of the environment or the profile.'),
  of('access_key_id', 'AWS: access key; by default that of the environment, the profile or the machine.'),
  of('secret_access_key', 'AWS: the secret of the access key.', { secret: true }),
  of('session_token', 'AWS: the token of a temporary access key.', { secret: true }),
  of('profile', 'AWS: profile of the files in ~/.aws.'),
  of('endpoint', 'AWS: https:// address of a VPC end point, in place of that of the region.'),
  of('url', 'Vault, Azure: https:// address of the server or of the key vault.'),
  of('mount', 'Vault: path of the KV secrets engine.', { standard: 'secret' }),
  of('kv_version', 'Vault: version of the KV secrets engine; auto asks Vault.', {
    values: ['auto', '1', '2'],
    standard: 'auto',
  }),
  of('namespace', 'Vault: namespace.'),
  of('auth.method', 'Vault: how the agent logs in; by default by the keys that are there.', {
    values: ['token', 'approle'],
  }),
  of('auth.token', 'Vault: a token.', { secret: true }),
  of('auth.token_file', 'Vault: file that holds the token, and is read again when Vault refuses it.'),
  of('auth.mount', 'Vault: path of the AppRole method.', { standard: 'approle' }),
  of('auth.role_id', 'Vault: role id of an AppRole.'),
  of('auth.secret_id', 'Vault: secret id of an AppRole.', { secret: true }),
  of('auth.secret_id_file', 'Vault: file that holds the secret id.'),
  of('authority', 'Azure: address that gives tokens; another one in national clouds.', {
    standard: 'https://login.microsoftonline.com',
  }),
  of('tenant_id', 'Azure: tenant of the application.'),
  of('client_id', 'Azure: application, or a managed identity of the machine.'),
  of('client_secret', 'Azure: secret of the application; without it the managed identity of the machine logs in.', {
    secret: true,
  }),
  key('tls.truststore.path', 'string', 'Authorities to trust for the secret manager besides the usual ones.', {
    oneLine: true,
  }),
  key('tls.truststore.type', 'string', 'PEM, PKCS12 or JKS; by default from the file itself.', {
    values: ['PEM', 'PKCS12', 'JKS'],
  }),
  key('tls.truststore.password', 'string', 'Password of a PKCS12 or JKS store.', { secret: true }),
  key('tls.truststore.replace_default_roots', 'boolean', 'True trusts the trust store alone, not the usual roots.', {
    standard: false,
  }),
  key('tls.system_authorities', 'boolean', "True trusts the operating system's authorities, too.", { standard: false }),
  ...proxyKeys(true, 'secret_manager.'),
];
