import type { ErrorInfo } from '#protocol/errors.ts';
import type { ProxyChoice } from '../proxy.ts';
import type { Secret } from '../secret.ts';

/** What a secret manager holds under one name: fields, whose names may hold dots (`kh12345.eu-west-1.password`). */
export type SecretLookup =
  | {
      readonly type: 'secret';
      readonly fields: ReadonlyMap<string, Secret>;
      /** What is odd about it, for people: shown as warnings of the files that use it. */
      readonly notices?: readonly SecretNotice[];
    }
  | { readonly type: 'missing'; readonly reason: string }
  /** It could not be asked, or refused: what is in force stays, and it is asked again. */
  | { readonly type: 'failed'; readonly fault: ErrorInfo };

/** One or two sentences each; never a value. */
export interface SecretNotice {
  readonly message: string;
  readonly advice: string;
}

/** A store of secrets outside the connection files. Those that need the network live in `agent/secrets`. */
export interface SecretManager {
  /** For messages, without credentials: `the file secrets.conf`, `Vault at https://…`. */
  readonly name: string;
  /** Absolute paths of files whose change means that secrets may have changed. */
  readonly files?: readonly string[];
  /**
   * The secret `key` names. Answers from a cache within its lifetime, unless `fresh`. Never throws, except the reason of
   * the signal.
   */
  read(key: string, options?: { readonly signal?: AbortSignal; readonly fresh?: boolean }): Promise<SecretLookup>;
}

/** How a server of secrets is trusted and reached; as for the catalog. */
export interface SecretRoute {
  readonly tls: {
    readonly extraAuthorities: readonly string[];
    readonly replaceDefaultRoots: boolean;
    readonly systemAuthorities: boolean;
  };
  /** The proxy on the way; undefined for none. */
  readonly proxy: ProxyChoice | undefined;
}

export type VaultLogin =
  | { readonly method: 'token'; readonly token: Secret }
  /** Absolute path of a file that holds the token; read again when Vault refuses it or the file changed. */
  | { readonly method: 'token-file'; readonly path: string }
  | { readonly method: 'approle'; readonly mount: string; readonly roleId: string; readonly secretId: Secret };

/** The block `secret_manager` of `agent.conf`, validated. */
export type SecretManagerSettings =
  | { readonly provider: 'file' /** Absolute. */; readonly path: string; readonly key: string | undefined }
  | ({
      readonly provider: 'vault';
      /** `https://host[:port]`, no trailing slash. */
      readonly url: string;
      readonly mount: string;
      /** `auto` asks Vault which version the mount has. */
      readonly kvVersion: 1 | 2 | 'auto';
      readonly namespace: string | undefined;
      readonly login: VaultLogin;
    } & NetworkSettings)
  | ({
      readonly provider: 'aws-secrets-manager';
      readonly region: string | undefined;
      /** Undefined: the usual chain (environment, profile, web identity, container, instance). */
      readonly accessKeyId: string | undefined;
      readonly secretAccessKey: Secret | undefined;
      readonly sessionToken: Secret | undefined;
      readonly profile: string | undefined;
      /** Another end point than AWS's own, such as a VPC end point; undefined for the region's. */
      readonly endpoint: string | undefined;
    } & NetworkSettings)
  | ({
      readonly provider: 'azure-key-vault';
      /** `https://name.vault.azure.net`, no trailing slash. */
      readonly url: string;
      /** `https://login.microsoftonline.com` unless another cloud. */
      readonly authority: string;
      readonly tenantId: string | undefined;
      readonly clientId: string | undefined;
      /** Undefined: the managed identity of the machine. */
      readonly clientSecret: Secret | undefined;
    } & NetworkSettings);

interface NetworkSettings {
  /** The secret that connections mean that name none (`secret_manager.key`). */
  readonly key: string | undefined;
  readonly route: SecretRoute;
  /** How long an answer is used before it is asked for again. */
  readonly cacheMs: number;
}
