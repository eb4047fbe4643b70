import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Fault } from '#protocol/errors.ts';
import { isLoopback } from './guard.ts';

/** The figures of the whole catalog, for those who run it: they tell of all organisations together. */
export interface MetricsAccess {
  /** The text for Prometheus. */
  readonly text: () => Promise<string>;
  /** Who shows it may read from anywhere; undefined: only this machine may. */
  readonly token: string | undefined;
  /** Behind a proxy everybody seems to come from this machine: then only the token counts. */
  readonly behindProxy: boolean;
}

const equal = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const nameOf = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** `GET /metrics`: for this very machine, or with the token of whoever runs the catalog; an API token opens nothing here. */
export const metricsRoute = (app: FastifyInstance, { text, token, behindProxy }: MetricsAccess): void => {
  app.get('/metrics', { schema: { hide: true } } as object, async (request, reply) => {
    const { authorization = '', host = '' } = request.headers;
    const shown = /^Bearer (\S{1,500})$/i.exec(authorization)?.[1];
    const known = token !== undefined && shown !== undefined && equal(shown, token);
    const local = !behindProxy && isLoopback(request.socket.remoteAddress ?? '') && isLoopback(nameOf(host));
    if (!known && !local)
      throw new Fault('api.unauthenticated', 'The figures are for this machine, or for who shows the metrics token.', {
        advice: 'Start the catalog with CULVERT_METRICS_TOKEN, and send its value as bearer.',
      });
    reply.type('text/plain; version=0.0.4; charset=utf-8');
    return await text();
  });
};
