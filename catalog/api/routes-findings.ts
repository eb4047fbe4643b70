import { Readable } from 'node:stream';
import { z } from 'zod';
import { countFindings, type FindingQuery, listFindings } from '#catalog/store/findings.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { ApiError, FindingCode, FindingCounts, FindingList, Severity } from './contract.ts';
import { csvLine } from './csv.ts';
import { readCursor, text, wire, writeCursor } from './wire.ts';

const FINDINGS_A_PAGE = 50;
const FINDINGS_A_READ = 2_000;
const NUMBER = /^\d{1,18}$/;

const Narrowed = z.object({
  connection: text(256).optional(),
  /** Key of an app. */
  app: text(4096).optional(),
  code: FindingCode.optional(),
  severity: Severity.optional(),
});
const Which = Narrowed.extend({ new: z.enum(['true', 'false']).optional() });

const narrowing = ({ new: isNew, ...query }: z.infer<typeof Which>): FindingQuery => ({
  ...query,
  isNew: isNew === undefined ? undefined : isNew === 'true',
});

/** What the catalog found in what was crawled. */
export const findingRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/findings',
    {
      schema: {
        tags: ['findings'],
        description:
          'What deserves a look, the gravest first; `app` narrows to what is about something in an app or concerns it together with others.',
        querystring: Which.extend({
          after: z.string().max(8000).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(FINDINGS_A_PAGE),
        }),
        response: { 200: FindingList, ...errors },
      },
    },
    async (request) => {
      const { after, limit, ...which } = request.query;
      const cursor = readCursor(after, 4);
      const [rank = '', , , scope = ''] = cursor ?? [];
      const usable = NUMBER.test(rank) && NUMBER.test(scope) ? cursor : undefined;
      const page = await listFindings(sql, organisationOf(request), { ...narrowing(which), after: usable, limit });
      return FindingList.parse({ items: wire(page.items), next: writeCursor(page.next) });
    },
  );

  routes.get(
    '/api/v1/findings/counts',
    {
      schema: {
        tags: ['findings'],
        description: 'How many there are by code, and how many of those the newest crawl saw first.',
        querystring: Narrowed,
        response: { 200: FindingCounts, ...errors },
      },
    },
    async (request) => ({ items: await countFindings(sql, organisationOf(request), request.query) }),
  );

  routes.get(
    '/api/v1/findings.csv',
    {
      schema: {
        tags: ['findings'],
        description: 'The same findings as a table (CSV, UTF-8), all of them.',
        querystring: Which,
        response: { 200: z.string(), ...errors },
      },
    },
    async (request, reply) => {
      const organisation = organisationOf(request);
      const query = narrowing(request.query);
      async function* lines() {
        // With the mark by which spreadsheets know UTF-8.
        yield `\uFEFF${csvLine(['severity', 'code', 'new', 'connection', 'app', 'kind', 'name', 'finding', 'first seen', 'key', 'facts'])}`;
        for (let after: readonly string[] | undefined; ; ) {
          const page = await listFindings(sql, organisation, { ...query, after, limit: FINDINGS_A_READ });
          let part = '';
          for (const one of page.items)
            part += csvLine([
              ...[one.severity, one.code, one.isNew ? 'new' : '', one.connection, one.appName, one.kind, one.name],
              ...[one.message, one.firstSeenAt.toISOString(), one.key, JSON.stringify(one.facts)],
            ]);
          if (part !== '') yield part;
          if (page.next === null) return;
          after = page.next;
        }
      }
      const of = (query.connection ?? 'all').replace(/[^\w.-]/g, '_');
      reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="findings-${of}.csv"`);
      // As it is: the shape of an answer in JSON has no say in it.
      reply.serializer((payload) => payload as string);
      return reply.send(Readable.from(lines()) as never);
    },
  );
};
