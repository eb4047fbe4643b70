import type { Route } from '#agent/network/dialer.ts';
import { engineRoute, proxyServiceRoute, repositoryRoute } from '#agent/qlik/auth/credentials.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, type Fault } from '#protocol/errors.ts';
import { type Check, fail, pass, skip } from '../check.ts';
import type { Visit } from '../visit.ts';

/** A server that the connection needs. */
interface Server {
  readonly name: string;
  readonly route: Route;
}

/** The servers of a connection, in the order in which they are needed. */
export const serversOf = ({ connection, direct }: Visit): readonly Server[] => {
  const own = connection.authentication;
  if (direct)
    return [
      { name: 'repository', route: repositoryRoute(connection) },
      { name: 'engine', route: engineRoute(connection) },
    ];
  const proxy = { name: 'proxy', route: repositoryRoute(connection) };
  return own.type === 'ticket'
    ? [proxy, { name: 'proxy service (tickets)', route: proxyServiceRoute(connection, own) }]
    : [proxy];
};

const LAYERS = ['dns', 'tcp', 'proxy', 'tls'] as const;
type Layer = (typeof LAYERS)[number];

const layerOf = ({ code }: Fault): Layer =>
  code.startsWith('proxy.')
    ? 'proxy'
    : code.startsWith('tls.')
      ? 'tls'
      : code.startsWith('network.dns')
        ? 'dns'
        : 'tcp';

const reached = new WeakMap<Visit, Promise<ReadonlyMap<Server, Fault | undefined>>>();

const reach = (visit: Visit, signal: AbortSignal): Promise<ReadonlyMap<Server, Fault | undefined>> => {
  const known = reached.get(visit);
  if (known !== undefined) return known;
  const all = (async () => {
    const found = new Map<Server, Fault | undefined>();
    for (const server of serversOf(visit)) {
      try {
        await visit.dialer.request(server.route, { path: '/', signal, headersTimeoutMs: 30_000 });
        found.set(server, undefined);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        found.set(server, asFault(error));
      }
    }
    return found;
  })();
  reached.set(visit, all);
  return all;
};

const NOUNS: Readonly<Record<Layer, string>> = {
  dns: 'resolving the name',
  tcp: 'connecting',
  proxy: 'the way through the proxy',
  tls: 'TLS',
};

const layer = (id: Layer): Check<Visit, CheckId> => ({
  id,
  noun: NOUNS[id],
  needs: ['secrets', ...LAYERS.slice(0, LAYERS.indexOf(id))],
  deadlineMs: 60_000,
  run: async (visit, signal) => {
    const found = await reach(visit, signal);
    const details: string[] = [];
    for (const [{ name, route }, fault] of found) {
      if (fault !== undefined && layerOf(fault) === id) return fail(fault, details);
      details.push(`${name}: ${new URL(route.origin).host}`);
    }
    if (id === 'proxy' && visit.connection.proxy === undefined) return skip('there is no proxy on the way');
    return pass(details.join(', '));
  },
});

export const network: readonly Check<Visit, CheckId>[] = LAYERS.map(layer);
