import type { Route } from '#agent/network/dialer.ts';
import { type ProbeOptions, probeRoute, type RouteProbe } from '#agent/network/probe/route.ts';
import type { ProbeStep, ProbeStepName } from '#agent/network/probe/step.ts';
import { engineRoute, proxyServiceRoute, repositoryRoute } from '#agent/qlik/auth/credentials.ts';
import type { CheckId } from '#protocol/checks.ts';
import { type ErrorInfo, errorInfo } from '#protocol/errors.ts';
import type { Check, Finding } from '../check.ts';
import type { Visit } from '../visit.ts';

/** A server that the connection needs. */
interface Server {
  readonly name: string;
  readonly route: Route;
  /** What an administrator of the network has to open. */
  readonly opening: string | undefined;
}

/** The servers of a connection, in the order in which they are needed. */
const serversOf = ({ connection, direct }: Visit): readonly Server[] => {
  const proxy = { name: 'proxy', route: repositoryRoute(connection), opening: undefined };
  const own = connection.authentication;
  if (direct) {
    const assumed =
      connection.repositoryAssumed === true
        ? ' The port of the repository is assumed: the file names only that of the engine.'
        : '';
    const opening = `With client certificates this machine must reach the repository (4242) and the engine (4747).${assumed}`;
    return [
      { name: 'repository', route: repositoryRoute(connection), opening },
      { name: 'engine', route: engineRoute(connection), opening },
    ];
  }
  if (own.type !== 'ticket') return [proxy];
  const opening = 'With tickets this machine must reach the proxy service (4243), too (auth.proxy_service_url).';
  return [proxy, { name: 'proxy service', route: proxyServiceRoute(connection, own), opening }];
};

const LAYERS = ['dns', 'tcp', 'proxy', 'tls'] as const satisfies readonly ProbeStepName[];

/** The walk to one server, as far as it came. */
interface Walk {
  readonly server: Server;
  readonly step: (name: ProbeStepName) => Promise<ProbeStep>;
  readonly end: Promise<RouteProbe>;
}

/** What was found on the ways of one visit. */
export class Walks {
  readonly #options: ProbeOptions;
  #walks: readonly Walk[] | undefined;

  constructor(options: ProbeOptions = {}) {
    this.#options = options;
  }

  /** Begins all walks at the first call: they go side by side, and each check waits for its own step of each. */
  begin(visit: Visit, signal: AbortSignal): readonly Walk[] {
    this.#walks ??= serversOf(visit).map((server) => {
      const waiting = new Map(LAYERS.map((name) => [name, Promise.withResolvers<ProbeStep>()]));
      const end = probeRoute(server.route, {
        ...this.#options,
        signal,
        onStep: (step) => waiting.get(step.name)?.resolve(step),
      });
      end.catch((error: unknown) => {
        for (const { promise, reject } of waiting.values()) {
          promise.catch(() => undefined);
          reject(error);
        }
      });
      return {
        server,
        end,
        step: (name) => waiting.get(name)?.promise ?? Promise.reject(new RangeError(name)),
      };
    });
    return this.#walks;
  }

  /** Certificates that a person may want to trust, with the server that showed them. */
  async untrusted(): Promise<readonly { readonly place: string; readonly probe: RouteProbe }[]> {
    const found: { place: string; probe: RouteProbe }[] = [];
    for (const { server, end } of this.#walks ?? []) {
      const probe = await end.catch(() => undefined);
      if (probe?.authority !== undefined) found.push({ place: new URL(server.route.origin).host, probe });
    }
    return found;
  }
}

const NOUNS: Readonly<Record<ProbeStepName, string>> = {
  dns: 'resolving the name',
  tcp: 'connecting',
  proxy: 'the way through the proxy',
  tls: 'TLS',
};

const OF_THE_WAY = /^network\.(?:refused|timeout|unreachable)$/;

const failure = (step: ProbeStep, { opening }: Server): ErrorInfo => {
  const fault = step.fault ?? errorInfo('internal', step.seen);
  const more = opening !== undefined && OF_THE_WAY.test(fault.code) ? ` ${opening}` : '';
  return { code: fault.code, message: step.seen, retryable: fault.retryable, advice: `${fault.advice}${more}` };
};

/** The steps of one layer as one finding: the first that failed, else what was seen of each server. */
const together = (steps: readonly { readonly server: Server; readonly step: ProbeStep }[]): Finding => {
  const broken = steps.find(({ step }) => step.status === 'fail');
  const details = (only?: ProbeStep): readonly string[] =>
    steps.flatMap(({ server, step }) =>
      steps.length === 1 || step === only
        ? step.details
        : [`${server.name}: ${step.status === 'skip' ? 'not tried' : step.seen}`, ...step.details],
    );
  if (broken !== undefined)
    return { status: 'fail', fault: failure(broken.step, broken.server), details: details(broken.step) };
  const seen = [...new Set(steps.map(({ step }) => step.seen))].join(' ');
  if (steps.every(({ step }) => step.status === 'skip')) return { status: 'skip', seen };
  const note = steps.find(({ step }) => step.fault !== undefined)?.step.fault;
  return {
    status: 'pass',
    seen,
    details: [...new Set(details())],
    ...(note === undefined ? {} : { note: { code: note.code, advice: note.advice } }),
  };
};

/** DNS, TCP, the proxy on the way and TLS, for every server that the connection needs. */
export const networkChecks = (walks: Walks): readonly Check<Visit, CheckId>[] =>
  LAYERS.map((id, index) => ({
    id,
    noun: NOUNS[id],
    needs: ['secrets', ...LAYERS.slice(0, index)],
    deadlineMs: 70_000,
    run: async (visit, signal) => {
      const steps: { server: Server; step: ProbeStep }[] = [];
      for (const { server, step } of walks.begin(visit, signal)) steps.push({ server, step: await step(id) });
      return together(steps);
    },
  }));
