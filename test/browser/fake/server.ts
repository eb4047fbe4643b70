import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { z } from 'zod';
import * as contract from '#catalog/api/contract.ts';
import { PICTURE_HEADERS } from '#catalog/api/routes-pictures.ts';
import { answer, type Call } from './api.ts';
import type { World } from './world.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const EMAIL = 'ada@example.com';
export const PASSWORD = 'canary-password';
export const ONE_TIME = 'canary-one-time-token';

/** An answer that the real catalog gives in a state that is hard to reach. */
interface Refused {
  readonly status: number;
  readonly error: contract.ApiError;
}

/** The fake catalog: the contract's shapes, sessions, CSRF and the content security policy of the real one. */
export interface FakeCatalog extends AsyncDisposable {
  readonly url: string;
  /** Every API call that came, as `METHOD path`. */
  readonly calls: string[];
  /** Ends all sessions, as a restart with another secret does. */
  endSessions(): void;
  /** Breaks the stream of events and refuses new ones, until told otherwise. */
  breakEvents(broken: boolean): void;
  /** Refuses a call (`METHOD path`) until undefined is given. */
  refuse(call: string, refused: Refused | undefined): void;
  /** A one-time token works once. */
  allowOneTime(): void;
}

const unauthorized: contract.ApiError = {
  code: 'api.unauthenticated',
  message: 'There is no session.',
  retryable: false,
  advice: 'Sign in.',
};

const body = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
};

/** Serves `webFolder` (a built page) and the API over `world` on a free port of loopback. */
export const startFakeCatalog = async (webFolder: string, world: World): Promise<FakeCatalog> => {
  const sessions = new Map<string, string>();
  const refusals = new Map<string, Refused>();
  const streams = new Set<ServerResponse>();
  const calls: string[] = [];
  let eventsBroken = false;
  let oneTime = true;

  const send = (response: ServerResponse, status: number, value?: unknown): void => {
    response.statusCode = status;
    if (value === undefined) return void response.end();
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(value));
  };
  const me = (csrf: string): contract.Me =>
    contract.Me.parse({
      user: { id: 'u1', email: EMAIL, name: 'Ada Example' },
      organisation: { id: 'o1', name: 'Example Insurance' },
      csrf,
    });

  const login = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = contract.LoginRequest.parse(await body(request));
    const right =
      'email' in asked
        ? asked.email === EMAIL && asked.password === PASSWORD
        : oneTime && asked.oneTimeToken === ONE_TIME;
    if (!right)
      return send(response, 401, {
        code: 'api.wrong_login',
        message: 'email' in asked ? 'E-mail or password is wrong.' : 'This link was used already, or has expired.',
        retryable: false,
        advice:
          'email' in asked
            ? 'Check both; passwords are case-sensitive.'
            : 'Ask for a new link, or sign in with your password.',
      });
    if (!('email' in asked)) oneTime = false;
    const session = randomUUID();
    const csrf = randomUUID();
    sessions.set(session, csrf);
    response.setHeader('set-cookie', `session=${session}; HttpOnly; SameSite=Strict; Path=/`);
    send(response, 200, me(csrf));
  };

  const events = (response: ServerResponse): void => {
    if (eventsBroken) {
      send(response, 503, { ...unauthorized, code: 'catalog.unavailable' });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(': open\n\n');
    streams.add(response);
    const stop = world.onEvent((event) => {
      const { name, ...data } = contract.ChangeEvent.parse(event);
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    response.once('close', () => {
      stop();
      streams.delete(response);
    });
  };

  const picture = (response: ServerResponse, query: URLSearchParams): void => {
    const found = world.pictures.find(({ key, source }) => key === query.get('key') && source === query.get('source'));
    if (found === undefined) {
      send(response, 404);
      return;
    }
    const type = found.source === 'thumbnail' ? 'image/png' : 'image/svg+xml';
    response.writeHead(200, { ...PICTURE_HEADERS, 'content-type': type });
    response.end(found.source === 'thumbnail' ? Buffer.from(found.content, 'base64') : found.content);
  };

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const method = request.method ?? 'GET';
    calls.push(`${method} ${url.pathname}`);
    const refused = refusals.get(`${method} ${url.pathname}`);
    if (refused) return send(response, refused.status, contract.ApiError.parse(refused.error));
    if (url.pathname === '/api/openapi.json') return send(response, 200, { openapi: '3.1.0' });
    if (url.pathname === '/api/v1/login') return login(request, response);
    const session = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const csrf = sessions.get(session);
    if (csrf === undefined) return send(response, 401, unauthorized);
    if (url.pathname === '/api/v1/me') return send(response, 200, me(csrf));
    if (url.pathname === '/api/v1/events') return events(response);
    if (method !== 'GET' && request.headers['x-csrf-token'] !== csrf)
      return send(response, 403, { ...unauthorized, code: 'api.csrf', message: 'The CSRF token is missing or wrong.' });
    if (url.pathname === '/api/v1/logout') {
      sessions.delete(session);
      return send(response, 204);
    }
    if (url.pathname === '/api/v1/assets/picture') return picture(response, url.searchParams);
    const call: Call = { method, path: url.pathname, query: url.searchParams, body: await body(request) };
    const { status, value } = answer(world, call);
    send(response, status, value);
  };

  const file = async (response: ServerResponse, url: URL): Promise<void> => {
    const path = normalize(decodeURIComponent(url.pathname));
    const found = extname(path) === '' ? undefined : await readFile(join(webFolder, path)).catch(() => undefined);
    if (found === undefined && path.startsWith('/assets/')) return send(response, 404);
    response.setHeader(
      'content-type',
      found ? (TYPES[extname(path)] ?? 'application/octet-stream') : 'text/html; charset=utf-8',
    );
    response.setHeader('content-security-policy', "default-src 'self'");
    response.end(found ?? (await readFile(join(webFolder, 'index.html'))));
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const handled = url.pathname.startsWith('/api/') ? api(request, response, url) : file(response, url);
    handled.catch((error: unknown) => {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      send(response, 500, { code: 'internal', message: `fake catalog: ${message}`, retryable: false, advice: '' });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    endSessions: () => sessions.clear(),
    breakEvents: (broken) => {
      eventsBroken = broken;
      if (broken) for (const stream of streams) stream.destroy();
    },
    refuse: (call, refused) => {
      if (refused) refusals.set(call, refused);
      else refusals.delete(call);
    },
    allowOneTime: () => {
      oneTime = true;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
