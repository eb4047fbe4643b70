import type { EventLoop } from './event-loop.ts';
import type { AgentFacts } from './facts.ts';
import type { HealthAnswer, HealthRoutes } from './health-server.ts';
import type { AgentMetrics } from './metrics.ts';

const answer = (why: string | undefined | null): HealthAnswer => ({
  status: why === undefined || why === null ? 200 : 503,
  type: 'text',
  body: `${why ?? 'ok'}\n`,
});

/** What the agent answers on loopback. */
export const endpoints = (
  facts: () => Promise<AgentFacts>,
  metrics: Pick<AgentMetrics, 'text'>,
  eventLoop: Pick<EventLoop, 'whyStuck'>,
): HealthRoutes => ({
  '/livez': () => answer(eventLoop.whyStuck()),
  '/readyz': async () => answer((await facts()).notReady),
  '/metrics': async () => ({ status: 200, type: 'prometheus', body: await metrics.text() }),
  '/statusz': async () => ({ status: 200, type: 'json', body: `${JSON.stringify(await facts(), null, 2)}\n` }),
});
