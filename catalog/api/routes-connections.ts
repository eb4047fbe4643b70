import { z } from 'zod';
import { createEnrolmentToken, listAgents } from '#catalog/store/agents.ts';
import {
  assignConnection,
  deleteConnection,
  listBrokenFiles,
  listConnections,
  takeOverConnection,
} from '#catalog/store/connections.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { type ApiContext, organisationOf, principalOf, type Routes } from './context.ts';
import { AgentList, ApiError, Connection, ConnectionList, EnrolmentToken } from './contract.ts';
import { readCursor, text, wire, writeCursor } from './wire.ts';

const AGENTS_A_PAGE = 200;
const Code = z.object({ code: text(256) });

const one = async (sql: Sql, organisationId: string, code: string) => {
  const [found] = await listConnections(sql, organisationId, code);
  if (!found) throw new Fault('job.unknown_connection', `There is no connection ${code}.`);
  return wire(found);
};

/** Agents, their enrolment, and the connections that they report. */
export const connectionRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/agents',
    {
      schema: {
        tags: ['agents'],
        querystring: z.object({ after: z.string().max(500).optional() }),
        response: { 200: AgentList, ...errors },
      },
    },
    async (request) => {
      const [after] = readCursor(request.query.after, 1) ?? [];
      const rows = await listAgents(sql, organisationOf(request), {
        limit: AGENTS_A_PAGE + 1,
        ...(after === undefined ? {} : { after }),
      });
      const items = rows.slice(0, AGENTS_A_PAGE);
      const last = rows.length > AGENTS_A_PAGE ? items.at(-1) : undefined;
      return { items: wire(items), next: writeCursor(last ? [last.id] : null) };
    },
  );

  routes.post(
    '/api/v1/enrolment-tokens',
    { schema: { tags: ['agents'], response: { 201: EnrolmentToken, ...errors } } },
    async (request, reply) => {
      const { organisationId, email } = principalOf(request);
      reply.code(201);
      return wire(await createEnrolmentToken(sql, organisationId, email));
    },
  );

  routes.get(
    '/api/v1/connections',
    { schema: { tags: ['connections'], response: { 200: ConnectionList, ...errors } } },
    async (request) => {
      const organisation = organisationOf(request);
      const [items, broken] = await Promise.all([
        listConnections(sql, organisation),
        listBrokenFiles(sql, organisation),
      ]);
      return { items: wire(items), broken: wire(broken) };
    },
  );

  routes.get(
    '/api/v1/connections/:code',
    { schema: { tags: ['connections'], params: Code, response: { 200: Connection, ...errors } } },
    (request) => one(sql, organisationOf(request), request.params.code),
  );

  routes.post(
    '/api/v1/connections/:code/take-over',
    {
      schema: {
        tags: ['connections'],
        params: Code,
        body: z.object({ from: text(256) }),
        response: { 200: Connection, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      await takeOverConnection(sql, organisation, request.params.code, request.body.from);
      return await one(sql, organisation, request.params.code);
    },
  );

  routes.post(
    '/api/v1/connections/:code/assign',
    {
      schema: {
        tags: ['connections'],
        params: Code,
        body: z.object({ agentId: text(200) }),
        response: { 200: Connection, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      await assignConnection(sql, organisation, request.params.code, request.body.agentId);
      return await one(sql, organisation, request.params.code);
    },
  );

  routes.delete(
    '/api/v1/connections/:code',
    {
      schema: {
        tags: ['connections'],
        params: Code,
        body: z.object({ confirm: text(256) }),
        response: { 200: z.object({ assets: z.int(), fileStillExists: z.boolean() }), ...errors },
      },
    },
    async (request) => {
      const { code } = request.params;
      if (request.body.confirm !== code)
        throw new Fault('api.invalid_request', `confirm: must be the code of the connection, ${code}`);
      return await deleteConnection(sql, organisationOf(request), code);
    },
  );
};
