import type { Dialer } from '#agent/network/dialer.ts';
import { isLoopback } from '#config/loopback.ts';
import { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { textAt } from '../fields.ts';
import type { Leased } from '../flight.ts';
import { quoted } from '../quote.ts';
import { type Answer, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import type { AwsCredentials } from './signature.ts';

/** End points of the machine itself answer at once or are not there. */
const METADATA_MS = 2_000;
/** Before their end, others are asked for: what is signed must still be good when it arrives. */
const BEFORE_END_MS = 300_000;
const TOKEN_SECONDS = '21600';

/** Where only credentials of this machine or container come from, and where they may travel without TLS. */
const CONTAINER_HOSTS = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']);

/** Credentials that end, with the time from which on others are needed; undefined when it is no such answer. */
export const temporary = (
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
  expiration: string | undefined,
): Leased<AwsCredentials> | undefined => {
  if (!accessKeyId || !secretAccessKey || !sessionToken) return undefined;
  const endsAt = expiration === undefined ? Number.NaN : Date.parse(expiration);
  return {
    value: { accessKeyId, secretAccessKey: new Secret(secretAccessKey), sessionToken: new Secret(sessionToken) },
    renewAt: Number.isNaN(endsAt) ? Infinity : endsAt - BEFORE_END_MS,
    endsAt: Number.isNaN(endsAt) ? Infinity : endsAt,
  };
};

const credentialsOf = (what: string, { status, json }: Answer): Leased<AwsCredentials> => {
  const text = (name: string): string | undefined => textAt(json, name);
  const found = temporary(text('AccessKeyId'), text('SecretAccessKey'), text('Token'), text('Expiration'));
  if (status === 200 && found !== undefined) return found;
  throw new Fault('secrets.refused', `${what} gave no credentials (HTTP ${status})`, {
    advice: 'Check the role of the task, pod or instance, and the log of the service that hands out its credentials.',
  });
};

/**
 * Credentials of a container (ECS, EKS Pod Identity), when the environment names where they come from.
 * @throws Fault `secrets.refused`, `secrets.unreachable`
 */
export const containerCredentials = async (
  dialer: Dialer,
  { env, read }: Surroundings,
): Promise<Leased<AwsCredentials> | undefined> => {
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const address = relative === undefined ? full : `http://169.254.170.2${relative}`;
  if (!address) return undefined;
  const url = URL.parse(address);
  const what = 'The end point of the container (AWS_CONTAINER_CREDENTIALS_…_URI)';
  const safe =
    url?.protocol === 'https:' || (url !== null && (isLoopback(url.hostname) || CONTAINER_HOSTS.has(url.hostname)));
  if (url === null || !safe || !/^https?:$/.test(url.protocol))
    throw new Fault('secrets.refused', `${what} is not one that credentials may be asked of in clear`, {
      advice: 'It must be https, or an address of this machine or container: correct the environment of the agent.',
    });
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const content = file === undefined ? undefined : read(file);
  if (content !== undefined && content.type !== 'file')
    throw new Fault('secrets.refused', `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read: ${content.reason}`);
  const token = content?.bytes.toString().trim() ?? env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  if (token !== undefined && !/^[\x20-\x7e]*$/.test(token))
    throw new Fault('secrets.refused', 'The authorization token of the container has more than one line');
  const answer = await new SecretServer(dialer, what, url.href, undefined, METADATA_MS).ask({
    path: `${url.pathname}${url.search}`,
    headers: { accept: 'application/json', ...(token ? { authorization: token } : {}) },
  });
  return credentialsOf(what, answer);
};

/** The instance's own end point (EC2, version 2); every call first obtains a session token, as version 2 demands. */
export class InstanceMetadata {
  readonly #server: SecretServer | undefined;
  #token: string | undefined;

  constructor(dialer: Dialer, { env }: Surroundings) {
    const given = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
    const six = env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE']?.toLowerCase() === 'ipv6';
    const address = given || (six ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254');
    const disabled = env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true' || URL.parse(address) === null;
    this.#server = disabled
      ? undefined
      : new SecretServer(dialer, 'The instance metadata', address, undefined, METADATA_MS);
  }

  /** Undefined when this is no instance, its end point is switched off, or it has no role. */
  async credentials(): Promise<Leased<AwsCredentials> | undefined> {
    const folder = '/latest/meta-data/iam/security-credentials/';
    const role = (await this.#get(folder))?.text.split('\n')[0]?.trim();
    if (!role) return undefined;
    const answer = await this.#get(`${folder}${encodeURIComponent(role)}`);
    return answer === undefined
      ? undefined
      : credentialsOf(`The instance metadata for the role ${quoted(role)}`, answer);
  }

  /** Undefined as above. */
  async region(): Promise<string | undefined> {
    return (await this.#get('/latest/meta-data/placement/region'))?.text.trim() || undefined;
  }

  /** Undefined for whatever is no answer of this end point: most machines have none. */
  async #get(path: string): Promise<Answer | undefined> {
    try {
      if (this.#server === undefined) return undefined;
      this.#token ??= await this.#newToken(this.#server);
      if (this.#token === undefined) return undefined;
      const ask = (token: string): Promise<Answer> | undefined =>
        this.#server?.ask({ path, headers: { 'x-aws-ec2-metadata-token': token } });
      let answer = await ask(this.#token);
      if (answer?.status === 401) {
        this.#token = await this.#newToken(this.#server);
        answer = this.#token === undefined ? undefined : await ask(this.#token);
      }
      return answer?.status === 200 ? answer : undefined;
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }

  async #newToken(server: SecretServer): Promise<string | undefined> {
    const { status, text } = await server.ask({
      method: 'PUT',
      path: '/latest/api/token',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS },
    });
    return status === 200 && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  }
}
