import type { AddressInfo, Server } from 'node:net';
import { createServer, type TlsOptions as ServerOptions } from 'node:tls';
import { type ProbeOptions, probeRoute, type RouteProbe } from '#agent/network/probe/route.ts';
import type { ProbeStep, ProbeStepName } from '#agent/network/probe/step.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import type { Issued } from '../authority.ts';

export const DAY_MS = 86_400_000;
export const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** Servers of one test; closed by it. */
export class Served {
  readonly #closers: (() => void)[] = [];
  /** Bytes that clients sent over TLS: a probe sends none. */
  bytes = 0;

  async listen(server: Server): Promise<number> {
    const sockets = new Set<{ destroy(): void }>();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  /** A TLS server that sends `issued` and then `more` (PEM) as its chain. */
  tls(issued: Issued, more: readonly string[] = [], options: ServerOptions = {}): Promise<number> {
    const cert = [issued.certificate, ...more].join('\n');
    const server = createServer({ cert, key: issued.key, ...options }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (piece: Buffer) => {
        this.bytes += piece.length;
      });
    });
    server.on('tlsClientError', () => undefined);
    return this.listen(server);
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}

export interface ProbeWanted extends ProbeOptions {
  readonly tls?: TlsOptions;
  readonly aliasHost?: string;
  readonly proxy?: ProxyChoice;
}

export const probe = (origin: string, { tls, aliasHost, proxy, ...options }: ProbeWanted = {}): Promise<RouteProbe> =>
  probeRoute({ origin, tls, aliasHost, proxy }, options);

export const stepOf = ({ steps }: RouteProbe, name: ProbeStepName): ProbeStep => {
  const found = steps.find((step) => step.name === name);
  if (found === undefined) throw new Error(`there is no step ${name}`);
  return found;
};

/** `dns pass, tcp pass, proxy skip, tls fail`. */
export const statuses = ({ steps }: RouteProbe): string =>
  steps.map(({ name, status }) => `${name} ${status}`).join(', ');

/** The TLS step's verdict, in one line: code, what was seen, what to do. */
export const verdict = (found: RouteProbe): string => {
  const { fault, seen } = stepOf(found, 'tls');
  return `${fault?.code ?? 'none'} | ${seen} | ${fault?.advice ?? ''}`;
};
