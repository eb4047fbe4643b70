import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where an agent whose settings name no port is looked for, and listens: the first one of these that is free. */
export const STANDARD_PORTS: readonly number[] = Array.from({ length: 10 }, (_, i) => 18_474 + i);

const LOOPBACK = '127.0.0.1';
const MOST_CONNECTIONS = 16;
const MOST_HEADER_BYTES = 4096;
const PATIENCE_MS = 5_000;

export interface HealthAnswer {
  readonly status: number;
  readonly type: 'text' | 'json' | 'prometheus';
  readonly body: string;
}

export type HealthRoutes = Readonly<Record<string, () => HealthAnswer | Promise<HealthAnswer>>>;

const TYPES = {
  text: 'text/plain; charset=utf-8',
  json: 'application/json; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
} as const;

/** This machine by an address or a name that no other machine's name server can answer for. */
const OWN_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/** Why a request is not answered; undefined when it is. */
const refusal = (request: IncomingMessage): HealthAnswer | undefined => {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  const refuse = (status: number, body: string): HealthAnswer => ({ status, type: 'text', body: `${body}\n` });
  // A page in a browser on this machine can name any host and have it resolve to loopback.
  if (!OWN_HOST.test(host)) return refuse(421, 'This answers to localhost only.');
  if (origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin'))
    return refuse(403, 'This does not answer to web pages.');
  if (request.method !== 'GET') return refuse(405, 'GET only.');
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined || (length !== undefined && length !== '0')) return refuse(413, 'No body is taken.');
  return undefined;
};

const send = (response: ServerResponse, { status, type, body }: HealthAnswer): void => {
  response.writeHead(status, {
    'content-type': TYPES[type],
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    connection: 'close',
    ...(status === 405 ? { allow: 'GET' } : {}),
  });
  response.end(body);
};

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** Tells whoever is on this machine how the agent is: loopback only, GET only, small. */
export class HealthServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /**
   * Listens on the first of the ports that is free; a port 0 takes any.
   * @param patienceMs how long who asks may take for the question, and without reading any of the answer
   * @throws Error when none is
   */
  static async open(
    ports: readonly number[],
    routes: HealthRoutes,
    patienceMs: number = PATIENCE_MS,
  ): Promise<HealthServer> {
    const server = createServer(
      {
        maxHeaderSize: MOST_HEADER_BYTES,
        headersTimeout: patienceMs,
        requestTimeout: patienceMs,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: 1,
      },
      (request, response) => {
        request.resume();
        const refused = refusal(request);
        if (refused !== undefined) {
          send(response, refused);
          return;
        }
        const path = (request.url ?? '').split('?', 1)[0] ?? '';
        const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
        if (route === undefined) {
          send(response, { status: 404, type: 'text', body: `There are: ${Object.keys(routes).join(' ')}\n` });
          return;
        }
        Promise.resolve()
          .then(route)
          .then(
            (answer) => send(response, answer),
            (error: unknown) => send(response, { status: 500, type: 'text', body: `${String(error)}\n` }),
          );
      },
    );
    server.maxConnections = MOST_CONNECTIONS;
    // Who asks and does not read the answer must not keep others out.
    server.timeout = patienceMs;
    server.on('clientError', (_error, socket) => socket.destroy());
    let last: unknown;
    for (const port of ports)
      try {
        return new HealthServer(server, await listen(server, port));
      } catch (error) {
        last = error;
      }
    throw last ?? new Error('no port was named');
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
