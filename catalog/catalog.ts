import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Log } from '#catalog/api/context.ts';
import { hostCheck, isLoopback } from '#catalog/api/guard.ts';
import { createApi } from '#catalog/api/server.ts';
import { Gateway } from '#catalog/gateway/gateway.ts';
import { createBackend } from '#catalog/jobs/backend.ts';
import { type Bus, openBus } from '#catalog/store/events.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { BUILD } from '#protocol/build.ts';
import { Fault } from '#protocol/errors.ts';
import { type ClosingStep, closeInTurn, socketsOf } from './closing.ts';
import { CatalogMetrics } from './metrics.ts';

/** Crawls that publish at the same moment; more wait for each other. */
const PUBLISHING_CONNECTIONS = 6;

/** How long each part is waited for at the end; together less than the half minute after which service hosts kill. */
const CLOSE_WITHIN_MS = { gateway: 9_000, api: 2_000, backend: 3_000, bus: 1_000, pools: 3_000 } as const;
/** Peers have been told; whoever is still connected then is cut off. */
const HANG_UP_MS = 1_000;
/** Queries get this long to come back, then their connections are given up. */
const QUERIES_END_SECONDS = 2;

export interface CatalogOptions {
  readonly databaseUrl: string;
  /** Default 127.0.0.1. Other addresses need `tls` or `behindTlsProxy`. */
  readonly host?: string | undefined;
  /** Default 0: a free port. */
  readonly port?: number | undefined;
  /** Folder of the built page; default `dist/web`. */
  readonly webRoot?: string | undefined;
  readonly log: Log;
  /** Certificate and key, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** A proxy before it speaks HTTPS with the world. */
  readonly behindTlsProxy?: boolean | undefined;
  /** How long an agent is gone before one that stands by takes its connections over. Default 15 min. */
  readonly standbyAfterMs?: number | undefined;
  /** Host (and port) by which it is reached, when that is not the address it listens on. */
  readonly publicHost?: string | undefined;
  /** Who shows it reads `/metrics` from anywhere; without it only this machine does. */
  readonly metricsToken?: string | undefined;
}

export interface Catalog {
  /** `http(s)://host:port` */
  readonly address: string;
  readonly store: { readonly sql: Sql; readonly bus: Bus };
  /**
   * Stops listening, ends sessions and the publishers, closes the database pool; each within its time, whatever agents,
   * browsers and the database do. What could not be closed in order is logged.
   */
  close(): Promise<void>;
}

/**
 * Starts a catalog on a database: migrates it, serves the API and the page, and the gateway for agents.
 *
 * @throws Fault `catalog.unavailable` when the database or the port cannot be used, or when it would speak plain HTTP with
 *   other machines.
 */
export const createCatalog = async (options: CatalogOptions): Promise<Catalog> => {
  const { log, host = '127.0.0.1', port = 0, tls, behindTlsProxy = false } = options;
  if (!isLoopback(host) && !tls && !behindTlsProxy)
    throw new Fault('catalog.unavailable', `Listening on ${host} without TLS would show passwords to the network`, {
      advice: 'Give --tls-cert and --tls-key, or --behind-tls-proxy when a proxy speaks HTTPS for it.',
      retryable: false,
    });
  const { publicHost } = options;
  const answersTo = hostCheck({
    loopbackOnly: isLoopback(host) && !behindTlsProxy,
    publicHost,
    certificate: tls?.cert,
  });
  if (behindTlsProxy && publicHost === undefined)
    log.warn({}, 'any host name is answered: say with --public-host by which name people and agents reach the catalog');
  // In a release it lies beside the program.
  const webRoot = options.webRoot ?? join(import.meta.dirname, BUILD ? '' : '../dist', 'web');
  const sql = connect(options.databaseUrl);
  const publishing = connect(options.databaseUrl, { max: PUBLISHING_CONNECTIONS, repeatable: true });
  const endPools = (): Promise<unknown> =>
    Promise.all([sql, publishing].map((pool) => pool.end({ timeout: QUERIES_END_SECONDS })));
  const steps: ClosingStep[] = [
    { what: 'connections to the database', withinMs: CLOSE_WITHIN_MS.pools, close: endPools },
  ];
  const close = (): Promise<void> => closeInTurn(steps.splice(0).reverse(), log);
  try {
    const versions = await migrate(sql);
    if (versions.length > 0) log.info({ versions }, 'database migrated');
    const bus = await openBus(sql);
    steps.push({ what: 'listening to the database', withinMs: CLOSE_WITHIN_MS.bus, close: () => bus.close() });
    const backend = createBackend({ sql, publishing, bus, log, standbyAfterMs: options.standbyAfterMs });
    steps.push({ what: 'publishers', withinMs: CLOSE_WITHIN_MS.backend, close: () => backend.close() });
    const metrics = new CatalogMetrics(sql);
    steps.push({ what: 'figures', withinMs: CLOSE_WITHIN_MS.api, close: () => metrics.close() });
    const gateway = new Gateway({
      backend: metrics.measured(backend),
      log,
      answersTo,
      behindProxy: behindTlsProxy,
      ...metrics.doors,
    });
    metrics.countSessions(() => gateway.sessions.length);
    const api = await createApi({
      metrics: { text: () => metrics.text(), token: options.metricsToken, behindProxy: behindTlsProxy },
      sql,
      bus,
      log,
      secure: tls !== undefined || behindTlsProxy,
      enrol: (request) => backend.enrol(request),
      webRoot,
      answersTo,
      tls,
      behindProxy: behindTlsProxy,
      agents: (request, response) => gateway.handleRequest(request, response),
    });
    const hangUp = socketsOf(api.server);
    const closeApi = async (): Promise<void> => {
      const late = setTimeout(hangUp, HANG_UP_MS);
      await api.close().finally(() => clearTimeout(late));
    };
    steps.push({ what: 'HTTP server', withinMs: CLOSE_WITHIN_MS.api, close: closeApi });
    steps.push({ what: 'sessions of agents', withinMs: CLOSE_WITHIN_MS.gateway, close: () => gateway.close() });
    api.server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
    try {
      await api.listen({ host, port });
    } catch (cause) {
      throw new Fault('catalog.unavailable', `Cannot listen on ${host}:${port}: ${(cause as Error).message}`, {
        cause,
        advice: 'Choose another port with --port, or stop the program that uses it.',
      });
    }
    const bound = (api.server.address() as AddressInfo).port;
    await backend.start();
    if (!existsSync(join(webRoot, 'index.html')))
      log.warn({ webRoot }, 'the page is not built: run npm run build:web and start the catalog again');
    return {
      address: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
      store: { sql, bus },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
