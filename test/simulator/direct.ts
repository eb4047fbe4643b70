/** The ports behind the proxy: the repository (4242) and the engine (4747), both for holders of a client certificate. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { engineAddress } from './engine/address.ts';
import { EngineConnection } from './engine/connection.ts';
import type { EngineContext } from './engine/context.ts';
import type { Service } from './faults.ts';
import { parseQlikUser } from './identity.ts';
import type { UserName } from './model/types.ts';
import { refuseUpgrade } from './proxy/upgrade.ts';
import { bodyOf, htmlReply, type Reply, send, setDate } from './reply.ts';
import type { ServiceReply, Services } from './services.ts';
import { asItArrives } from './spoiled.ts';

const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const refusal = (status: number, text: string): ServiceReply => ({
  reply: htmlReply(status, `Error ${status}`, text),
  serviceMs: 0,
});

/** A header that Node joined from several, or left out, names nobody. */
const userOf = (request: IncomingMessage): UserName | null => {
  const value = request.headers['x-qlik-user'];
  return parseQlikUser(typeof value === 'string' ? value : undefined);
};

type Answerer = (
  request: IncomingMessage,
  path: string,
  query: string,
  body: string,
) => ServiceReply | Promise<ServiceReply>;

const responder =
  (context: EngineContext, answer: Answerer) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const { pacing, faults, record } = context;
    const atMs = pacing.now();
    const [path = '/', ...rest] = (request.url ?? '/').split('?');
    const respond = async (): Promise<void> => {
      const body = await bodyOf(request);
      const waitMs = faults.waitMs(atMs);
      if (faults.hangs({ path })) return;
      const { reply, serviceMs } = await answer(request, path, rest.join('?'), body.toString('utf8'));
      await pacing.until(atMs + serviceMs + pacing.times.roundTripMs + waitMs);
      setDate(response, faults.settings.clockSkewMs);
      await send(request, response, asItArrives(faults, path, reply), record, path, body.length);
    };
    respond().catch(() => response.destroy());
  };

/** A service that is down has no port; one that is taken down while the site runs cuts whoever calls. */
const cutWhileDown = (server: Server, { faults }: EngineContext, service: Service): Server =>
  server.on('connection', (socket: Socket) => {
    if (faults.isDown(service)) socket.resetAndDestroy();
  });

/** The repository's own port. A caller without certificate gets a 403, as the Windows web server in front of it gives. */
export function repositoryServer(context: EngineContext, services: Services, tls: ServerOptions): Server {
  const answer: Answerer = (request, path, query, body) => {
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || !socket.authorized)
      return refusal(403, 'A valid client certificate is required.');
    if (!/^\/qrs(?:\/|$)/i.test(path)) return refusal(404, 'The requested resource was not found.');
    const user = userOf(request);
    if (!user) {
      const given = request.headers['x-qlik-user'] !== undefined;
      return given
        ? refusal(400, 'The header X-Qlik-User is malformed.')
        : refusal(403, 'Who asks? X-Qlik-User is missing.');
    }
    return services.qrs({ method: request.method ?? 'GET', path, query, headers: request.headers, body, user });
  };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, responder(context, answer));
  return cutWhileDown(server, context, 'repository');
}

/** The engine's own port: sockets, health, and on some releases `data/metadata`. TLS itself asks for the certificate. */
export function engineServer(context: EngineContext, services: Services, tls: ServerOptions): Server {
  const answer: Answerer = (request, path) => {
    if (/^\/engine\/healthcheck\/?$/.test(path)) return services.health();
    const where = context.profile.metadataOnEnginePort;
    const user = userOf(request);
    if (where !== 'none' && path.startsWith(`${where}/`)) {
      if (!user) return refusal(403, 'Who asks? X-Qlik-User is missing.');
      const found = services.metadata({ path, user });
      if (found) return found;
    }
    return refusal(404, 'The requested resource was not found.');
  };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, responder(context, answer));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { pacing, faults, record } = context;
    socket.on('error', () => socket.destroy());
    const atMs = pacing.now();
    const decide = (): void => {
      const address = engineAddress((request.url ?? '/').split('?')[0] ?? '/');
      const user = userOf(request);
      const refuse = (reply: Reply): void => {
        record.http('UPGRADE', '/app', reply.status, 0, 0);
        refuseUpgrade(socket, reply);
      };
      const { upgradeStatus, licenses, sessionState } = faults.settings;
      if (upgradeStatus > 0) {
        refuse(refusal(upgradeStatus, 'The connection was not upgraded.').reply);
        return;
      }
      if (!address) {
        refuse(refusal(404, 'The requested resource was not found.').reply);
        return;
      }
      if (!user) {
        refuse(refusal(400, 'The header X-Qlik-User is missing or malformed.').reply);
        return;
      }
      record.http('UPGRADE', '/app', 101, 0, 0);
      sockets.handleUpgrade(request, socket, head, (client) => {
        const state = licenses ? sessionState : 'SESSION_ERROR_NO_LICENSE';
        if (state !== '') {
          client.on('error', () => client.terminate());
          const params = { qSessionState: state };
          client.send(JSON.stringify({ jsonrpc: '2.0', method: 'OnConnected', params }));
          client.close(1000);
          return;
        }
        const connection = new EngineConnection(context, client, {
          user,
          address,
          via: 'direct',
          proxyGreeting: null,
          pingHangs: false,
          onActivity: () => undefined,
        });
        context.connections.add(connection);
        client.once('close', () => context.connections.delete(connection));
      });
    };
    pacing.at(atMs + pacing.times.roundTripMs + faults.waitMs(atMs), decide);
  });
  return cutWhileDown(server, context, 'engine');
}
