import { isAbsolute } from 'node:path';
import type { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManagerSettings } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import { Lease, type Leased } from '../flight.ts';
import type { Surroundings } from '../surroundings.ts';
import { containerCredentials, InstanceMetadata } from './metadata.ts';
import { keysOf, readProfile } from './profile-file.ts';
import { checkedRegion } from './region.ts';
import type { AwsCredentials } from './signature.ts';
import { type WebIdentity, webIdentityCredentials } from './web-identity.ts';

export type AwsSettings = Extract<SecretManagerSettings, { provider: 'aws-secrets-manager' }>;

/** Keys without an end are looked for again after this: somebody may have changed them. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Who the agent is to AWS: keys of the settings; a profile that the settings name; keys of the environment; the profile of
 * the environment; web identity; the container's end point; the instance's. The first that is there counts.
 */
export class AwsIdentity {
  readonly #settings: AwsSettings;
  readonly #dialer: Dialer;
  readonly #surroundings: Surroundings;
  readonly #instance: InstanceMetadata;
  readonly #credentials: Lease<AwsCredentials>;
  readonly #region: Lease<string>;

  constructor(settings: AwsSettings, dialer: Dialer, surroundings: Surroundings) {
    this.#settings = settings;
    this.#dialer = dialer;
    this.#surroundings = surroundings;
    this.#instance = new InstanceMetadata(dialer, surroundings);
    this.#credentials = new Lease(surroundings.now, () => this.#find());
    this.#region = new Lease(surroundings.now, async () => ({
      value: await this.#findRegion(),
      renewAt: surroundings.now() + LOOK_AGAIN_MS,
      endsAt: surroundings.now() + LOOK_AGAIN_MS,
    }));
  }

  /** @throws Fault `secrets.refused` when there are none, `secrets.unreachable`; or the reason of the signal */
  credentials(signal: AbortSignal): Promise<AwsCredentials> {
    return this.#credentials.get(signal);
  }

  /** AWS refused them. */
  drop(credentials: AwsCredentials): void {
    this.#credentials.drop(credentials);
  }

  /** @throws Fault `secrets.refused` when nothing names it; or the reason of the signal */
  region(signal?: AbortSignal): Promise<string> {
    return this.#region.get(signal);
  }

  async #findRegion(): Promise<string> {
    const { region, profile } = this.#settings;
    const { env } = this.#surroundings;
    if (region !== undefined) return checkedRegion(region, 'region in agent.conf');
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION'])
      if (env[name]) return checkedRegion(env[name], `the environment variable ${name}`);
    const found = readProfile(this.#surroundings, profile);
    const named = found?.values.get('region');
    if (named !== undefined) return checkedRegion(named, `the profile ${found?.name}`);
    const own = await this.#instance.region();
    if (own !== undefined) return checkedRegion(own, 'the instance metadata');
    throw new Fault('secrets.refused', 'Nothing says in which region of AWS the secrets are', {
      advice: 'Write region = eu-central-1 (or another) into the block `secret_manager` of `agent.conf`.',
    });
  }

  async #find(): Promise<Leased<AwsCredentials>> {
    const { accessKeyId, secretAccessKey, sessionToken, profile } = this.#settings;
    const { env } = this.#surroundings;
    if (accessKeyId !== undefined && secretAccessKey !== undefined)
      return this.#lasting({ accessKeyId, secretAccessKey, sessionToken });
    const id = env['AWS_ACCESS_KEY_ID'];
    const key = env['AWS_SECRET_ACCESS_KEY'];
    if (profile === undefined && id && key) {
      const token = env['AWS_SESSION_TOKEN'];
      return this.#lasting({
        accessKeyId: id,
        secretAccessKey: new Secret(key),
        sessionToken: token ? new Secret(token) : undefined,
      });
    }
    const found = readProfile(this.#surroundings, profile);
    if (found === undefined && profile !== undefined)
      throw new Fault('secrets.refused', `There is no profile “${profile}” in the files of AWS`, {
        advice: `Write it for the user that runs the agent: aws configure --profile ${profile}`,
      });
    const identity = this.#webIdentity(found?.name, found?.values);
    // A role in the profile stands before keys in the environment of the same kind.
    const keys = found === undefined || identity?.from.startsWith('the profile') ? undefined : keysOf(found);
    if (keys !== undefined) return this.#lasting(keys);
    if (identity !== undefined)
      return await webIdentityCredentials(
        identity,
        await this.region(),
        this.#dialer,
        this.#settings.route,
        this.#surroundings,
      );
    const own = (await containerCredentials(this.#dialer, this.#surroundings)) ?? (await this.#instance.credentials());
    if (own !== undefined) return own;
    throw new Fault(
      'secrets.refused',
      'There are no credentials for AWS: none in agent.conf, in AWS_ACCESS_KEY_ID, in the files of AWS for this user, in AWS_WEB_IDENTITY_TOKEN_FILE, of a container or of an instance',
      { advice: 'Give the machine a role, or write access_key_id and secret_access_key into agent.conf.' },
    );
  }

  #webIdentity(profile: string | undefined, values: ReadonlyMap<string, string> | undefined): WebIdentity | undefined {
    const { env, now } = this.#surroundings;
    const sessionName = `culvert-${Math.floor(now() / 1000)}`;
    const ofProfile = values?.get('web_identity_token_file');
    const role = values?.get('role_arn');
    if (ofProfile !== undefined && role !== undefined)
      return {
        tokenFile: ofProfile,
        roleArn: role,
        sessionName: values?.get('role_session_name') ?? sessionName,
        from: `the profile ${profile}`,
      };
    const tokenFile = env['AWS_WEB_IDENTITY_TOKEN_FILE'];
    const roleArn = env['AWS_ROLE_ARN'];
    if (!tokenFile || !roleArn || !isAbsolute(tokenFile)) return undefined;
    return {
      tokenFile,
      roleArn,
      sessionName: env['AWS_ROLE_SESSION_NAME'] || sessionName,
      from: 'AWS_WEB_IDENTITY_TOKEN_FILE',
    };
  }

  #lasting(value: AwsCredentials): Leased<AwsCredentials> {
    const until = this.#surroundings.now() + LOOK_AGAIN_MS;
    return { value, renewAt: until, endsAt: until };
  }
}
