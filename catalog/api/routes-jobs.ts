import { z } from 'zod';
import {
  cancelJob,
  createJob,
  findJob,
  listChecks,
  listJobs,
  listPublishedScopes,
  listQlikSettings,
} from '#catalog/store/jobs.ts';
import { isStorableValue } from '#catalog/store/storable.ts';
import { Fault } from '#protocol/errors.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { OUTCOMES } from '#protocol/records.ts';
import { type ApiContext, organisationOf, principalOf, type Routes } from './context.ts';
import { ApiError, CheckList, Job, JobList, JobRequest, ScopeOutcomeList } from './contract.ts';
import { notFound } from './problem.ts';
import { refuseUnusable } from './settings-check.ts';
import { readTimeCursor, text, wire, writeCursor } from './wire.ts';

const JOBS_A_PAGE = 50;
const SCOPES_A_PAGE = 200;
const Id = z.object({ id: text(200) });

/** Jobs: ask for one, watch it, stop it, see what became of each scope and what each check found. */
export const jobRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.post(
    '/api/v1/connections/:code/jobs',
    {
      schema: {
        tags: ['jobs'],
        description:
          'Asks for a crawl, a test, an inventory, a preview or lineage made anew. While one that asks for the same still waits for this connection, that one is returned with 200; another waits behind those that were asked for earlier. The policy of the agent may refuse it: `status.refuses` of the connection says so beforehand.',
        params: z.object({ code: text(256) }),
        body: JobRequest,
        response: { 200: Job, 201: Job, ...errors },
      },
    },
    async (request, reply) => {
      const { organisationId, email } = principalOf(request);
      const { kind, options } = request.body;
      if (!isStorableValue(options))
        throw new Fault('api.invalid_request', 'options: hold characters that cannot be stored');
      if (kind === 'inventory' && options?.settings) refuseUnusable(options.settings);
      const { job, created } = await createJob(sql, organisationId, {
        connection: request.params.code,
        kind,
        // As JSON has it: what is not said is not there.
        options: options && (JSON.parse(JSON.stringify(options)) as JobSpec['options']),
        createdBy: email,
      });
      reply.code(created ? 201 : 200);
      return wire(job);
    },
  );

  routes.get(
    '/api/v1/jobs',
    {
      schema: {
        tags: ['jobs'],
        querystring: z.object({
          connection: text(256).optional(),
          after: z.string().max(500).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(JOBS_A_PAGE),
        }),
        response: { 200: JobList, ...errors },
      },
    },
    async (request) => {
      const { connection, after, limit } = request.query;
      const page = await listJobs(sql, organisationOf(request), { connection, after: readTimeCursor(after), limit });
      return { items: wire(page.items), next: writeCursor(page.next) };
    },
  );

  routes.get(
    '/api/v1/jobs/:id',
    { schema: { tags: ['jobs'], params: Id, response: { 200: Job, ...errors } } },
    async (request) => {
      const job = await findJob(sql, organisationOf(request), request.params.id);
      if (!job) throw notFound('job with this id');
      return wire(job);
    },
  );

  routes.get(
    '/api/v1/jobs/:id/scopes',
    {
      schema: {
        tags: ['jobs'],
        params: Id,
        querystring: z.object({
          outcome: z.enum(OUTCOMES).optional(),
          /** Only those in which something came, changed or went; or only the others. */
          changed: z.enum(['true', 'false']).optional(),
          after: z.string().max(4000).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(SCOPES_A_PAGE),
        }),
        response: { 200: ScopeOutcomeList, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      if (!(await findJob(sql, organisation, request.params.id))) throw notFound('job with this id');
      const { outcome, changed, after, limit } = request.query;
      const page = await listPublishedScopes(sql, organisation, request.params.id, {
        outcome,
        changed: changed === undefined ? undefined : changed === 'true',
        after: readTimeCursor(after),
        limit,
      });
      return { items: wire(page.items), next: writeCursor(page.next) };
    },
  );

  routes.get(
    '/api/v1/jobs/:id/checks',
    {
      schema: {
        tags: ['jobs'],
        description:
          'What a test found, in the order of its checks, and what Qlik needs for the connection; while it runs, so far. Empty for a crawl.',
        params: Id,
        response: { 200: CheckList, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      if (!(await findJob(sql, organisation, request.params.id))) throw notFound('job with this id');
      const { id } = request.params;
      const [items, settings] = [
        await listChecks(sql, organisation, id),
        await listQlikSettings(sql, organisation, id),
      ];
      return { items: wire(items), settings };
    },
  );

  routes.post(
    '/api/v1/jobs/:id/cancel',
    { schema: { tags: ['jobs'], params: Id, response: { 200: Job, ...errors } } },
    async (request) => {
      const job = await cancelJob(sql, organisationOf(request), request.params.id);
      if (!job) throw notFound('job with this id');
      return wire(job);
    },
  );
};
