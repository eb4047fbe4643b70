import { z } from 'zod';
import { countAll, findAsset, listAssets } from '#catalog/store/assets.ts';
import { ASSET_KINDS } from '#protocol/records.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { ApiError, Asset, AssetList, Counts } from './contract.ts';
import { notFound } from './problem.ts';
import { readCursor, text, wire, writeCursor } from './wire.ts';

const ASSETS_A_PAGE = 100;

/** The catalog itself: browse, search, one asset, the numbers. */
export const assetRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/assets',
    {
      schema: {
        tags: ['assets'],
        querystring: z.object({
          connection: text(256).optional(),
          kind: z.enum(ASSET_KINDS).optional(),
          parent: text(4096).optional(),
          q: text(500).optional(),
          after: z.string().max(8000).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(ASSETS_A_PAGE),
        }),
        response: { 200: AssetList, ...errors },
      },
    },
    async (request) => {
      const { after, ...query } = request.query;
      const page = await listAssets(sql, organisationOf(request), { ...query, after: readCursor(after, 3) });
      return { items: wire(page.items), next: writeCursor(page.next) };
    },
  );

  routes.get(
    '/api/v1/asset',
    {
      schema: {
        tags: ['assets'],
        querystring: z.object({ key: text(4096) }),
        response: { 200: Asset, ...errors },
      },
    },
    async (request) => {
      const asset = await findAsset(sql, organisationOf(request), request.query.key);
      if (!asset) throw notFound('asset with this key');
      return Asset.parse(wire(asset));
    },
  );

  routes.get(
    '/api/v1/counts',
    {
      schema: {
        tags: ['assets'],
        querystring: z.object({ connection: text(256).optional() }),
        response: { 200: Counts, ...errors },
      },
    },
    (request) => countAll(sql, organisationOf(request), request.query.connection),
  );
};
