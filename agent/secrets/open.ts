import type { Dialer } from '#agent/network/dialer.ts';
import type { SecretManager } from '#config/secrets/manager.ts';
import { AwsSecretsManager } from './aws/secrets-manager.ts';
import { KeyVault } from './azure/key-vault.ts';
import { CachedSecrets } from './cached.ts';
import type { RemoteSettings } from './name.ts';
import { type Surroundings, THIS_MACHINE } from './surroundings.ts';
import { Vault } from './vault/vault.ts';

/** A secret manager in the network. Nothing is dialled, and nothing can be wrong, before the first secret is read. */
export const openSecretManager = (
  settings: RemoteSettings,
  dialer: Dialer,
  surroundings: Surroundings = THIS_MACHINE,
): SecretManager => {
  const { name, fetch } = provider(settings, dialer, surroundings);
  return new CachedSecrets(name, settings.cacheMs, fetch, surroundings);
};

const provider = (
  settings: RemoteSettings,
  dialer: Dialer,
  surroundings: Surroundings,
): Vault | AwsSecretsManager | KeyVault => {
  switch (settings.provider) {
    case 'vault':
      return new Vault(settings, dialer, surroundings);
    case 'aws-secrets-manager':
      return new AwsSecretsManager(settings, dialer, surroundings);
    case 'azure-key-vault':
      return new KeyVault(settings, dialer, surroundings);
    default:
      return settings satisfies never;
  }
};
