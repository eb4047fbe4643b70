import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type InventoryQuery, listInventoryItems, listInventoryRules } from '#catalog/store/inventories.ts';
import { findJob } from '#catalog/store/jobs.ts';
import { findDifference } from '#catalog/store/publishes.ts';
import { ItemRecord } from '#protocol/inventory.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { ApiError, Difference, Inventory, InventoryItemList } from './contract.ts';
import { csvLine } from './csv.ts';
import { notFound } from './problem.ts';
import { readCursor, text, wire, writeCursor } from './wire.ts';

const ITEMS_A_PAGE = 100;
const ITEMS_A_READ = 5_000;
const Id = z.object({ id: text(200) });
const Narrowed = z.object({
  kind: ItemRecord.shape.kind.optional(),
  kept: z.enum(['true', 'false']).optional(),
  /** Number of a rule; 0: those that no rule decided. */
  rule: z.coerce.number().int().min(0).max(100_000).optional(),
  /** A part of the name. */
  q: text(500).optional(),
});

const KINDS = ['stream', 'app', 'sheet'] as const;
const POSITION = /^\d{1,18}$/;

const narrowing = ({ kind, kept, rule, q }: z.infer<typeof Narrowed>): Omit<InventoryQuery, 'limit'> => ({
  kind,
  kept: kept === undefined ? undefined : kept === 'true',
  rule,
  q,
});

/** What an inventory lists: per rule, item by item, as a table to take along. And what the publish of a scope changed. */
export const inventoryRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  const jobOf = async (request: FastifyRequest, id: string) => {
    const job = await findJob(sql, organisationOf(request), id);
    if (!job) throw notFound('job with this id');
    return job;
  };

  routes.get(
    '/api/v1/jobs/:id/inventory',
    {
      schema: {
        tags: ['inventories'],
        description:
          'What each rule of the filter kept and rejected, in the order in which rules are tried, those that match nothing included; while the inventory runs, so far.',
        params: Id,
        response: { 200: Inventory, ...errors },
      },
    },
    async (request) => {
      const { id } = await jobOf(request, request.params.id);
      const rules = await listInventoryRules(sql, organisationOf(request), id);
      const sum = (which: 'kept' | 'rejected') =>
        Object.fromEntries(KINDS.map((kind) => [kind, rules.reduce((all, rule) => all + rule[which][kind], 0)]));
      return Inventory.parse({ kept: sum('kept'), rejected: sum('rejected'), rules });
    },
  );

  routes.get(
    '/api/v1/jobs/:id/inventory/items',
    {
      schema: {
        tags: ['inventories'],
        params: Id,
        querystring: Narrowed.extend({
          after: z.string().max(4000).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(ITEMS_A_PAGE),
        }),
        response: { 200: InventoryItemList, ...errors },
      },
    },
    async (request) => {
      const { id } = await jobOf(request, request.params.id);
      const { limit } = request.query;
      const after = readCursor(request.query.after, 2);
      const query = { ...narrowing(request.query), after: after && POSITION.test(after[1] ?? '') ? after : undefined };
      const page = await listInventoryItems(sql, organisationOf(request), id, { ...query, limit });
      return { items: wire(page.items), next: writeCursor(page.next) };
    },
  );

  routes.get(
    '/api/v1/jobs/:id/inventory.csv',
    {
      schema: {
        tags: ['inventories'],
        description: 'The same items as a table (CSV, UTF-8), all of them.',
        params: Id,
        querystring: Narrowed,
        response: { 200: z.string(), ...errors },
      },
    },
    async (request, reply) => {
      const { id, connection } = await jobOf(request, request.params.id);
      const organisation = organisationOf(request);
      const query = narrowing(request.query);
      async function* lines() {
        // With the mark by which spreadsheets know UTF-8.
        yield `\uFEFF${csvLine(['kind', 'verdict', 'name', 'within', 'rule', 'key'])}`;
        for (let after: readonly string[] | undefined; ; ) {
          const page = await listInventoryItems(sql, organisation, id, { ...query, after, limit: ITEMS_A_READ });
          let part = '';
          for (const { kind, kept, name, within, rule, key } of page.items)
            part += csvLine([kind, kept ? 'kept' : 'rejected', name, within, rule, key]);
          if (part !== '') yield part;
          if (page.next === null) return;
          after = page.next;
        }
      }
      const name = `inventory-${connection.replace(/[^\w.-]/g, '_')}.csv`;
      reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="${name}"`);
      // As it is: the shape of an answer in JSON has no say in it.
      reply.serializer((payload) => payload as string);
      return reply.send(Readable.from(lines()) as never);
    },
  );

  routes.get(
    '/api/v1/jobs/:id/difference',
    {
      schema: {
        tags: ['jobs'],
        description: 'What the publish of one scope changed, by name: the first 200 of what came, changed and went.',
        params: Id,
        querystring: z.object({ scope: text(4096) }),
        response: { 200: Difference, ...errors },
      },
    },
    async (request) => {
      const { id } = await jobOf(request, request.params.id);
      const found = await findDifference(sql, organisationOf(request), id, request.query.scope);
      if (!found) throw notFound('such scope in this job');
      return found;
    },
  );
};
