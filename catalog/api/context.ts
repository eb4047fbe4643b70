import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Bus } from '#catalog/store/events.ts';
import type { Principal } from '#catalog/store/members.ts';
import type { Sql } from '#catalog/store/sql.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { Fault } from '#protocol/errors.ts';
import type { EnrolReply, EnrolRequest } from '#protocol/messages.ts';

/** Where the catalog writes what happens; a pino logger is one. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the routes work with. */
export interface ApiContext {
  readonly sql: Sql;
  readonly bus: Bus;
  readonly log: Log;
  /** The page is reached by HTTPS: cookies are marked so. */
  readonly secure: boolean;
  readonly enrol: (request: EnrolRequest) => Promise<EnrolReply | { readonly refused: ErrorInfo }>;
}

export type Routes = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined only on routes that are open. */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** This route needs no login. */
    open?: boolean;
  }
}

/** Who asks. The organisation of every query comes from here and from nowhere else. */
export const principalOf = (request: FastifyRequest): Principal => {
  if (!request.principal) throw new Fault('api.unauthenticated', 'This needs a login.');
  return request.principal;
};

export const organisationOf = (request: FastifyRequest): string => principalOf(request).organisationId;
