import { basename, dirname, join } from 'node:path';
import type { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManagerSettings } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import { textAt } from '../fields.ts';
import type { Leased } from '../flight.ts';
import { quoted } from '../quote.ts';
import { type Answer, type Ask, SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Challenge, isTenant } from './challenge.ts';
import { loginFault } from './faults.ts';

export type AzureSettings = Extract<SecretManagerSettings, { provider: 'azure-key-vault' }>;

/** A token is not used in its last five minutes: it must still be good when it arrives. */
const BEFORE_END_MS = 300_000;
const METADATA_MS = 5_000;
const MAX_HEADER = 4096;

const MACHINE_ADVICE =
  'Switch on the managed identity of the machine (and name its client_id if it has several), or write tenant_id, client_id and client_secret.';

/** How the agent proves to a vault who it is. */
export class AzureIdentity {
  readonly #settings: AzureSettings;
  readonly #dialer: Dialer;
  readonly #surroundings: Surroundings;

  constructor(settings: AzureSettings, dialer: Dialer, surroundings: Surroundings) {
    this.#settings = settings;
    this.#dialer = dialer;
    this.#surroundings = surroundings;
  }

  /** @throws Fault `secrets.refused`, `secrets.unreachable`, `proxy.…` */
  async token(challenge: Challenge): Promise<Leased<Secret>> {
    const { clientSecret } = this.#settings;
    return clientSecret === undefined
      ? await this.#ofTheMachine(challenge.resource)
      : await this.#ofTheClient(challenge, clientSecret);
  }

  async #ofTheClient({ tenant: said, resource }: Challenge, clientSecret: Secret): Promise<Leased<Secret>> {
    const { authority, clientId, route, tenantId } = this.#settings;
    const tenant = tenantId ?? said;
    if (clientId === undefined || tenant === undefined || !isTenant(tenant))
      throw new Fault('secrets.refused', 'Azure: the login needs tenant_id, client_id and client_secret', {
        advice: 'Write all three into the block `secret_manager` of `agent.conf`.',
      });
    const server = new SecretServer(this.#dialer, 'The login of Azure', authority, route);
    const answer = await server.ask({
      method: 'POST',
      path: `/${tenant}/oauth2/v2.0/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret.reveal(),
        scope: `${resource}/.default`,
      }).toString(),
    });
    const token = this.#tokenOf(answer);
    if (token === undefined)
      throw loginFault(`The login of Azure (${server.origin}/${tenant})`, answer, [clientSecret]);
    return token;
  }

  /** App Service, Azure Arc, or a virtual machine: the environment tells the first two. No proxy leads to any of them. */
  async #ofTheMachine(resource: string): Promise<Leased<Secret>> {
    const { env } = this.#surroundings;
    const endpoint = env['IDENTITY_ENDPOINT'];
    const header = env['IDENTITY_HEADER'];
    if (endpoint && header)
      return await this.#identity('The identity of App Service', endpoint, '2019-08-01', resource, {
        'x-identity-header': header,
      });
    if (endpoint && env['IMDS_ENDPOINT'])
      return await this.#identity('The identity of Azure Arc', endpoint, '2020-06-01', resource, { metadata: 'true' });
    const given = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] || 'http://169.254.169.254';
    const address = `${given.replace(/(?<!\/)\/+$/, '')}/metadata/identity/oauth2/token`;
    return await this.#identity('The identity of the machine', address, '2018-02-01', resource, { metadata: 'true' });
  }

  async #identity(
    what: string,
    address: string,
    version: string,
    resource: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Leased<Secret>> {
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol))
      throw new Fault('secrets.refused', `${what}: the address in the environment is none`, { advice: MACHINE_ADVICE });
    const server = new SecretServer(this.#dialer, what, url.href, undefined, METADATA_MS);
    const query = new URLSearchParams({ 'api-version': version, resource });
    if (this.#settings.clientId !== undefined) query.set('client_id', this.#settings.clientId);
    const request: Ask = { path: `${url.pathname}?${query}`, headers };
    let answer = await this.#askMachine(server, request);
    const proof = answer.status === 401 ? this.#arcProof(answer.header('www-authenticate')) : undefined;
    if (proof !== undefined)
      answer = await this.#askMachine(server, {
        ...request,
        headers: { ...headers, authorization: `Basic ${proof.reveal()}` },
      });
    const token = this.#tokenOf(answer);
    if (token !== undefined) return token;
    const words = quoted(textAt(answer.json, 'error_description') ?? textAt(answer.json, 'message') ?? '', [proof]);
    const troubled = answer.status === 429 || answer.status >= 500 || answer.status === 410;
    throw new Fault(
      troubled ? 'secrets.unreachable' : 'secrets.refused',
      `${what} gave no token (HTTP ${answer.status})${words === '' ? '' : `: ${words}`}`,
      { advice: troubled ? 'It is being updated or busy; it is asked again by itself.' : MACHINE_ADVICE },
    );
  }

  async #askMachine(server: SecretServer, request: Ask): Promise<Answer> {
    try {
      return await server.ask(request);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault('secrets.unreachable', error.message, {
        cause: error,
        advice: MACHINE_ADVICE,
      });
    }
  }

  /** Azure Arc proves that we are on the machine by a file that only its users may read. */
  #arcProof(header: string | undefined): Secret | undefined {
    const path = realmOf(header?.slice(0, MAX_HEADER) ?? '');
    if (path === undefined) return undefined;
    const { env, read } = this.#surroundings;
    const folder =
      process.platform === 'win32'
        ? join(env['ProgramData'] ?? 'C:\\ProgramData', 'AzureConnectedMachineAgent', 'Tokens')
        : '/var/opt/azcmagent/tokens';
    const inPlace = dirname(path) === folder && /^[\w.-]+\.key$/.test(basename(path));
    const content = inPlace ? read(path) : undefined;
    if (content?.type === 'file' && content.bytes.length <= 4096) return new Secret(content.bytes.toString().trim());
    const reason =
      content === undefined || content.type === 'file' ? 'it is not where Azure Arc keeps it' : content.reason;
    throw new Fault('secrets.refused', `The proof of Azure Arc (${quoted(path)}) cannot be used: ${reason}`, {
      advice:
        'Let the user that runs the agent read it: the group himds on Linux, “Hybrid agent extension applications” on Windows.',
    });
  }

  #tokenOf({ status, json }: Answer): Leased<Secret> | undefined {
    const text = textAt(json, 'access_token');
    if (status !== 200 || text === undefined || !/^[\x21-\x7e]+$/.test(text)) return undefined;
    const now = this.#surroundings.now();
    const inSeconds = Number(textAt(json, 'expires_in'));
    const onSeconds = Number(textAt(json, 'expires_on'));
    // Numbers are kept as texts, as Azure's own end points differ in whether they quote them.
    const endsAt = inSeconds > 0 ? now + inSeconds * 1000 : onSeconds > 0 ? onSeconds * 1000 : now + BEFORE_END_MS;
    const lifeMs = endsAt - now;
    return { value: new Secret(text), renewAt: endsAt - Math.min(BEFORE_END_MS, lifeMs / 3), endsAt };
  }
}

/** The realm of `Basic realm=PATH`, with quotes or without; undefined for another challenge. */
const realmOf = (header: string): string | undefined => {
  const given = /^\s*basic\s+realm\s*=(.*)$/is.exec(header)?.[1]?.trim() ?? '';
  const realm = given.slice(Number(given.startsWith('"')), given.endsWith('"') ? -1 : undefined);
  return realm === '' || realm.includes('"') ? undefined : realm;
};
