import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  byKind,
  type Impact as Found,
  findImpact,
  kindOf,
  type Owner,
  ownersOf,
  pathTo,
  type Reached,
} from '#catalog/store/impact.ts';
import { findEdge } from '#catalog/store/lineage-edge.ts';
import { findNeighbourhood } from '#catalog/store/neighbourhood.ts';
import { CONFIDENCES, ROLES, type Role } from '#protocol/lineage.ts';
import { ASSET_KINDS, type AssetKind, EDGE_KINDS } from '#protocol/records.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { ApiError, Impact, Lineage, LineageEdgeDetail } from './contract.ts';
import { csvLine } from './csv.ts';
import { groupsOf, idOf, sheetOf } from './impact-groups.ts';
import { notFound } from './problem.ts';
import { Walks } from './walks.ts';
import { readCursor, readCursorOf, text, wire, writeCursor } from './wire.ts';

const NODES = 300;
const IMPACT_A_PAGE = 100;
const ROWS_A_PART = 1_000;
const PATH_SHOWN = 24;

/** In the order in which people ask: whom to tell, what breaks, and by what way. */
const KINDS: readonly AssetKind[] = [
  ...(['app', 'sheet', 'chart', 'dataset', 'column', 'masterVisualization', 'masterMeasure'] as const),
  ...(['masterDimension', 'variable', 'chartMeasure', 'chartDimension', 'table', 'field'] as const),
];
const ORDER: readonly AssetKind[] = [...KINDS, ...ASSET_KINDS.filter((kind) => !KINDS.includes(kind))];

/** Several values in one parameter, with commas between them. */
const several = <T extends string>(values: readonly T[]) =>
  z
    .string()
    .max(500)
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(values as readonly [T, ...T[]])))
    .describe(`Any of ${values.join(', ')}, with commas between them.`);

const Filter = z.object({
  confidence: z.enum(CONFIDENCES).optional().describe('The least sure that counts.'),
  roles: several<Role>(ROLES).optional(),
  unreachable: z.enum(['true', 'false']).default('false').describe('Also what stands where a reload never comes.'),
});
const Asked = Filter.extend({ key: text(4096), direction: z.enum(['up', 'down']).default('down') });
const filterOf = ({ confidence, roles, unreachable }: z.infer<typeof Filter>) => ({
  ...{ confidence, roles, unreachable: unreachable === 'true' },
});

const OWNED: ReadonlySet<AssetKind> = new Set(['app', 'sheet']);

/** What is wanted of what was found, in its order. */
const wanted = (found: Found, kinds: readonly AssetKind[] | undefined): Reached[] =>
  [...found.reached.values()]
    .filter(({ place }) => kinds === undefined || kinds.includes(kindOf(place)))
    .sort(byKind(ORDER));

const countsOf = (found: Found): Partial<Record<AssetKind, number>> => {
  const counts: Partial<Record<AssetKind, number>> = {};
  for (const { place } of found.reached.values()) counts[kindOf(place)] = (counts[kindOf(place)] ?? 0) + 1;
  return counts;
};

/** The owner of something, or of the app that it lies in. */
const ownerOf = ({ place }: Reached, owners: ReadonlyMap<string, Owner>): Owner | null =>
  owners.get(place.key) ?? (place.app === null ? undefined : owners.get(place.app)) ?? null;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const cutPath = <T>(path: readonly T[]): T[] =>
  path.length <= PATH_SHOWN ? [...path] : [...path.slice(0, PATH_SHOWN / 2), ...path.slice(-PATH_SHOWN / 2)];

/** Where data comes from and what depends on it. */
export const lineageRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  const walks = new Walks(sql);

  const impactOf = (request: FastifyRequest, reply: FastifyReply, query: z.infer<typeof Asked>) => {
    const organisation = organisationOf(request);
    return walks.walk(organisation, reply, async (tx) => {
      const found = await findImpact(tx, organisation, {
        key: query.key,
        direction: query.direction,
        ...filterOf(query),
      });
      if (!found) throw notFound('asset with this key');
      const owned = [...found.reached.values()].flatMap(({ place: { key, kind, app } }) =>
        kind !== null && OWNED.has(kind) ? [key] : app === null ? [] : [app],
      );
      return { found, owners: await ownersOf(tx, organisation, [...new Set(owned)]) };
    });
  };

  routes.get(
    '/api/v1/lineage',
    {
      schema: {
        tags: ['lineage'],
        description:
          'What lies around an asset, up to its origins and down to what depends on it. Level `table` shows datasets and apps, level `column` columns, fields, measures, charts and sheets; without one it is what suits the asset. `more` counts what is left out; asking again with its key, direction and `next` (as `after`) goes on there.',
        querystring: Filter.extend({
          key: text(4096),
          direction: z.enum(['up', 'down', 'both']).default('both'),
          level: z.enum(['table', 'column']).optional(),
          depth: z.coerce.number().int().min(0).max(30).default(3),
          limit: z.coerce.number().int().min(1).max(2000).default(NODES).describe('Most nodes.'),
          breadth: z.coerce.number().int().min(1).max(1000).default(50).describe('Most neighbours of one node.'),
          after: z.string().max(8000).optional(),
        }),
        response: { 200: Lineage, ...errors },
      },
    },
    async (request, reply) => {
      const { key, direction, level, depth, limit, breadth, after } = request.query;
      const organisation = organisationOf(request);
      const asked = {
        ...{ key, direction, level, depth, limit, breadth },
        ...filterOf(request.query),
        after: readCursorOf(after, [1, 2]),
      };
      const found = await walks.walk(organisation, reply, (tx) => findNeighbourhood(tx, organisation, asked));
      if (!found) throw notFound('asset with this key');
      return Lineage.parse(
        wire({ ...found, more: found.more.map((one) => ({ ...one, next: writeCursor(one.next) })) }),
      );
    },
  );

  routes.get(
    '/api/v1/lineage/edge',
    {
      schema: {
        tags: ['lineage'],
        description:
          'What is said of one edge, by each app that says it: role, confidence and why, the expression, and the lines of the script that it was read from.',
        querystring: z.object({ from: text(4096), kind: z.enum(EDGE_KINDS), to: text(4096) }),
        response: { 200: LineageEdgeDetail, ...errors },
      },
    },
    async (request, reply) => {
      const organisation = organisationOf(request);
      const items = await walks.walk(organisation, reply, (tx) => findEdge(tx, organisation, request.query));
      if (items.length === 0) throw notFound('edge between these two');
      return LineageEdgeDetail.parse(wire({ items }));
    },
  );

  routes.get(
    '/api/v1/lineage/impact',
    {
      schema: {
        tags: ['lineage'],
        description:
          'Everything that depends on an asset, through any number of apps (`down`), or everything that it comes from (`up`), each with its surest way. `kind` narrows the list, not the counts.',
        querystring: Asked.extend({
          kind: several<AssetKind>(ASSET_KINDS).optional(),
          after: z.string().max(8000).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(IMPACT_A_PAGE),
        }),
        response: { 200: Impact, ...errors },
      },
    },
    async (request, reply) => {
      const { kind, after, limit, ...asked } = request.query;
      const { found, owners } = await impactOf(request, reply, asked);
      const all = wanted(found, kind);
      const [last] = readCursor(after, 1) ?? [];
      const from = last === undefined ? 0 : all.findIndex(({ place }) => place.key === last) + 1;
      const page = all.slice(from, from + limit);
      const perOwner = new Map<string, Owner & { assets: number }>();
      for (const [key, owner] of owners)
        if (found.reached.has(key)) {
          const id = idOf(owner);
          perOwner.set(id, { ...owner, assets: (perOwner.get(id)?.assets ?? 0) + 1 });
        }
      const items = page.map((one) => ({
        ...one.place,
        kind: kindOf(one.place),
        owner: ownerOf(one, owners),
        ...{ distance: one.distance, confidence: one.confidence, conditional: one.conditional },
        path: cutPath(pathTo(found, one.place.key)).map(({ place: { key, kind: of, name }, by }) => ({
          key,
          kind: of,
          name,
          by,
        })),
      }));
      return Impact.parse(
        wire({
          ...{ focus: found.focus, direction: asked.direction, counts: countsOf(found), cut: found.cut, items },
          ...groupsOf(found, owners),
          // Said once.
          ...(after === undefined ? {} : { apps: [] }),
          owners: [...perOwner.values()]
            .sort((a, b) => b.assets - a.assets || (a.name < b.name ? -1 : 1))
            .slice(0, 500),
          next: from + limit < all.length ? writeCursor([page.at(-1)?.place.key ?? '']) : null,
        }),
      );
    },
  );

  routes.get(
    '/api/v1/lineage/impact.csv',
    {
      schema: {
        tags: ['lineage'],
        description:
          'The same as a table (CSV, UTF-8), all of it, by owner, app and sheet. `steps`: how many derivations, uses and containers lie between; `way` names them.',
        querystring: Asked.extend({ kind: several<AssetKind>(ASSET_KINDS).optional() }),
        response: { 200: z.string(), ...errors },
      },
    },
    async (request, reply) => {
      const { kind, ...asked } = request.query;
      walks.hold(organisationOf(request), reply);
      const { found, owners } = await impactOf(request, reply, asked);
      const all = wanted(found, kind)
        .map((one) => ({ ...one, owner: ownerOf(one, owners), sheet: sheetOf(found, one)?.place.name ?? '' }))
        .sort(
          (a, b) =>
            // What has no owner comes last; within a sheet the order stays.
            order(a.owner?.name ?? '\uffff', b.owner?.name ?? '\uffff') ||
            order(a.place.appName ?? '\uffff', b.place.appName ?? '\uffff') ||
            order(a.sheet, b.sheet),
        );
      const arrow = asked.direction === 'down' ? ' → ' : ' ← ';
      function* lines() {
        // With the mark by which spreadsheets know UTF-8.
        yield `\uFEFF${csvLine(['owner', 'owner e-mail', 'app', 'sheet', 'kind', 'name', 'confidence', 'conditional', 'steps', 'way', 'key', 'app key'])}`;
        for (let from = 0; from < all.length; from += ROWS_A_PART) {
          let part = '';
          for (const one of all.slice(from, from + ROWS_A_PART)) {
            const { place, confidence, conditional, distance, owner, sheet } = one;
            const way = [found.focus, ...cutPath(pathTo(found, place.key)).map((step) => step.place)];
            part += csvLine([
              ...[
                owner?.name ?? null,
                owner?.email ?? null,
                place.appName,
                sheet,
                kindOf(place),
                place.name,
                confidence,
              ],
              ...[
                conditional ? 'yes' : '',
                String(distance),
                way.map(({ name }) => name).join(arrow),
                place.key,
                place.app,
              ],
            ]);
          }
          yield part;
        }
        if (found.cut) yield csvLine(['', 'There is more: the walk ended after a fixed number of assets.']);
      }
      const of = found.focus.name.replace(/[^\w.-]/g, '_').slice(0, 60);
      reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="impact-${of}.csv"`);
      // As it is: the shape of an answer in JSON has no say in it.
      reply.serializer((payload) => payload as string);
      return reply.send(Readable.from(lines()) as never);
    },
  );
};
