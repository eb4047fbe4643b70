import { z } from 'zod';
import {
  agentTrust,
  askForNewKey,
  disableAgent,
  enableAgent,
  releaseAgent,
  revokeAgent,
  revokeAgentKey,
} from '#catalog/store/agent-trust.ts';
import { listAgents } from '#catalog/store/agents.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { AgentDetail, ApiError } from './contract.ts';
import { notFound } from './problem.ts';
import { text, wire } from './wire.ts';

const Id = z.object({ id: text(200) });

const one = async (sql: Sql, organisationId: string, id: string) => {
  const [agent] = await listAgents(sql, organisationId, { limit: 1, id });
  if (!agent) throw notFound('such agent');
  return wire({ ...agent, ...(await agentTrust(sql, organisationId, id)) });
};

/** One agent: its keys, who uses them, and shutting it out and letting it in again. */
export const agentRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const response = { 200: AgentDetail, '4xx': ApiError, '5xx': ApiError };

  routes.get('/api/v1/agents/:id', { schema: { tags: ['agents'], params: Id, response } }, (request) =>
    one(sql, organisationOf(request), request.params.id),
  );

  const acts = {
    disable: disableAgent,
    enable: enableAgent,
    'renew-key': askForNewKey,
    release: releaseAgent,
  } as const;
  for (const [name, act] of Object.entries(acts))
    routes.post(
      `/api/v1/agents/:id/${name}`,
      { schema: { tags: ['agents'], params: Id, response } },
      async (request) => {
        const organisation = organisationOf(request);
        await act(sql, organisation, request.params.id);
        return await one(sql, organisation, request.params.id);
      },
    );

  routes.post(
    '/api/v1/agents/:id/revoke',
    { schema: { tags: ['agents'], params: Id, body: z.object({ confirm: text(200) }), response } },
    async (request) => {
      const organisation = organisationOf(request);
      const { name } = await one(sql, organisation, request.params.id);
      if (request.body.confirm !== name)
        throw new Fault('api.invalid_request', `confirm: must be the name of the agent, ${name}`);
      await revokeAgent(sql, organisation, request.params.id);
      return await one(sql, organisation, request.params.id);
    },
  );

  routes.post(
    '/api/v1/agents/:id/keys/:key/revoke',
    {
      schema: {
        tags: ['agents'],
        params: z.object({ id: text(200), key: text(200) }),
        // `lastKey`: also the only key with which the agent can come in.
        body: z.object({ lastKey: z.boolean().default(false) }),
        response,
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      const { id, key } = request.params;
      await revokeAgentKey(sql, organisation, id, key, request.body.lastKey);
      return await one(sql, organisation, id);
    },
  );
};
