import type { SecretManagerSettings } from '#config/secrets/manager.ts';

/** The providers that need the network. */
export type RemoteSettings = Exclude<SecretManagerSettings, { provider: 'file' }>;

/** A secret manager as messages call it, without credentials. */
export const nameOf = (settings: RemoteSettings): string => {
  switch (settings.provider) {
    case 'vault':
      return `Vault at ${settings.url}`;
    case 'aws-secrets-manager': {
      const place = settings.endpoint ?? settings.region;
      return `AWS Secrets Manager${place === undefined ? '' : ` (${place})`}`;
    }
    case 'azure-key-vault':
      return `Azure Key Vault at ${settings.url}`;
    default:
      return settings satisfies never;
  }
};
