import { z } from 'zod';
import { askLogLevel, LOG_LEVELS } from '#catalog/store/log-level.ts';
import { type ApiContext, organisationOf, principalOf, type Routes } from './context.ts';
import { ApiError } from './contract.ts';
import { text } from './wire.ts';

const MOST_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** What an agent logs, for a while. */
export const logLevelRoutes = (routes: Routes, { sql, log }: ApiContext): void => {
  routes.post(
    '/api/v1/agents/:id/log-level',
    {
      schema: {
        tags: ['agents'],
        params: z.object({ id: text(200) }),
        body: z.object({ level: z.enum(LOG_LEVELS), minutes: z.int().min(0).max(MOST_MINUTES) }),
        response: { 202: z.object({ asked: z.boolean() }), '4xx': ApiError, '5xx': ApiError },
      },
    },
    async (request, reply) => {
      const { level, minutes } = request.body;
      await askLogLevel(sql, organisationOf(request), request.params.id, level, minutes * MINUTE_MS);
      log.info(
        { agentId: request.params.id, level, minutes, by: principalOf(request).email },
        'asked an agent to log more',
      );
      reply.code(202);
      return { asked: true };
    },
  );
};
