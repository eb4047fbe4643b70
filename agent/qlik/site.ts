import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Fault } from '#protocol/errors.ts';
import { engineRoute, repositoryRoute, routeKind } from './auth/credentials.ts';
import { logOutOfSessions } from './auth/log-out.ts';
import { ProxySessions } from './auth/proxy-sessions.ts';
import { qlikSession } from './auth/session.ts';
import type { SessionStore } from './auth/session-store.ts';
import { answerOf } from './auth/verdict.ts';
import { OpenApp } from './engine/app.ts';
import { type DataModel, DataModels } from './engine/data-model.ts';
import { readHealth } from './engine/health.ts';
import { type Log, SILENT } from './log.ts';
import type { QlikObserver } from './observer.ts';
import { backoffMs, PATIENCE, type Patience } from './patience.ts';
import { type Changes, type ChangesOptions, listChanges } from './repository/changes.ts';
import { RepositoryClient } from './repository/client.ts';
import {
  QrsAbout,
  QrsApp,
  QrsAppObject,
  QrsCompositeEvent,
  QrsCustomProperty,
  QrsDataConnection,
  QrsDescribedObject,
  QrsExtension,
  QrsExtensionSchemas,
  QrsReloadTask,
  QrsSchemaEvent,
  QrsStream,
  QrsTag,
  QrsUser,
} from './repository/entities.ts';
import { type Listing, list, TakenRows } from './repository/listing.ts';
import {
  countObjects,
  type ObjectDigest,
  type ObjectMark,
  objectDigests,
  objectsSince,
} from './repository/object-digests.ts';
import { listSheets, type QrsSheet } from './repository/sheets.ts';
import { tableSignature } from './repository/table-signature.ts';
import { StaticContent } from './static-content.ts';
import type { EngineHealth, VisitWatch } from './strain.ts';

export interface SiteOptions {
  readonly dialer: Dialer;
  readonly log?: Log;
  /** Ends everything that the site does. */
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Patience;
  /** How long to wait for a free session when the user has as many as allowed. Default 10 min. */
  readonly sessionPatienceMs?: number;
  /** Is told of every request, for figures. */
  readonly observer?: QlikObserver | undefined;
}

/** A Qlik Sense site as a connection reaches it. All calls throw {@link Fault}s, or the reason of a signal. */
export interface Site extends AsyncDisposable {
  readonly connection: Connection;
  about(): Promise<QrsAbout>;
  apps(filter?: string): Promise<Listing<QrsApp>>;
  streams(): Promise<Listing<QrsStream>>;
  users(): Promise<Listing<QrsUser>>;
  tags(): Promise<Listing<QrsTag>>;
  customProperties(): Promise<Listing<QrsCustomProperty>>;
  dataConnections(): Promise<Listing<QrsDataConnection>>;
  reloadTasks(): Promise<Listing<QrsReloadTask>>;
  /** What starts reload tasks: schedules, and the ends of other tasks. */
  schemaEvents(): Promise<Listing<QrsSchemaEvent>>;
  compositeEvents(): Promise<Listing<QrsCompositeEvent>>;
  extensions(): Promise<Listing<QrsExtension>>;
  /** What the definition files of extensions say, by the name of the extension. */
  extensionSchemas(): Promise<QrsExtensionSchemas>;
  /**
   * What changed of an entity (`app`, `stream`, …) since its rows were known. Where the repository refuses to filter by what
   * tells, all rows are read.
   */
  changes<T extends { readonly id: string }>(
    entity: string,
    schema: z.ZodType<T>,
    options: Omit<ChangesOptions, 'signal'>,
  ): Promise<Changes<T>>;
  /** A text that is another as soon as a row of the entity came, went or was modified; `before`: that of the last time. */
  signature(entity: string, before?: string): Promise<string>;
  /** The rows of these apps, of those that (still) exist. */
  appRows(ids: readonly string[]): Promise<readonly QrsApp[]>;
  /** What the objects of these apps, or of all, amount to, by app; `onObject` sees each as it passes by. */
  objectDigests(
    apps: readonly string[] | 'all',
    onObject?: (mark: ObjectMark) => void,
  ): Promise<Map<string, ObjectDigest>>;
  /** Objects of apps that were modified after a moment (ISO 8601). */
  objectsSince(since: string): AsyncIterable<ObjectMark>;
  countObjects(): Promise<number>;
  /** Whether QRS (still) knows the app. */
  appExists(appId: string): Promise<boolean>;
  /** What the repository knows of the objects of an app that have one of these types. */
  objectsOf(appId: string, types: readonly string[], signal?: AbortSignal): Promise<Listing<QrsDescribedObject>>;
  /** All sheets of all apps, a page at a time. Throws at the end when they were not all. */
  sheets(): AsyncIterable<readonly QrsSheet[]>;
  /** Repository ids of an app's sheets by their engine ids. */
  sheetRepositoryIds(appId: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /**
   * Opens an app, without its data unless that is asked for. Each open app is one engine session: close it, and mind how
   * many are open.
   */
  openApp(appId: string, signal?: AbortSignal, watch?: VisitWatch, data?: 'with data'): Promise<OpenApp>;
  /** A file of an app or library by its address (`/appcontent/…`); undefined when there is none to be had. */
  staticContent(address: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer | undefined>;
  /** How the engine says that it is; undefined when it does not say. Throws only the reason of a signal. */
  engineHealth(signal?: AbortSignal): Promise<EngineHealth | undefined>;
  /** Tables and fields, without opening the app. */
  dataModel(appId: string, signal?: AbortSignal): Promise<DataModel>;
  /** Closes the HTTP connections. */
  close(): Promise<void>;
}

const SESSION_ADVICE =
  'Sessions of earlier runs end with the inactivity time-out of the virtual proxy; give the agent a user of its own.';
const SESSION_PATIENCE_MS = 600_000;

/** One dialer, one agent: the sessions that it has with proxies are shared by all its crawls. */
const agents = new WeakMap<Dialer, ProxySessions>();
export const sessionsOf = (dialer: Dialer): ProxySessions => {
  const sessions = agents.get(dialer) ?? new ProxySessions();
  agents.set(dialer, sessions);
  return sessions;
};

/** From now on the sessions with proxies that are opened by this dialer outlive the process in `store`. */
export const keepSessions = (dialer: Dialer, store: SessionStore): void => {
  sessionsOf(dialer).store = store;
};

/**
 * Ends, before the process does, the sessions with proxies whose user is the agent's alone
 * (`connection.auth.dedicated_user`); others are left to their inactivity time-out. 5 s at most unless `withinMs` says
 * otherwise; never throws.
 */
export const logOut = (dialer: Dialer, log: Log, withinMs?: number): Promise<void> =>
  logOutOfSessions(sessionsOf(dialer), dialer, log, withinMs);

/** A client for the site of a connection. Nothing is dialled before the first call. */
export const openSite = (connection: Connection, options: SiteOptions): Site => {
  const { dialer, observer, signal } = options;
  const log = options.log ?? SILENT;
  const patience = options.patience ?? PATIENCE;
  const direct = routeKind(connection) === 'direct';
  const prefix = direct ? undefined : connection.prefix;
  const http = dialer.http(repositoryRoute(connection));
  const engineHttp = direct ? dialer.http(engineRoute(connection)) : http;
  const session = qlikSession(connection, http, dialer, sessionsOf(dialer));
  const repository = new RepositoryClient({ http, session, prefix, patience, signal, observer });
  const models = new DataModels(engineHttp, session, prefix, patience);
  const content = new StaticContent(http, session, prefix, observer);
  // Unique for each run: the engine would else join us to a session that is open in another mode.
  const identity = `culvert-${randomBytes(6).toString('hex')}`;

  const all = async <T extends { readonly id: string }>(
    entity: string,
    schema: z.ZodType<T>,
    filter?: string,
  ): Promise<Listing<T>> => {
    const listing = await list(repository, entity, schema, { filter, signal });
    log.debug({ entity, rows: listing.rows.length, counted: listing.counted }, 'listed');
    return listing;
  };
  const both = (own: AbortSignal | undefined): AbortSignal | undefined =>
    own === undefined || signal === undefined ? (own ?? signal) : AbortSignal.any([own, signal]);
  const close = async (): Promise<void> => {
    await Promise.all([http.close(), direct ? engineHttp.close() : undefined]);
  };

  return {
    connection,
    about: async () => {
      const parsed = QrsAbout.safeParse(await repository.get('/about'));
      if (parsed.success) return parsed.data;
      throw new Fault('qlik.protocol', '/qrs/about did not answer as QRS does');
    },
    apps: (filter) => all('app', QrsApp, filter),
    streams: () => all('stream', QrsStream),
    users: () => all('user', QrsUser),
    tags: () => all('tag', QrsTag),
    customProperties: () => all('custompropertydefinition', QrsCustomProperty),
    dataConnections: () => all('dataconnection', QrsDataConnection),
    reloadTasks: () => all('reloadtask', QrsReloadTask),
    schemaEvents: () => all('schemaevent', QrsSchemaEvent),
    compositeEvents: () => all('compositeevent', QrsCompositeEvent),
    extensions: () => all('extension', QrsExtension),
    extensionSchemas: async () => {
      const parsed = QrsExtensionSchemas.safeParse(await repository.get('/extension/schema'));
      if (parsed.success) return parsed.data;
      throw new Fault('qlik.protocol', '/qrs/extension/schema did not answer as QRS does');
    },
    objectsOf: (appId, types, own) => {
      const ofTypes = types.map((type) => `objectType eq '${type}'`).join(' or ');
      const filter = `app.id eq ${appId} and (${ofTypes})`;
      return list(repository, 'app/object', QrsDescribedObject, { filter, signal: both(own) });
    },
    changes: async (entity, schema, asked) => {
      try {
        return await listChanges(repository, entity, schema, { ...asked, signal });
      } catch (error) {
        const isFiltered = asked.since !== null && asked.filter === undefined;
        if (!isFiltered || !(error instanceof Fault) || answerOf(error)?.status !== 400) throw error;
        log.warn({ entity, orElse: asked.orElse }, 'the repository refuses to filter: all rows are read');
        return await listChanges(repository, entity, schema, { ...asked, since: null, orElse: undefined, signal });
      }
    },
    signature: (entity, before) => tableSignature(repository, entity, before, signal),
    appRows: async (ids) => {
      const taken = new TakenRows('app', QrsApp);
      await taken.byIds(repository, ids, signal);
      return [...taken.rows.values()];
    },
    objectDigests: (apps, onObject) => objectDigests(repository, apps, onObject, signal),
    objectsSince: (since) => objectsSince(repository, since, signal),
    countObjects: () => countObjects(repository, signal),
    appExists: async (appId) => (await repository.find(`/app/${encodeURIComponent(appId)}`)) !== undefined,
    sheets: () => listSheets(repository, signal),
    sheetRepositoryIds: async (appId, own) => {
      const filter = `app.id eq ${appId} and objectType eq 'sheet'`;
      const sheets = await list(repository, 'app/object', QrsAppObject, { filter, signal: both(own) });
      if (sheets.incomplete !== undefined) throw sheets.incomplete;
      return new Map(sheets.rows.map((sheet) => [sheet.engineObjectId, sheet.id]));
    },
    staticContent: (address, maxBytes, own) => content.read(address, maxBytes, both(own)),
    openApp: async (appId, own, watch, data) => {
      const end = both(own);
      const boundMs = options.sessionPatienceMs ?? SESSION_PATIENCE_MS;
      let waitedMs = 0;
      for (let attempt = 0; ; attempt++) {
        try {
          const engine = { connection, dialer, session, patience, identity, signal: end, observer, watch };
          return await OpenApp.open(engine, appId, data);
        } catch (error) {
          if (!(error instanceof Fault) || error.code !== 'qlik.session_limit') throw error;
          watch?.strained('sessions');
          const waitMs = backoffMs(attempt, 5_000, 60_000, () => patience.random());
          if (waitedMs + waitMs > boundMs) throw error;
          log.warn(
            { appId, waitMs: Math.round(waitMs), advice: SESSION_ADVICE },
            'all sessions of the user are taken: waiting for one',
          );
          await patience.sleep(waitMs, end);
          waitedMs += waitMs;
        }
      }
    },
    engineHealth: (own) => readHealth(engineHttp, session, prefix, both(own)),
    dataModel: (appId, own) => models.read(appId, both(own)),
    close,
    [Symbol.asyncDispose]: close,
  };
};
