import type { Dialer, HttpRequest, Route } from '#agent/network/dialer.ts';
import type { SecretRoute } from '#config/secrets/manager.ts';
import { asFault, type ErrorCode, Fault } from '#protocol/errors.ts';
import { parseJson } from './fields.ts';

/** An answer of a server of secrets, read as JSON where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Undefined when the body is no JSON. Numbers are texts, as they were written. */
  readonly json: unknown;
  /** One header, by its name in lower case. */
  header(name: string): string | undefined;
}

/** ` and asks to wait 30 s`, where the header `Retry-After` says so; empty otherwise. */
export const patienceAsked = (retryAfter: string | undefined): string =>
  retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? ` and asks to wait ${retryAfter} s` : '';

export type Ask = Pick<HttpRequest, 'method' | 'path' | 'headers' | 'body'> & {
  readonly signal?: AbortSignal | undefined;
};

const DEADLINE_MS = 20_000;
/** Vault takes secrets of 1 MiB, AWS of 64 KiB, Azure of 25 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Where the advice of a fault of the network speaks of the connection file, which has no part in this. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  'network.dns': 'Check the host name of the secret manager in `agent.conf` and the DNS of this machine.',
  'network.reset': 'The connection was cut: look at proxies and firewalls between; it is tried again by itself.',
  'tls.untrusted':
    'Put the certificate of the issuing authority into a PEM file and name it in `secret_manager.tls.truststore.path` of `agent.conf`.',
  'tls.wrong_host':
    'Write the host name that is in the certificate into the address of the secret manager in `agent.conf`.',
  // A refused handshake reads like a missing client certificate.
  'tls.client_certificate':
    'The server wants a client certificate, which is not supported for secret managers: use another listener or login.',
};

const FROM_THE_NETWORK = /^(?:network|tls)\./;

const unreachable = (name: string, error: unknown): Fault => {
  const { code, message, advice, retryable } = asFault(error, 'secrets.unreachable');
  // The proxy of the secret manager has keys of its own.
  if (code.startsWith('proxy.')) {
    const ours = advice.replaceAll('`proxy.', '`secret_manager.proxy.');
    return new Fault(code, `${name}: ${message}`, { cause: error, advice: ours, retryable });
  }
  return new Fault('secrets.unreachable', `${name}: ${message}`, {
    cause: error,
    ...(FROM_THE_NETWORK.test(code) ? { advice: ADVICE[code] ?? advice } : {}),
  });
};

/** A server reached over HTTP through the {@link Dialer}; each request has a connection of its own, as they are rare. */
export class SecretServer {
  readonly #dialer: Dialer;
  readonly #route: Route;
  readonly #deadlineMs: number;
  readonly #name: string;
  /** `https://host[:port]` */
  readonly origin: string;

  /** `name`: for messages. Without a route: an end point of this machine or its link, which no proxy leads to. */
  constructor(dialer: Dialer, name: string, address: string, route?: SecretRoute, deadlineMs = DEADLINE_MS) {
    this.origin = new URL(address).origin;
    this.#dialer = dialer;
    this.#name = name;
    this.#route = { origin: this.origin, tls: route?.tls, proxy: route?.proxy };
    this.#deadlineMs = deadlineMs;
  }

  /** @throws Fault `secrets.unreachable`, `proxy.…`; or the reason of the signal */
  async ask(request: Ask): Promise<Answer> {
    try {
      const { status, headers, body } = await this.#dialer.request(this.#route, {
        ...request,
        headersTimeoutMs: this.#deadlineMs,
        bodyTimeoutMs: this.#deadlineMs,
        deadlineMs: this.#deadlineMs,
        maxBytes: MAX_BYTES,
      });
      const text = body.toString();
      return {
        status,
        text,
        json: parseJson(text),
        header: (name) => {
          const value = headers[name];
          return Array.isArray(value) ? value.join(', ') : value;
        },
      };
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      throw unreachable(this.#name, error);
    }
  }
}
