/** WebSockets through the proxy: who may upgrade, with which checks, and what a socket is told that may not go on. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { type EngineAddress, engineAddress } from '../engine/address.ts';
import { EngineConnection } from '../engine/connection.ts';
import type { EngineContext } from '../engine/context.ts';
import { htmlReply, type Reply } from '../reply.ts';
import { cookieValue, sessionCookieName, setCookie } from './cookies.ts';
import { hijackingRefused, notFound, notLinkedPage, wrongHostPage } from './pages.ts';
import type { ProxyOptions } from './proxy.ts';
import type { ProxySession } from './sessions.ts';
import { allowsHost, type Routed, route, type VirtualProxy } from './virtual-proxy.ts';

/** The largest frame that is taken from a client. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Refuses an upgrade with a plain HTTP answer. */
export function refuseUpgrade(socket: Duplex, reply: Reply): void {
  const body = typeof reply.body === 'string' ? reply.body : '';
  const headers = { ...reply.headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

const hostOf = (origin: string): string | null => {
  try {
    return new URL(origin).hostname.toLowerCase();
  } catch {
    return null;
  }
};

interface Ask {
  readonly request: IncomingMessage;
  readonly routed: Routed;
  readonly address: EngineAddress;
  readonly query: URLSearchParams;
  readonly secure: boolean;
}

type Admission =
  | { readonly kind: 'session'; readonly session: ProxySession; readonly begun: boolean }
  /** Accepted, and told to log in once it says something: releases before the hijacking protection. */
  | { readonly kind: 'stranger' }
  | { readonly kind: 'refused'; readonly reply: Reply };

export class ProxyUpgrade {
  readonly #context: EngineContext;
  readonly #options: ProxyOptions;
  readonly #sockets: WebSocketServer;

  constructor(context: EngineContext, options: ProxyOptions) {
    this.#context = context;
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_FRAME_BYTES,
      // The proxy does not relay pings, so nothing answers them.
      autoPong: !context.profile.proxyPingHangs,
    });
  }

  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pacing, faults } = this.#context;
    socket.on('error', () => socket.destroy());
    const atMs = pacing.now();
    pacing.at(atMs + pacing.times.roundTripMs + faults.waitMs(atMs), () => this.#decide(request, socket, head));
  }

  #decide(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { record } = this.#context;
    const [path, ...rest] = (request.url ?? '/').split('?');
    const routed = route(this.#options.virtualProxies, path ?? '/');
    const address = routed ? engineAddress(routed.path) : null;
    const refuse = (reply: Reply): void => {
      record.http('UPGRADE', '/app', reply.status, 0, 0);
      refuseUpgrade(socket, reply);
    };
    const { upgradeStatus } = this.#context.faults.settings;
    if (upgradeStatus > 0) {
      refuse(htmlReply(upgradeStatus, `Error ${upgradeStatus}`, 'The connection was not upgraded.'));
      return;
    }
    if (!routed || !address) {
      refuse(notFound());
      return;
    }
    const ask: Ask = {
      request,
      routed,
      address,
      query: new URLSearchParams(rest.join('?')),
      secure: request.socket instanceof TLSSocket,
    };
    const admission = this.#admit(ask);
    if (admission.kind === 'refused') {
      refuse(admission.reply);
      return;
    }
    record.http('UPGRADE', '/app', 101, 0, 0);
    const cookie = admission.kind === 'session' && admission.begun ? this.#cookie(ask, admission.session) : null;
    const addCookie = (headers: string[]): void => {
      if (cookie !== null) headers.push(`Set-Cookie: ${cookie}`);
    };
    this.#sockets.once('headers', addCookie);
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      if (admission.kind === 'stranger') this.#askToLogIn(client, ask);
      else this.#connect(client, ask, admission.session);
    });
    this.#sockets.off('headers', addCookie);
  }

  #admit(ask: Ask): Admission {
    const { profile } = this.#context;
    const { proxy } = ask.routed;
    if (!proxy.linked) return { kind: 'refused', reply: notLinkedPage() };
    const { settings } = this.#context.faults;
    if (!allowsHost(proxy, ask.request.headers.host, settings.allowedHosts))
      return { kind: 'refused', reply: wrongHostPage() };
    const { origin, authorization } = ask.request.headers;
    // Libraries that add the header themselves send it twice when their caller gives it too; Node joins the values.
    const origins = origin?.split(',').map((value) => hostOf(value.trim())) ?? [];
    const strangeOrigin = origins.some((host) => host === null || !allowsHost(proxy, host, settings.allowedOrigins));
    const name = sessionCookieName(proxy, ask.secure, profile.httpCookieSuffix);
    const known = this.#options.sessions.find(cookieValue(ask.request, name) ?? '', proxy);
    const refused: Admission = { kind: 'refused', reply: hijackingRefused() };
    if (strangeOrigin) return refused;
    if (profile.csrf) {
      if (settings.csrfToken === 'refused') return refused;
      if (profile.bearerOnUpgradeRefused && authorization !== undefined) return refused;
      if (!known || origins.length === 0 || ask.query.get('qlik-csrf-token') !== known.csrfToken) return refused;
      return { kind: 'session', session: known, begun: false };
    }
    if (known) return { kind: 'session', session: known, begun: false };
    const { sessions, tickets } = this.#options;
    const holder = tickets.redeem(ask.query, proxy.prefix);
    if (holder) return { kind: 'session', session: sessions.begin(holder, proxy), begun: true };
    const authentication = proxy.authenticator.authenticate(ask.request, ask.query);
    switch (authentication.kind) {
      case 'user':
        return { kind: 'session', session: sessions.begin(authentication.user, proxy), begun: true };
      case 'refused':
      case 'challenge':
        return { kind: 'refused', reply: authentication.reply };
      case 'none':
        return { kind: 'stranger' };
      default:
        return authentication satisfies never;
    }
  }

  #cookie({ routed: { proxy }, secure }: Ask, session: ProxySession): string {
    return setCookie(sessionCookieName(proxy, secure, this.#context.profile.httpCookieSuffix), session.id, secure);
  }

  #base({ request, secure }: Ask, proxy: VirtualProxy): string {
    const prefix = proxy.prefix === '' ? '' : `/${proxy.prefix}`;
    return `${secure ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}${prefix}`;
  }

  /** A socket without a session is heard once, told where to log in, and closed. */
  #askToLogIn(client: WebSocket, ask: Ask): void {
    client.on('error', () => client.terminate());
    client.once('message', () => {
      const loginUri = `${this.#base(ask, ask.routed.proxy)}/internal_forms_authentication/`;
      const params = { mustAuthenticate: true, loginUri };
      client.send(JSON.stringify({ jsonrpc: '2.0', method: 'OnAuthenticationInformation', params }));
      client.close(1000);
    });
  }

  #connect(client: WebSocket, ask: Ask, session: ProxySession): void {
    const { record, site, profile } = this.#context;
    const fatal = (method: string, message: string): void => {
      client.on('error', () => client.terminate());
      const params = { severity: 'fatal', timestamp: new Date().toISOString(), message };
      client.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
      client.close(1000, message);
    };
    const { sessionsInUse, socketNotice, licenses } = this.#context.faults.settings;
    if (this.#options.sessions.exceeds(session, sessionsInUse)) {
      record.sessionsExceeded += 1;
      fatal('OnMaxParallelSessionsExceeded', 'Exceeded max parallel sessions');
      return;
    }
    if (socketNotice !== '') {
      fatal(socketNotice, 'The connection was ended');
      return;
    }
    if (!licenses) {
      fatal('OnLicenseAccessDenied', 'License access denied');
      return;
    }
    const { appId } = ask.address;
    if (this.#context.faults.isDown('engine') || (appId !== null && !site.app(appId))) {
      fatal('OnNoEngineAvailable', 'No available engine found');
      return;
    }
    const { user } = session;
    const connection = new EngineConnection(this.#context, client, {
      user,
      address: ask.address,
      via: 'proxy',
      proxyGreeting: {
        userId: user.id,
        userDirectory: user.directory,
        logoutUri: `${this.#base(ask, session.proxy)}/qps/user?targetUri=`,
        serverNodeId: site.nodeId,
        mustAuthenticate: false,
      },
      pingHangs: profile.proxyPingHangs,
      onActivity: () => {
        session.activeAtMs = this.#context.pacing.now();
      },
    });
    this.#context.connections.add(connection);
    session.sockets.add(connection);
    client.once('close', () => {
      this.#context.connections.delete(connection);
      session.sockets.delete(connection);
    });
  }
}
