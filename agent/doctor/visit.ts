import { randomBytes } from 'node:crypto';
import type { Dialer, HttpReply, HttpRoute } from '#agent/network/dialer.ts';
import { engineRoute, repositoryRoute, routeKind, xrfKey } from '#agent/qlik/auth/credentials.ts';
import { type QlikSession, qlikSession } from '#agent/qlik/auth/session.ts';
import { type Asked, jsonOf, refusal } from '#agent/qlik/auth/verdict.ts';
import type { OpenApp } from '#agent/qlik/engine/app.ts';
import type { EngineSession } from '#agent/qlik/engine/session.ts';
import { PATIENCE, type Patience } from '#agent/qlik/patience.ts';
import { sessionsOf } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';

/** How the virtual proxy receives strangers. */
export interface Greeting {
  readonly reply: HttpReply;
  /** What it does with them: reads after "it"; undefined when the answer does not tell. */
  readonly does: string | undefined;
  /** True: only a person with a browser can do that. */
  readonly interactive: boolean;
}

/** An app of which the doctor knows enough to open it. */
export interface ChosenApp {
  readonly id: string;
  readonly name: string;
  /** Null: never. */
  readonly lastReloadTime: string | null;
}

/** What the checks of one connection found out for those after them. */
export interface Facts {
  greeting?: Greeting | undefined;
  /** Milliseconds by which the clock of the site is ahead of ours. */
  siteAheadMs?: number | undefined;
  /** Who the site says that we are. */
  whoami?: string | undefined;
  /** The session was there already, opened by a crawl of this agent. */
  sessionWasOpen?: boolean | undefined;
  /** Apps that can be looked into, best first. */
  candidates?: readonly ChosenApp[] | undefined;
  /** By kind what QRS counts; undefined for what it refuses to count. */
  counts?: ReadonlyMap<string, number | undefined> | undefined;
  engine?: EngineSession | undefined;
  app?: OpenApp | undefined;
  opened?: ChosenApp | undefined;
  engineSessions: number;
}

export interface UserName {
  readonly directory: string;
  readonly id: string;
}

/** `DIRECTORY\user` in its parts; undefined for a name that has no directory in front. */
export const userNamed = (whoami: string | undefined): UserName | undefined => {
  const [directory, id] = (whoami ?? '').split(/\\(.*)/s);
  return directory === undefined || id === undefined || id === '' ? undefined : { directory, id };
};

/** The filter of QRS for one user. */
export const userFilter = (directory: string, id: string): string => {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  return `userId eq ${quoted(id)} and userDirectory eq ${quoted(directory)}`;
};

/** One visit of the doctor to a site: one proxy session and one engine session, closed at the end. */
export interface Visit extends AsyncDisposable {
  readonly connection: Connection;
  readonly dialer: Dialer;
  readonly patience: Patience;
  /** The clock of this machine, ms since 1970. */
  readonly nowMs: () => number;
  /** The proxy, or the repository on the direct route. */
  readonly http: HttpRoute;
  /** Where the engine's REST calls go. */
  readonly engineHttp: HttpRoute;
  readonly session: QlikSession;
  readonly direct: boolean;
  /** Part of the name of the engine session. */
  readonly identity: string;
  readonly facts: Facts;
  /** The path below the prefix. */
  path(path: string): string;
  asked(method: string, path: string): Asked;
  /** One call that opens no session and carries no credentials. */
  knock(path: string, signal: AbortSignal, headers?: Readonly<Record<string, string>>): Promise<HttpReply>;
  /** One call with the session's credentials, tried once. Throws a Fault for anything but JSON. */
  ask(path: string, signal: AbortSignal, query?: Readonly<Record<string, string>>): Promise<unknown>;
  /**
   * One call for the eye only, with the session as it is: undefined for any answer but JSON. An answer that looks like a
   * lost session leads to no new log-in, as not every release has every call.
   */
  glance(path: string, signal: AbortSignal): Promise<unknown>;
  /** As {@link ask}, with a body: only for `/table`, which reads. */
  post(path: string, query: Readonly<Record<string, string>>, body: unknown, signal: AbortSignal): Promise<unknown>;
}

export interface VisitOptions {
  readonly dialer: Dialer;
  readonly patience?: Patience | undefined;
  readonly nowMs?: (() => number) | undefined;
}

/** A cold proxy takes 15 to 21 s for its first answer; each check has a deadline of its own. */
const ANSWER_MS = 90_000;
const GLANCE_MS = 15_000;
const MAX_BYTES = 32 * 1024 * 1024;
const AGENT = 'Culvert';

const encoded = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("'", '%27')}`)
    .join('&');

/** Begins a visit. Nothing is dialled before the first check asks for something. */
export const openVisit = (connection: Connection, options: VisitOptions): Visit => {
  const { dialer } = options;
  const direct = routeKind(connection) === 'direct';
  const http = dialer.http(repositoryRoute(connection));
  const engineHttp = direct ? dialer.http(engineRoute(connection)) : http;
  const session = qlikSession(connection, http, dialer, sessionsOf(dialer));
  const prefix = direct ? undefined : connection.prefix;
  const facts: Facts = { engineSessions: 0 };
  const path = (below: string): string => `${prefix === undefined || prefix === '' ? '' : `/${prefix}`}${below}`;
  const asked = (method: string, below: string): Asked => ({ peer: http.peer, method, path: path(below), prefix });
  const call = async (
    method: 'GET' | 'POST',
    below: string,
    query: Readonly<Record<string, string>>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<unknown> => {
    const key = xrfKey();
    const reply = await session.request(http, {
      method,
      path: `${path(below)}?${encoded({ xrfkey: key, ...query })}`,
      headers: {
        accept: 'application/json',
        'x-qlik-xrfkey': key,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      signal,
      headersTimeoutMs: ANSWER_MS,
      bodyTimeoutMs: ANSWER_MS,
      maxBytes: MAX_BYTES,
    });
    const fault = refusal(reply, asked(method, below));
    if (fault !== undefined) throw fault;
    return jsonOf(reply, asked(method, below));
  };
  return {
    connection,
    dialer,
    patience: options.patience ?? PATIENCE,
    nowMs: options.nowMs ?? Date.now,
    http,
    engineHttp,
    session,
    direct,
    identity: `culvert-doctor-${randomBytes(6).toString('hex')}`,
    facts,
    path,
    asked,
    knock: (at, signal, headers = {}) => {
      const key = xrfKey();
      return http.request({
        path: `${at}?xrfkey=${key}`,
        headers: { accept: 'application/json', 'user-agent': AGENT, 'x-qlik-xrfkey': key, ...headers },
        signal,
        headersTimeoutMs: ANSWER_MS,
        maxBytes: MAX_BYTES,
      });
    },
    glance: async (below, signal) => {
      const key = xrfKey();
      try {
        const { headers } = await session.upgrade(signal);
        const reply = await http.request({
          path: `${path(below)}?xrfkey=${key}`,
          headers: { accept: 'application/json', 'x-qlik-xrfkey': key, ...headers },
          signal,
          headersTimeoutMs: GLANCE_MS,
          maxBytes: MAX_BYTES,
        });
        return refusal(reply, asked('GET', below)) === undefined ? jsonOf(reply, asked('GET', below)) : undefined;
      } catch {
        if (signal.aborted) throw signal.reason;
        return undefined;
      }
    },
    ask: (below, signal, query = {}) => call('GET', below, query, undefined, signal),
    post: (below, query, body, signal) => call('POST', below, query, JSON.stringify(body), signal),
    [Symbol.asyncDispose]: async () => {
      await facts.engine?.close();
      await Promise.all([http.close(), direct ? engineHttp.close() : undefined]);
    },
  };
};
