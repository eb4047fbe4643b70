/** The proxy service's own API (port 4243), for holders of a client certificate: it gives tickets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { EngineContext } from '../engine/context.ts';
import { passesXrfCheck } from '../qrs/handler.ts';
import { bodyOf, emptyReply, htmlReply, jsonReply, type Reply, send } from '../reply.ts';
import { notFound } from './pages.ts';
import type { Tickets } from './tickets.ts';
import type { VirtualProxy } from './virtual-proxy.ts';

const TICKET = /^\/qps\/(?:(.+)\/)?ticket\/?$/i;

/** A property of the request, whatever its case; undefined when it is no text or empty. */
const textOf = (value: unknown, name: string): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1] as unknown;
  return typeof found === 'string' && found !== '' ? found : undefined;
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

export function proxyServiceServer(
  context: EngineContext,
  virtualProxies: readonly VirtualProxy[],
  tickets: Tickets,
  tls: ServerOptions,
): Server {
  const answer = (request: IncomingMessage, body: string): Reply => {
    const { socket, headers, method } = request;
    if (!(socket instanceof TLSSocket) || !socket.authorized)
      return htmlReply(403, 'Error 403 - Forbidden', 'A valid client certificate is required.');
    const [path = '/', search = ''] = (request.url ?? '/').split('?');
    const match = TICKET.exec(path);
    if (!match) return notFound();
    if (method !== 'POST') return emptyReply(405);
    if (!passesXrfCheck({ query: new URLSearchParams(search), headers }))
      return htmlReply(400, 'Error 400 - Bad request', 'XSRF prevention check failed. Possible XSRF discovered.');
    const error = context.faults.httpError('ticket', path);
    if (error !== null) return htmlReply(error, `Error ${error}`, 'The ticket was refused.');
    const prefix = (match[1] ?? '').toLowerCase();
    if (!virtualProxies.some((proxy) => proxy.linked && proxy.prefix === prefix)) return notFound();
    const wish = parsed(body);
    const directory = textOf(wish, 'userdirectory');
    const id = textOf(wish, 'userid');
    if (directory === undefined || id === undefined)
      return htmlReply(400, 'Error 400 - Bad request', 'UserDirectory and UserId are required.');
    return jsonReply(201, {
      UserDirectory: directory,
      UserId: id,
      Attributes: [],
      Ticket: tickets.issue({ directory, id }, prefix),
      TargetUri: null,
    });
  };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    await send(request, response, answer(request, body.toString('utf8')), context.record, path, body.length);
  };
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
}
