import type { Change } from '#catalog/store/events.ts';
import { Fault } from '#protocol/errors.ts';
import { type ApiContext, organisationOf, type Routes } from './context.ts';
import { authenticate } from './guard.ts';

const STREAMS_PER_ORGANISATION = 100;
/** Changes of one thing within this time are told once: a crawl changes its job many times a second. */
const GATHER_MS = 200;
const HEARTBEAT_MS = 15_000;
/** A page that does not read is cut off; it comes back and reads everything anew. */
const MOST_UNSENT_BYTES = 256 * 1024;

/** `GET /api/v1/events`: what changes in the organisation, as server-sent events. */
export const eventRoutes = (routes: Routes, { sql, bus, secure }: ApiContext): void => {
  const open = new Map<string, number>();
  const ends = new Set<() => void>();
  routes.addHook('preClose', async () => {
    for (const end of ends) end();
  });

  routes.get('/api/v1/events', { schema: { tags: ['events'] } }, (request, reply) => {
    const organisation = organisationOf(request);
    const streams = open.get(organisation) ?? 0;
    if (streams >= STREAMS_PER_ORGANISATION) throw new Fault('api.busy', 'Too many pages are open.');
    open.set(organisation, streams + 1);
    const raw = reply.raw;
    const waiting = new Map<string, Change>();
    let flushing: NodeJS.Timeout | undefined;

    const write = (text: string): void => {
      if (raw.writableLength > MOST_UNSENT_BYTES) end();
      else raw.write(text);
    };
    const flush = (): void => {
      flushing = undefined;
      let text = '';
      for (const change of waiting.values()) text += `event: ${change.name}\ndata: ${JSON.stringify(change)}\n\n`;
      waiting.clear();
      write(text);
    };
    const stop = bus.onChange(organisation, (change) => {
      waiting.set(JSON.stringify(change), change);
      flushing ??= setTimeout(flush, GATHER_MS);
    });
    const heartbeat = setInterval(() => {
      write(': still here\n\n');
      // A login that has ended, or a deleted token, sees nothing more.
      authenticate(sql, request, secure).catch((error: unknown) => {
        if (error instanceof Fault) end();
      });
    }, HEARTBEAT_MS);
    const end = (): void => {
      stop();
      clearInterval(heartbeat);
      clearTimeout(flushing);
      if (ends.delete(end)) {
        const left = (open.get(organisation) ?? 1) - 1;
        if (left > 0) open.set(organisation, left);
        else open.delete(organisation);
      }
      raw.end();
    };
    ends.add(end);
    raw.once('close', end);
    raw.on('error', end);

    reply.hijack();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write('retry: 2000\n: changes follow\n\n');
  });
};
