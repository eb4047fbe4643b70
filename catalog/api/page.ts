import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { notFound } from './problem.ts';

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Culvert</title>
<h1>The page is not built yet</h1>
<p>Run <code>npm run build:web</code> and start the catalog again. The API works: see
<a href="/api/openapi.json">/api/openapi.json</a>.</p></html>`;

/** Serves the web page; every path that is no file and not part of the API is a place inside the page. */
export const servePage = async (app: FastifyInstance, webRoot: string): Promise<void> => {
  const built = existsSync(join(webRoot, 'index.html'));
  if (built)
    await app.register(fastifyStatic, {
      root: webRoot,
      wildcard: false,
      setHeaders: (reply, path) => {
        // Vite puts a hash of the content into the names below assets/.
        const fixed = /[\\/]assets[\\/]/.test(path);
        reply.header('cache-control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  app.setNotFoundHandler(async (request, reply) => {
    const pathname = URL.parse(request.url, 'http://catalog')?.pathname ?? '/api';
    const inPage = request.method === 'GET' && !/^\/(api|v1|livez|readyz|metrics|assets)(\/|$)/.test(pathname);
    if (!inPage) throw notFound(`${request.method} ${pathname}`);
    if (built) return reply.header('cache-control', 'no-cache').sendFile('index.html');
    return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
  });
};
