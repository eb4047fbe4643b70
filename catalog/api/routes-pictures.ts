import { z } from 'zod';
import { findPicture, listPictures } from '#catalog/store/pictures.ts';
import { PICTURE_SOURCES } from '#protocol/records.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { ApiError, PictureList } from './contract.ts';
import { notFound } from './problem.ts';
import { text, wire } from './wire.ts';

const MOST_PICTURES = 200;

/**
 * A picture comes from an agent, and what it shows from whoever made the sheet: opened by itself it may run nothing, load
 * nothing and reach no page of the catalog.
 */
export const PICTURE_HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'content-disposition': 'inline; filename="picture"',
  // Looked at again each time, so that nobody sees it who logged out; the bytes come only when they changed.
  'cache-control': 'private, no-cache',
} as const;

/** What apps and sheets look like. */
export const pictureRoutes = (routes: Routes, { sql }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/assets/pictures',
    {
      schema: {
        tags: ['assets'],
        description: 'Which pictures there are of an asset and of the sheets directly below it.',
        querystring: z.object({ key: text(4096) }),
        response: { 200: PictureList, ...errors },
      },
    },
    async (request) => ({
      items: wire(await listPictures(sql, organisationOf(request), request.query.key, MOST_PICTURES)),
    }),
  );

  routes.get(
    '/api/v1/assets/picture',
    {
      schema: {
        tags: ['assets'],
        description:
          'A picture itself: SVG drawn by the agent (`layout`, `data`), or what Qlik keeps (`thumbnail`: PNG, JPEG, GIF or WebP). With ETag.',
        querystring: z.object({ key: text(4096), source: z.enum(PICTURE_SOURCES).default('layout') }),
        response: { 200: z.any().describe('The picture'), 304: z.string(), ...errors },
      },
    },
    async (request, reply) => {
      const { key, source } = request.query;
      const picture = await findPicture(sql, organisationOf(request), key, source);
      if (!picture) throw notFound('picture of this asset');
      const etag = `"${picture.hash}"`;
      reply.headers({ ...PICTURE_HEADERS, etag });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send('');
      return reply.type(picture.mediaType).send(picture.content);
    },
  );
};
