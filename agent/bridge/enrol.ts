import type { Dialer } from '#agent/network/dialer.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import type { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { EnrolReply, type EnrolRequest } from '#protocol/messages.ts';
import { gatewayAddress } from './gateway-address.ts';
import { Identity, newKeyPair } from './identity.ts';
import { checkStateFolder, storeIdentity } from './identity-file.ts';
import { nameMachine } from './machine.ts';
import { unreachable } from './unreachable.ts';

export interface EnrolOptions {
  readonly dialer: Dialer;
  /** `gateway.url` of the agent's settings. */
  readonly gatewayUrl: string;
  readonly tls?: TlsOptions | undefined;
  readonly proxy: ProxyChoice | undefined;
  /** The one-time token from the catalog. */
  readonly token: Secret;
  /** How the agent is called in the catalog; the machine's name unless somebody chose one. */
  readonly name: string;
  readonly version: string;
  readonly stateFolder: string;
  readonly signal?: AbortSignal | undefined;
}

const DEADLINE_MS = 30_000;
const MAX_REPLY_BYTES = 64 * 1024;

/**
 * Makes a key pair on this machine, registers its public half with the one-time token, and stores the identity with the
 * catalog's key pinned. An older identity is replaced only when the new one is accepted.
 * @throws Fault `bridge.enrolment_refused`, `bridge.unreachable`, `proxy.…`, `config.invalid`, `spool.failed`, `bridge.protocol`
 */
export const enrol = async (options: EnrolOptions): Promise<Identity> => {
  const address = gatewayAddress(options.gatewayUrl);
  // Before the token is used up for nothing.
  await checkStateFolder(options.stateFolder);
  const { publicKey, privateKey } = newKeyPair();
  const request: EnrolRequest = {
    token: options.token.reveal().trim(),
    name: options.name.slice(0, 100),
    publicKey,
    version: options.version.slice(0, 50),
  };
  const reply = await post(options, address.origin, address.enrolPath, request);
  const machine = (await nameMachine())?.(reply.agentId);
  const stored = {
    ...reply,
    privateKey,
    keyMadeAt: new Date().toISOString(),
    ...(machine === undefined ? {} : { machine }),
  };
  let identity: Identity;
  try {
    identity = new Identity(stored);
  } catch {
    throw new Fault('bridge.protocol', `${address.origin} answered the enrolment with a key that is none`);
  }
  await storeIdentity(options.stateFolder, stored);
  return identity;
};

const post = async (
  { dialer, tls, proxy, signal }: EnrolOptions,
  origin: string,
  path: string,
  request: EnrolRequest,
): Promise<EnrolReply> => {
  const reply = await dialer
    .request(
      { origin, tls, proxy },
      {
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(request),
        signal,
        deadlineMs: DEADLINE_MS,
        maxBytes: MAX_REPLY_BYTES,
      },
    )
    .catch((error: unknown) => {
      if (signal?.aborted === true || !(error instanceof Fault)) throw error;
      throw unreachable(error);
    });
  const body = parse(reply.body);
  if (reply.status === 200 || reply.status === 201) {
    const read = EnrolReply.safeParse(body);
    if (read.success) return read.data;
    throw new Fault('bridge.protocol', `${origin} answered the enrolment with something else than an identity`);
  }
  const message = said(body);
  if (reply.status === 400 || reply.status === 401 || reply.status === 403 || reply.status === 409) {
    throw new Fault('bridge.enrolment_refused', message ?? `${origin} refused the enrolment (HTTP ${reply.status})`);
  }
  const words = message === undefined ? '' : `: ${message}`;
  throw new Fault('bridge.unreachable', `${origin}${path} answered the enrolment with HTTP ${reply.status}${words}`, {
    ...(reply.status === 429 ? { advice: 'Too many tries came from this address: wait a few minutes.' } : {}),
  });
};

const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

/** The catalog's own words, when the body is one of its errors. */
const said = (body: unknown): string | undefined =>
  typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string'
    ? body.message.slice(0, 500)
    : undefined;
