/** Plain clients for the tests: one HTTP request, one WebSocket, nothing clever in between. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { WebSocket } from 'ws';
import type { Simulator } from './simulator.ts';

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Show the client certificate. */
  readonly certificate?: boolean;
  /** Another certificate instead of that one. */
  readonly pair?: { readonly cert: string; readonly key: string };
  /** Who shall be trusted; default: the simulator's own authority. */
  readonly ca?: string;
}

const DEADLINE_MS = 20_000;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** One request; redirects are not followed. */
export const ask = (simulator: Simulator, url: string, options: Ask = {}): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { pki } = simulator;
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        signal: AbortSignal.timeout(DEADLINE_MS),
        agent: false,
        // Else a `Host` header decides which name the certificate must have.
        servername: 'localhost',
        ca: options.ca ?? pki.rootPem,
        ...(options.certificate ? { cert: pki.clientPem, key: pki.clientKeyPem } : {}),
        ...options.pair,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          const text = body.toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text, json: parsed(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });

export const XRFKEY = '0123456789abcdef';

/** A repository call over its own port, with certificate, key and user. */
export const askQrs = (simulator: Simulator, path: string, options: Ask = {}): Promise<Answered> =>
  ask(simulator, `${simulator.addresses.qrsUrl}${path}${path.includes('?') ? '&' : '?'}Xrfkey=${XRFKEY}`, {
    certificate: true,
    ...options,
    headers: {
      'X-Qlik-Xrfkey': XRFKEY,
      'X-Qlik-User': simulator.addresses.certificates.qlikUser,
      'Content-Type': 'application/json',
      ...options.headers,
    },
  });

/** The session cookie that an answer set, as `name=value`. */
export const cookieOf = (answered: Answered): string => answered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';

/** Cookie and csrf token for a virtual proxy (`header` by default). */
export async function bootstrap(
  simulator: Simulator,
  headers: Readonly<Record<string, string>> = headerOf(simulator),
  url = simulator.addresses.header.url,
): Promise<{ cookie: string; token: string }> {
  const answered = await ask(simulator, `${url}/qps/csrftoken`, { headers });
  return { cookie: cookieOf(answered), token: String(answered.headers['qlik-csrf-token'] ?? '') };
}

export const headerOf = ({ addresses: { header } }: Simulator): Record<string, string> => ({
  [header.headerName]: header.headerValue,
});

export interface Frame {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly parameter: string; readonly message: string };
  readonly change?: readonly number[];
  readonly close?: readonly number[];
  readonly delta?: boolean;
}

/** One output parameter of an answer. @throws Error with the engine's error when it is one */
export function outputOf<Value>(frame: Frame, name: string): Value {
  if (!frame.result) throw new Error(JSON.stringify(frame.error ?? frame));
  return frame.result[name] as Value;
}

export interface SocketAsk {
  readonly headers?: Readonly<Record<string, string>>;
  readonly origin?: string;
  readonly certificate?: boolean;
}

/** A WebSocket whose frames are kept in order; waiting is for what a frame is, never for a time. */
export class RawSocket implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();
  #nextId = 1;
  #code: number | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)) as Frame);
      for (const check of this.#waiting) check();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.#code = code;
        for (const check of this.#waiting) check();
        resolve(code);
      });
    });
  }

  /** @throws Error with the HTTP status (`403`) when the upgrade is refused */
  static open(simulator: Simulator, url: string, options: SocketAsk = {}): Promise<RawSocket> {
    const { pki } = simulator;
    const socket = new WebSocket(url, {
      ca: pki.rootPem,
      handshakeTimeout: DEADLINE_MS,
      ...(options.headers ? { headers: options.headers } : {}),
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      ...(options.certificate ? { cert: pki.clientPem, key: pki.clientKeyPem } : {}),
    });
    return new Promise((resolve, reject) => {
      const raw = new RawSocket(socket);
      socket.once('open', () => resolve(raw));
      socket.once('unexpected-response', (request, response) => {
        reject(new Error(String(response.statusCode)));
        response.resume();
        request.destroy();
      });
      socket.once('error', reject);
    });
  }

  /** To the engine's own port. */
  static direct(
    simulator: Simulator,
    path: string,
    user = simulator.addresses.certificates.qlikUser,
  ): Promise<RawSocket> {
    return RawSocket.open(simulator, `${simulator.addresses.engineUrl}${path}`, {
      certificate: true,
      headers: { 'X-Qlik-User': user },
    });
  }

  /** Through the virtual proxy `header` with everything that a release of today wants. */
  static async proxied(
    simulator: Simulator,
    path: string,
    known?: { cookie: string; token: string },
  ): Promise<RawSocket> {
    const { cookie, token } = known ?? (await bootstrap(simulator));
    const url = `${simulator.addresses.header.url.replace('https:', 'wss:')}${path}`;
    return await RawSocket.open(simulator, `${url}?qlik-csrf-token=${encodeURIComponent(token)}`, {
      headers: { Cookie: cookie },
      origin: 'https://localhost',
    });
  }

  /** Sends without waiting; returns the id. */
  send(method: string, handle = -1, params: unknown = [], more: Readonly<Record<string, unknown>> = {}): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, handle, params, ...more }));
    return id;
  }

  /** The first frame that fits, from now or before. Rejects when the socket closes first, or after a deadline. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const finish = (run: () => void): void => {
        this.#waiting.delete(check);
        clearTimeout(deadline);
        run();
      };
      const check = (): void => {
        const found = this.frames.find(fits);
        if (found) finish(() => resolve(found));
        else if (this.#code !== null) finish(() => reject(new Error(`closed with ${this.#code}`)));
      };
      const deadline = setTimeout(() => finish(() => reject(new Error('no such frame'))), DEADLINE_MS);
      this.#waiting.add(check);
      check();
    });
  }

  reply(id: number): Promise<Frame> {
    return this.frame((frame) => frame.id === id);
  }

  call(
    method: string,
    handle = -1,
    params: unknown = [],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Frame> {
    return this.reply(this.send(method, handle, params, more));
  }

  notification(method: string): Promise<Frame> {
    return this.frame((frame) => frame.method === method);
  }

  /** Closes and waits until both sides have. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
