import type { createConnection, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buildConnector } from 'undici';
import { type ProxyServer, proxyName } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';
import { type Peer, peerOf, placeOf } from './faults.ts';
import type { TlsTarget, TlsTargets } from './tls.ts';
import { openTunnel } from './tunnel.ts';

/** Name, TCP and TLS to the proxy, and its answer. */
const TUNNEL_MS = 15_000;

/** A way to one server through one proxy. */
export interface ProxiedWay {
  readonly proxy: ProxyServer;
  readonly peer: Peer;
  /** TLS to the server; undefined for `http:` and `ws:`. */
  readonly tls: TlsTarget | undefined;
  /** Where TLS to an `https` proxy is kept. */
  readonly targets: TlsTargets;
  /** Ends what is still connecting. */
  readonly signal: AbortSignal;
}

/** How far a WebSocket behind a proxy came: its lateness means another thing at each. */
export type Stage = 'proxy' | 'tls' | 'upgrade';

/** The other end of a connection, with the proxy on the way. */
export const peerThrough = (url: URL, proxy: ProxyServer | undefined): Peer => ({
  ...peerOf(url),
  ...(proxy === undefined ? {} : { via: proxyName(proxy) }),
});

const tunnelOf = ({ proxy, peer, targets, signal }: ProxiedWay): Promise<Socket> =>
  openTunnel(proxy, peer, { tls: targets, signal, timeoutMs: TUNNEL_MS });

/** What undici calls for each connection of a pool, which then stays one connection: a log-in may be tied to it. */
export const pooledThrough = (way: ProxiedWay): buildConnector.connector => {
  const secure = way.tls && buildConnector({ ...way.tls.options, timeout: TUNNEL_MS });
  return (options, callback) => {
    tunnelOf(way).then(
      (socket) => {
        if (secure === undefined) callback(null, socket.setNoDelay());
        else secure({ ...options, httpSocket: socket }, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
};

/** What ws calls for its one connection. `onStage` tells when the next stage was reached. */
export const socketThrough = (way: ProxiedWay, onStage: (stage: Stage) => void): typeof createConnection => {
  const { peer, tls } = way;
  const connect = (_options: unknown, connected: (error: Error | null, socket?: Duplex) => void): undefined => {
    tunnelOf(way).then(
      (tunnel) => {
        onStage(tls === undefined ? 'upgrade' : 'tls');
        connected(
          null,
          tls?.connect(peer.host, peer.port, tunnel).once('secureConnect', () => onStage('upgrade')) ?? tunnel,
        );
      },
      (error: Error) => connected(error),
    );
  };
  // ws hands this to node's http, which also takes a function that answers later; the types of ws do not know that.
  return connect as unknown as typeof createConnection;
};

/** The upgrade came to nothing with a proxy on the way, which is the usual reason. */
export const upgradeBlocked = (peer: Peer, seen: string): Fault =>
  new Fault('proxy.upgrade_blocked', `${placeOf(peer)}: the tunnel stands, but ${seen}: the proxy seems to inspect it`);

/** What it means that a WebSocket did not open in time; `stage` is undefined without a proxy. */
export const lateFault = (peer: Peer, stage: Stage | undefined, timeoutMs: number): Fault => {
  switch (stage) {
    case 'proxy':
      return new Fault('proxy.timeout', `${placeOf(peer)}: the proxy opened no way within ${timeoutMs} ms`);
    case 'upgrade':
      return upgradeBlocked(peer, `the WebSocket upgrade was not answered within ${timeoutMs} ms`);
    case 'tls':
    case undefined:
      return new Fault('network.timeout', `${placeOf(peer)}: the WebSocket did not open within ${timeoutMs} ms`);
    default:
      return stage satisfies never;
  }
};

/**
 * True for answers to an upgrade that a server gives when the Upgrade header did not reach it: 426, or 200 with anything
 * but a page (which is a log-in page, and the server's own).
 */
export const looksStripped = (status: number, contentType: string | undefined): boolean =>
  status === 426 || (status === 200 && !/^\s*(?:text\/html|application\/xhtml)/i.test(contentType ?? ''));
