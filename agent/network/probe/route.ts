import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { describeWay, type ProxyServer, proxyFor, proxyName } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';
import type { Route } from '../dialer.ts';
import { placeOf } from '../faults.ts';
import { peerThrough } from '../proxied.ts';
import { TlsTargets } from '../tls.ts';
import { openTunnel } from '../tunnel.ts';
import { probeAddresses } from './addresses.ts';
import { probeNames } from './names.ts';
import { aboutProxy } from './proxy-security.ts';
import { probeTls } from './security.ts';
import { failed, type ProbeStep, type ProbeStepName, passed, type StepResult, skipped } from './step.ts';
import { type ProbeSystem, thisMachine } from './system.ts';
import { type Speaks, wordingFor } from './wording.ts';

export interface ProbeOptions {
  /** Whose settings advice names. Default `connection`. */
  readonly speaks?: Speaks;
  /** Called with each step as soon as it is known. */
  readonly onStep?: (step: ProbeStep) => void;
  readonly signal?: AbortSignal | undefined;
  /** For DNS. Default 10 s. */
  readonly namesMs?: number;
  /** For TCP, the proxy's answer and TLS, each. Default 15 s, as the Dialer has it. */
  readonly timeoutMs?: number;
  /** How far this machine's clock is known to be ahead of others (negative: behind), to explain dates of certificates. */
  readonly aheadMs?: number | undefined;
  /**
   * May knock at the server without the proxy that leads to it, to see whether it shows another certificate there: only
   * for a person at this machine, who may be asked what was dialled, and is told as whom we log in at the proxy. Default false.
   */
  readonly pastProxy?: boolean;
  /** Instead of the machine's own resolver, sockets and clock. */
  readonly system?: ProbeSystem;
}

/** What a walk along a route found. */
export interface RouteProbe {
  /** All four, in order; after one that failed the others are skipped. */
  readonly steps: readonly ProbeStep[];
  /** As the server sent it, the leaf first; empty without TLS. */
  readonly chain: readonly X509Certificate[];
  /**
   * The certificate to trust after a review, when nothing but that is missing: the root or the highest one that the
   * server sent. Undefined when the chain is fine, or wrong in another way.
   */
  readonly authority: X509Certificate | undefined;
  /** Who showed the chain, when that was the proxy for itself and not the server: `host:port`. */
  readonly shownBy?: string;
}

const NAMES_MS = 10_000;
const STEP_MS = 15_000;

/**
 * Walks the way to a server step by step: DNS, TCP, proxy, TLS, with the trust and the tunnels of the Dialer, so that
 * what it says is what requests will meet. Nothing but handshakes is sent. One cause gives one `fail`; what depends on it
 * is skipped.
 * @throws the signal's reason
 */
export const probeRoute = async (route: Route, options: ProbeOptions = {}): Promise<RouteProbe> => {
  const url = new URL(route.origin);
  const walk = new Walk(route, url, options);
  await walk.dns();
  await walk.tcp();
  const tunnel = await walk.proxy();
  try {
    return await walk.tls(tunnel);
  } finally {
    tunnel?.destroy();
  }
};

class Walk {
  readonly #route: Route;
  readonly #url: URL;
  readonly #options: ProbeOptions;
  readonly #proxy: ProxyServer | undefined;
  readonly #system: ProbeSystem;
  readonly #targets = new TlsTargets();
  readonly #steps: ProbeStep[] = [];
  #found: Omit<RouteProbe, 'steps'> = { chain: [], authority: undefined };
  #addresses: Awaited<ReturnType<typeof probeNames>>['addresses'] = [];

  constructor(route: Route, url: URL, options: ProbeOptions) {
    this.#route = route;
    this.#url = url;
    this.#options = options;
    this.#proxy = proxyFor(route.proxy, url);
    this.#system = options.system ?? thisMachine;
  }

  get #asked() {
    return {
      peer: peerThrough(this.#url, this.#proxy),
      proxy: this.#proxy,
      system: this.#system,
      wording: wordingFor(this.#options.speaks ?? 'connection'),
      signal: this.#options.signal,
      timeoutMs: this.#options.timeoutMs ?? STEP_MS,
    };
  }

  async dns(): Promise<void> {
    await this.#step('dns', async () => {
      const { result, addresses } = await probeNames({
        ...this.#asked,
        timeoutMs: this.#options.namesMs ?? NAMES_MS,
      });
      this.#addresses = addresses;
      return result;
    });
  }

  async tcp(): Promise<void> {
    await this.#step('tcp', () => probeAddresses({ ...this.#asked, addresses: this.#addresses }));
  }

  /** The tunnel, when there is one. */
  async proxy(): Promise<Socket | undefined> {
    let tunnel: Socket | undefined;
    await this.#step('proxy', async () => {
      const proxy = this.#proxy;
      if (proxy === undefined) {
        const way = describeWay(this.#route.proxy, this.#route.origin);
        return skipped(way === 'directly' ? 'There is no proxy on the way.' : `No proxy on the way: ${way}.`);
      }
      const startMs = this.#system.nowMs();
      try {
        tunnel = await this.#tunnel(proxy);
      } catch (error) {
        if (!(error instanceof Fault) || !error.code.startsWith('proxy.tls_')) throw error;
        const { result, ...found } = await aboutProxy(proxy, error, this.#asked);
        this.#found = found;
        return result;
      }
      const took = Math.max(0, Math.round(this.#system.nowMs() - startMs));
      const who =
        proxy.username === undefined
          ? 'without a log-in'
          : this.#options.pastProxy === true
            ? `as ${proxy.username}`
            : 'with a log-in';
      const target = placeOf({ host: this.#asked.peer.host, port: this.#asked.peer.port });
      return passed(`The ${proxyName(proxy)} opened a tunnel to ${target} ${who} (${took} ms).`, [
        `named by ${proxy.from}`,
      ]);
    });
    return tunnel;
  }

  async tls(first: Socket | undefined): Promise<RouteProbe> {
    let spare = first;
    await this.#step('tls', async () => {
      if (this.#url.protocol === 'http:') return skipped('The address asks for no TLS.');
      const proxy = this.#proxy;
      const asked = this.#asked;
      const { result, chain, authority } = await probeTls({
        ...asked,
        name: this.#route.aliasHost ?? asked.peer.host,
        tls: this.#route.tls ?? {},
        targets: this.#targets,
        aheadMs: this.#options.aheadMs,
        pastProxy: this.#options.pastProxy === true,
        open: async () => {
          const tunnel = spare;
          spare = undefined;
          if (proxy === undefined || tunnel !== undefined) return tunnel;
          return await this.#tunnel(proxy);
        },
      });
      this.#found = { chain, authority };
      return result;
    });
    return { steps: this.#steps, ...this.#found };
  }

  #tunnel(proxy: ProxyServer): Promise<Socket> {
    const { peer, signal, timeoutMs } = this.#asked;
    return openTunnel(proxy, peer, {
      tls: this.#targets,
      signal: signal ?? new AbortController().signal,
      timeoutMs,
    });
  }

  async #step(name: ProbeStepName, work: () => Promise<StepResult>): Promise<void> {
    const broken = this.#steps.find(({ status }) => status === 'fail');
    const startMs = performance.now();
    let result: StepResult;
    if (broken !== undefined) result = skipped(`Not tried: ${broken.name} failed.`);
    else {
      try {
        result = await work();
      } catch (error) {
        if (this.#options.signal?.aborted === true) throw this.#options.signal.reason;
        if (!(error instanceof Fault)) throw error;
        result = failed(this.#asked.wording.of(error));
      }
    }
    const step = { name, ...result, durationMs: Math.round(performance.now() - startMs) };
    this.#steps.push(step);
    this.#options.onStep?.(step);
  }
}
