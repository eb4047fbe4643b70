import { z } from 'zod';
import { createApiToken, deleteApiToken, listApiTokens } from '#catalog/store/api-tokens.ts';
import { Fault } from '#protocol/errors.ts';
import { type ApiContext, organisationOf, principalOf, type Routes } from './context.ts';
import { ApiError, ApiToken } from './contract.ts';
import { notFound } from './problem.ts';
import { text, wire } from './wire.ts';

const LONGEST_DAYS = 3650;

/** Tokens for programs that use this API. */
export const tokenRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/tokens',
    { schema: { tags: ['tokens'], response: { 200: z.object({ items: z.array(ApiToken) }), ...errors } } },
    async (request) => ({ items: wire(await listApiTokens(sql, organisationOf(request))) }),
  );

  routes.post(
    '/api/v1/tokens',
    {
      schema: {
        tags: ['tokens'],
        body: z.object({
          name: text(200).min(1),
          expiresInDays: z.int().min(1).max(LONGEST_DAYS).optional(),
        }),
        response: { 201: ApiToken.extend({ token: z.string() }).meta({ id: 'NewApiToken' }), ...errors },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      // A token that leaked must end when it expires or is deleted: it may not make itself a successor.
      if (principal.csrf === null)
        throw new Fault('api.forbidden', 'An API token cannot make API tokens.', {
          advice: 'Log in to the page, or use the command line of the catalog.',
        });
      const made = await createApiToken(sql, principal, request.body.name, request.body.expiresInDays);
      reply.code(201);
      return wire(made);
    },
  );

  routes.delete(
    '/api/v1/tokens/:id',
    {
      schema: {
        tags: ['tokens'],
        params: z.object({ id: text(200) }),
        response: { 204: z.null(), ...errors },
      },
    },
    async (request, reply) => {
      if (!(await deleteApiToken(sql, organisationOf(request), request.params.id)))
        throw notFound('token with this id');
      reply.code(204);
      return null;
    },
  );
};
