import type { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { SecretLookup } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import type { Fetch } from '../cached.ts';
import { type Fields, fieldsOfText, PLAIN_FIELD, textAt } from '../fields.ts';
import { nameOf } from '../name.ts';
import { quoted } from '../quote.ts';
import { type Answer, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { AwsIdentity, type AwsSettings } from './credentials.ts';
import { type AwsFailure, awsFault, isExpired } from './faults.ts';
import { endpointOf, regionOfArn } from './region.ts';
import { type AwsCredentials, signed } from './signature.ts';
import { element } from './xml.ts';

/** Secrets of AWS Secrets Manager, by name or ARN, as of their stage `AWSCURRENT`. */
export class AwsSecretsManager {
  readonly name: string;
  readonly #settings: AwsSettings;
  readonly #dialer: Dialer;
  readonly #surroundings: Surroundings;
  readonly #identity: AwsIdentity;

  constructor(settings: AwsSettings, dialer: Dialer, surroundings: Surroundings) {
    this.name = nameOf(settings);
    this.#settings = settings;
    this.#dialer = dialer;
    this.#surroundings = surroundings;
    this.#identity = new AwsIdentity(settings, dialer, surroundings);
  }

  readonly fetch: Fetch = async (key, signal) => {
    if (key.trim() === '') return { type: 'missing', reason: 'the name is empty' };
    const credentials = await this.#identity.credentials(signal);
    const answer = await this.#ask(key, credentials, signal);
    const failure = this.#failureOf(answer, credentials);
    if (failure === undefined) return this.#lookup(key, answer);
    if (isExpired(failure)) {
      // Whoever keeps them (a profile, a role) may have others by now.
      this.#identity.drop(credentials);
      const others = await this.#identity.credentials(signal);
      if (others.accessKeyId !== credentials.accessKeyId) {
        const again = await this.#ask(key, others, signal);
        const second = this.#failureOf(again, others);
        return second === undefined ? this.#lookup(key, again) : this.#failed(key, second);
      }
    }
    return this.#failed(key, failure);
  };

  async #ask(key: string, credentials: AwsCredentials, signal: AbortSignal): Promise<Answer> {
    const region = regionOfArn(key) ?? (await this.#identity.region(signal));
    const { env, now } = this.#surroundings;
    const address = this.#settings.endpoint ?? endpointOf('secretsmanager', region, env);
    const server = new SecretServer(this.#dialer, this.name, address, this.#settings.route);
    const body = JSON.stringify({ SecretId: key });
    const headers = signed({
      method: 'POST',
      headers: {
        host: new URL(server.origin).host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
      body,
      service: 'secretsmanager',
      region,
      credentials,
      now: now(),
    });
    return await server.ask({ method: 'POST', path: '/', headers, body, signal });
  }

  #failureOf(answer: Answer, { secretAccessKey, sessionToken }: AwsCredentials): AwsFailure | undefined {
    const { status, json } = answer;
    if (status === 200) return undefined;
    // Proxies before AWS, such as those of API gateways, answer by the older protocol.
    const xml = json === undefined ? answer.text : '';
    const type = textAt(json, '__type') ?? answer.header('x-amzn-errortype') ?? element(xml, 'Code') ?? '';
    const message = textAt(json, 'message') ?? textAt(json, 'Message') ?? element(xml, 'Message') ?? '';
    return {
      type: typeOf(type),
      message: quoted(message, [secretAccessKey, sessionToken]),
      status,
      date: answer.header('date'),
      retryAfter: answer.header('retry-after')?.slice(0, 20),
    };
  }

  #failed(key: string, failure: AwsFailure): SecretLookup {
    const { type, message } = failure;
    if (type === 'ResourceNotFoundException')
      return { type: 'missing', reason: message === '' ? 'it is not there' : message.replace(/\.$/, '') };
    if (type === 'InvalidRequestException' && /deletion|deleted/i.test(message))
      return {
        type: 'missing',
        reason: 'it is marked for deletion; aws secretsmanager restore-secret brings it back',
      };
    throw awsFault(this.name, `the secret “${key}”`, failure, this.#surroundings.now());
  }

  #lookup(key: string, { json }: Answer): SecretLookup {
    const text = textAt(json, 'SecretString');
    const binary = textAt(json, 'SecretBinary');
    if (text !== undefined) return { type: 'secret', fields: fieldsOfText(text) };
    if (binary !== undefined) return { type: 'secret', fields: fieldsOfBinary(binary) };
    throw new Fault('secrets.invalid', `${this.name}: the secret “${key}” has neither a text nor bytes`);
  }
}

const MAX_TYPE = 300;

/** The name in `com.amazonaws.secretsmanager#ResourceNotFoundException`, which may have `:` and an address behind. */
const typeOf = (text: string): string =>
  text
    .slice(0, MAX_TYPE)
    .split(':', 1)[0]
    ?.split(/[^A-Za-z]/)
    .at(-1) ?? '';

/** Bytes that are text count as such; others are one field, as Base64. */
const fieldsOfBinary = (base64: string): Fields => {
  try {
    return fieldsOfText(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64')));
  } catch {
    return new Map([[PLAIN_FIELD, new Secret(base64)]]);
  }
};
