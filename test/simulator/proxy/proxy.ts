/** The proxy service: virtual proxies, sessions and routes, over TLS or plain http. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { EngineContext } from '../engine/context.ts';
import type { UserName } from '../model/types.ts';
import { bodyOf, emptyReply, htmlReply, jsonReply, type Reply, send, setDate } from '../reply.ts';
import type { ServiceReply, Services } from '../services.ts';
import { asItArrives } from '../spoiled.ts';
import { cookieValue, sessionCookieName, setCookie } from './cookies.ts';
import { inactivePage, loginPage, notFound, notLinkedPage, wrongHostPage } from './pages.ts';
import type { ProxySession, ProxySessions } from './sessions.ts';
import type { Tickets } from './tickets.ts';
import { ProxyUpgrade } from './upgrade.ts';
import { allowsHost, type Routed, route, type VirtualProxy } from './virtual-proxy.ts';

export interface ProxyOptions {
  readonly virtualProxies: readonly VirtualProxy[];
  readonly sessions: ProxySessions;
  readonly tickets: Tickets;
  readonly services: Services;
}

interface Asked {
  readonly routed: Routed;
  readonly query: URLSearchParams;
  readonly search: string;
  readonly secure: boolean;
}

/** Session found or begun; or what to answer instead. */
type Entry = { readonly session: ProxySession; readonly begun: boolean } | { readonly reply: Reply };

export class SenseProxy {
  readonly #context: EngineContext;
  readonly #options: ProxyOptions;
  readonly #upgrade: ProxyUpgrade;

  constructor(context: EngineContext, options: ProxyOptions) {
    this.#context = context;
    this.#options = options;
    this.#upgrade = new ProxyUpgrade(context, options);
  }

  /** Answers a request of an http or https server. */
  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const atMs = this.#context.pacing.now();
    this.#respond(request, response, atMs).catch(() => response.destroy());
  };

  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#upgrade.handle(request, socket, head);
  };

  async #respond(request: IncomingMessage, response: ServerResponse, atMs: number): Promise<void> {
    const { pacing, faults, record } = this.#context;
    const body = await bodyOf(request);
    const asked = this.#ask(request);
    const path = asked?.routed.path ?? request.url ?? '/';
    const waitMs = faults.waitMs(atMs);
    if (faults.hangs({ path })) return;
    const { reply, serviceMs } = asked
      ? await this.#answer(request, asked, body.toString('utf8'))
      : { reply: notFound(), serviceMs: 0 };
    await pacing.until(atMs + serviceMs + pacing.times.roundTripMs + waitMs);
    setDate(response, faults.settings.clockSkewMs);
    await send(request, response, asItArrives(faults, path, reply), record, path, body.length);
  }

  #ask(request: IncomingMessage): Asked | null {
    const [path, ...rest] = (request.url ?? '/').split('?');
    const routed = route(this.#options.virtualProxies, path ?? '/');
    const search = rest.join('?');
    return routed
      ? { routed, search, query: new URLSearchParams(search), secure: request.socket instanceof TLSSocket }
      : null;
  }

  async #answer(request: IncomingMessage, asked: Asked, body: string): Promise<ServiceReply> {
    const { proxy, path } = asked.routed;
    const plain = (reply: Reply): ServiceReply => ({ reply, serviceMs: 0 });
    if (!proxy.linked) return plain(notLinkedPage());
    const { faults } = this.#context;
    if (!allowsHost(proxy, request.headers.host, faults.settings.allowedHosts)) return plain(wrongHostPage());
    const error = faults.httpError('proxy', path);
    if (error !== null) return plain(htmlReply(error, `Error ${error}`, 'The proxy could not reach the service.'));
    const page = await proxy.authenticator.page?.({ request, path, query: asked.query, body });
    if (page) return plain(page);
    if (path.startsWith('/internal_forms_authentication')) return plain(loginPage(request.url ?? ''));
    // Before that release there is no such page, with or without a session.
    if (path === '/qps/csrftoken' && !this.#context.profile.csrf) return plain(notFound());
    const entry = this.#enter(request, asked);
    if ('reply' in entry) return plain(entry.reply);
    const answer = await this.#serve(request, asked, entry.session, body);
    return entry.begun && this.#context.faults.settings.cookies
      ? { ...answer, reply: this.#withCookie(answer.reply, asked, entry.session) }
      : answer;
  }

  #enter(request: IncomingMessage, { routed: { proxy }, query, secure }: Asked): Entry {
    const name = sessionCookieName(proxy, secure, this.#context.profile.httpCookieSuffix);
    const known = this.#options.sessions.find(cookieValue(request, name) ?? '', proxy);
    if (known) return { session: known, begun: false };
    const holder = this.#options.tickets.redeem(query, proxy.prefix);
    if (holder) return this.#begin(holder, proxy);
    const authentication = proxy.authenticator.authenticate(request, query);
    switch (authentication.kind) {
      case 'user':
        return this.#begin(authentication.user, proxy);
      case 'refused':
      case 'challenge':
        return { reply: authentication.reply };
      case 'none':
        return { reply: emptyReply(302, { Location: this.#loginUri(request, proxy, secure) }) };
      default:
        return authentication satisfies never;
    }
  }

  #begin(user: UserName, proxy: VirtualProxy): Entry {
    if (this.#context.faults.settings.inactiveUsers) return { reply: inactivePage() };
    return { session: this.#options.sessions.begin(user, proxy), begun: true };
  }

  #loginUri(request: IncomingMessage, proxy: VirtualProxy, secure: boolean): string {
    const base = `${secure ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`;
    const prefix = proxy.prefix === '' ? '' : `/${proxy.prefix}`;
    const target = base + (request.url ?? '/');
    const path =
      proxy.authenticator.loginPath?.(request, target) ??
      `/internal_forms_authentication/?targetUri=${encodeURIComponent(target)}`;
    return path.startsWith('https://') ? path : base + prefix + path;
  }

  #withCookie(reply: Reply, { routed: { proxy }, secure }: Asked, session: ProxySession): Reply {
    const name = sessionCookieName(proxy, secure, this.#context.profile.httpCookieSuffix);
    return { ...reply, headers: { ...reply.headers, 'Set-Cookie': setCookie(name, session.id, secure) } };
  }

  async #serve(request: IncomingMessage, asked: Asked, session: ProxySession, body: string): Promise<ServiceReply> {
    const { services } = this.#options;
    const { path } = asked.routed;
    const { user } = session;
    const method = request.method ?? 'GET';
    if (/^\/qrs(?:\/|$)/i.test(path)) {
      // The proxy speaks for the session's user, whatever header the client sent.
      const { 'x-qlik-user': _, ...headers } = request.headers;
      return await services.qrs({ method, path, query: asked.search, headers, body, user });
    }
    if (path.startsWith('/qps/')) return { reply: this.#qps(method, path, request, asked, session), serviceMs: 0 };
    if (/^\/(?:api\/)?engine\/healthcheck\/?$/.test(path)) return services.health();
    const metadata = path.startsWith('/api/') ? services.metadata({ path, user }) : null;
    const found = metadata ?? services.picture(path) ?? services.hub({ path, user });
    if (found) return found;
    if (path === '/' || /^\/(?:hub|qmc|sense)(?:\/|$)/.test(path))
      return { reply: htmlReply(200, 'Qlik Sense', 'This page needs a browser.'), serviceMs: 0 };
    return { reply: notFound(), serviceMs: 0 };
  }

  #qps(method: string, path: string, request: IncomingMessage, asked: Asked, session: ProxySession): Reply {
    if (path === '/qps/csrftoken') {
      if (method !== 'GET') return emptyReply(405);
      const missing = this.#context.faults.settings.csrfToken === 'missing';
      return emptyReply(204, missing ? {} : { 'qlik-csrf-token': session.csrfToken });
    }
    if (path !== '/qps/user') return notFound();
    if (method === 'DELETE') {
      this.#options.sessions.logout(session.user, session.proxy);
      return emptyReply(204);
    }
    if (method !== 'GET') return emptyReply(405);
    const { user } = session;
    const known = this.#context.site.users.find(
      ({ userId, userDirectory }) => userId === user.id && userDirectory === user.directory,
    );
    return jsonReply(200, {
      session: 'active',
      userId: user.id,
      userDirectory: user.directory,
      userName: known?.name ?? user.id,
      logoutUri: this.#loginUri(request, session.proxy, asked.secure),
    });
  }
}
