import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Patience } from '#agent/qlik/patience.ts';
import type { Authentication, Connection } from '#config/connection/connection.ts';
import { Secret } from '#config/secret.ts';

export interface FakeReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly json?: unknown;
  readonly text?: string;
  /** Cut the connection instead of answering. */
  readonly cut?: boolean;
  /** Never answer. */
  readonly silent?: boolean;
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (request: FakeRequest) => FakeReply;
export type Upgrade = (request: FakeRequest, socket: Duplex) => ((socket: WebSocket) => void) | number;

export interface FakeSite extends AsyncDisposable {
  readonly origin: string;
  readonly seen: FakeRequest[];
  readonly connection: (more?: Partial<Connection>) => Connection;
}

/** An HTTP server that answers as told, for faults that a well-behaved site does not show. */
export const fakeSite = async (answer: Answer, upgrade: Upgrade = () => 404): Promise<FakeSite> => {
  const seen: FakeRequest[] = [];
  const note = (request: IncomingMessage, body: string): FakeRequest => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const noted = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    seen.push(noted);
    return noted;
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const reply = answer(note(request, body));
      if (reply.cut === true) {
        request.socket.destroy();
        return;
      }
      if (reply.silent === true) return;
      const json = reply.json === undefined ? {} : { 'content-type': 'application/json' };
      response.writeHead(reply.status ?? 200, { ...json, ...reply.headers });
      response.end(reply.json === undefined ? (reply.text ?? '') : JSON.stringify(reply.json));
    });
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const verdict = upgrade(note(request, ''), socket);
    if (typeof verdict === 'number') {
      socket.end(`HTTP/1.1 ${verdict} No\r\nContent-Length: 0\r\n\r\n`);
    } else sockets.handleUpgrade(request, socket, head, verdict);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    seen,
    connection: (more) => connectionTo(origin, more),
    [Symbol.asyncDispose]: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};

export const JWT: Authentication = { type: 'jwt', token: new Secret('canary-token') };

/** A connection by token through the virtual proxy `vp`, unless told otherwise. */
export const connectionTo = (origin: string, more: Partial<Connection> = {}): Connection => ({
  file: 'test.conf',
  contentHash: '0'.repeat(64),
  code: 'test',
  name: 'Test site',
  proxy: undefined,
  dedicatedUser: false,
  enabled: true,
  environment: undefined,
  description: undefined,
  accessNotes: undefined,
  origin,
  prefix: 'vp',
  engineUrl: `${origin.replace(/^http/, 'ws')}/vp`,
  displayUrl: `${origin}/vp`,
  aliasHost: undefined,
  authentication: JWT,
  tls: {
    extraAuthorities: [],
    replaceDefaultRoots: false,
    systemAuthorities: false,
    verifyHostName: true,
    bypassCertificateValidation: false,
  },
  crawl: { engineSessions: 2, appTimeoutMs: 60_000, sheetId: 'engine' },
  ...more,
});

/** Waits for nothing, and remembers how long it would have. */
export const impatience = (): Patience & { readonly waitedMs: number[] } => {
  const waitedMs: number[] = [];
  return {
    waitedMs,
    sleep: (ms) => {
      waitedMs.push(ms);
      return Promise.resolve();
    },
    random: () => 0.5,
  };
};
