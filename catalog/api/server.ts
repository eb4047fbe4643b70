import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { Fault } from '#protocol/errors.ts';
import type { ApiContext } from './context.ts';
import { authenticate, checkOrigin } from './guard.ts';
import { servePage } from './page.ts';
import { asProblem } from './problem.ts';
import { agentRoutes } from './routes-agents.ts';
import { assetRoutes } from './routes-assets.ts';
import { connectionRoutes } from './routes-connections.ts';
import { eventRoutes } from './routes-events.ts';
import { findingRoutes } from './routes-findings.ts';
import { inventoryRoutes } from './routes-inventories.ts';
import { jobRoutes } from './routes-jobs.ts';
import { lineageRoutes } from './routes-lineage.ts';
import { logLevelRoutes } from './routes-log-level.ts';
import { loginRoutes } from './routes-login.ts';
import { type MetricsAccess, metricsRoute } from './routes-metrics.ts';
import { pictureRoutes } from './routes-pictures.ts';
import { settingsRoutes } from './routes-settings.ts';
import { tokenRoutes } from './routes-tokens.ts';

const BODY_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const READY_WITHIN_MS = 3_000;

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

export interface ApiOptions extends ApiContext {
  readonly webRoot: string;
  /** Whether a `Host` header names this catalog. */
  readonly answersTo: (host: string) => boolean;
  /** Certificate and key (PEM) when it serves HTTPS itself. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly behindProxy: boolean;
  /** Requests of agents, which are none of the API's; true when it has taken one. */
  readonly agents: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Who may read the figures of the catalog as a whole; absent: there are none. */
  readonly metrics?: MetricsAccess;
}

/** The HTTP server with the REST API and the page, ready to listen. */
export const createApi = async (options: ApiOptions) => {
  const { sql, log, secure } = options;
  const base = {
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 1024 },
    trustProxy: options.behindProxy ? ['loopback', 'uniquelocal'] : false,
    forceCloseConnections: true,
    // Errors from before any route: an address that cannot be decoded.
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) => {
      const { status, body } = asProblem(error);
      void reply.code(status).headers(HEADERS).type('application/json').send(JSON.stringify(body));
    },
  };
  const app = (
    Fastify({ ...base, https: options.tls ? { ...options.tls } : null }) as unknown as FastifyInstance
  ).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', undefined);
  app.setErrorHandler((error, request, reply) => {
    const { status, body, logged } = asProblem(error);
    if (logged) log.error({ err: error, method: request.method, path: request.routeOptions.url }, 'request failed');
    return reply.code(status).type('application/json').serializer(JSON.stringify).send(body);
  });
  await app.register(fastifyCookie);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Culvert catalog',
        version: '1',
        description: 'What agents found in Qlik Sense sites. Log in with a cookie, or send an API token as bearer.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: secure ? '__Host-culvert' : 'culvert' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });

  // First of all: an agent's request is answered as it is, whatever holds for people.
  app.addHook('onRequest', (request, reply, done) => {
    if (options.agents(request.raw, reply.raw)) reply.hijack();
    else done();
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
    const { url, config } = request.routeOptions;
    if (url === '/livez' || url === '/readyz' || url === '/metrics') return;
    checkOrigin(request, options.answersTo);
    if (url?.startsWith('/api/v1/') && config.open !== true)
      request.principal = await authenticate(sql, request, secure);
  });

  // Routes that are added from here on are in the document.
  await app.register(async (scope) => {
    const routes = scope.withTypeProvider<ZodTypeProvider>();
    loginRoutes(routes, options);
    agentRoutes(routes, options);
    connectionRoutes(routes, options);
    jobRoutes(routes, options);
    inventoryRoutes(routes, options);
    findingRoutes(routes, options);
    settingsRoutes(routes, options);
    logLevelRoutes(routes, options);
    assetRoutes(routes, options);
    lineageRoutes(routes, options);
    pictureRoutes(routes, options);
    tokenRoutes(routes, options);
    eventRoutes(routes, options);
  });
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  if (options.metrics !== undefined) metricsRoute(app as unknown as FastifyInstance, options.metrics);
  app.get('/livez', { schema: { hide: true } }, async () => ({ ok: true }));
  app.get('/readyz', { schema: { hide: true } }, async () => {
    const patience = AbortSignal.timeout(READY_WITHIN_MS);
    const late = new Promise<never>((_, fail) =>
      patience.addEventListener('abort', () => fail(new Fault('catalog.unavailable', 'The database does not answer.'))),
    );
    await Promise.race([sql`select 1`, late]);
    return { ok: true };
  });
  await servePage(app as unknown as FastifyInstance, options.webRoot);
  return app;
};
