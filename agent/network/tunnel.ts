import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { type ProxyServer, proxyName } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';
import { type Peer, placeOf } from './faults.ts';
import { type ConnectAnswer, connectFault, proxyFault, socksFault } from './proxy-faults.ts';
import { type ProxyLogins, proxyLogins } from './proxy-logins.ts';
import type { TlsTargets } from './tls.ts';

export interface TunnelOptions {
  /** For TLS to an `https` proxy. */
  readonly tls: TlsTargets;
  /** Ends the attempt; an open tunnel is not touched. */
  readonly signal: AbortSignal;
  /** Name, TCP, TLS and the proxy's answer together; and the wait while another attempt tries the same password. */
  readonly timeoutMs: number;
  /** Instead of those of the process. */
  readonly logins?: ProxyLogins;
}

/**
 * A connection to `target` through a proxy, on which nothing was said yet: TLS to the target, if any, is the caller's.
 * The two agents take TLS options in opposite ways (one for the proxy, one for the target), so neither is given the
 * target's: they open the tunnel and nothing else. HTTP proxies are asked with CONNECT also for `http:` targets: one way
 * for requests and WebSockets, and no proxy gets to see or change a request. Names are resolved by the proxy. A user and
 * password that it refused lately are not sent again: see {@link ProxyLogins}.
 *
 * @throws Fault `proxy.…`, or the reason of the signal
 */
export const openTunnel = async (proxy: ProxyServer, target: Peer, options: TunnelOptions): Promise<Socket> => {
  const { signal, timeoutMs } = options;
  signal.throwIfAborted();
  if (Buffer.byteLength(target.host) > 255)
    throw new Fault('config.invalid', 'The host name of the address is longer than 255 bytes');
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    const asked = placeOf({ host: target.host, port: target.port });
    stop.abort(new Fault('proxy.timeout', `${proxyName(proxy)} opened no way to ${asked} within ${timeoutMs} ms`));
  }, timeoutMs);
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
  });
  const socks = proxy.scheme === 'socks5' || proxy.scheme === 'socks4a';
  const dial = (options.logins ?? proxyLogins).dial(proxy, stop.signal, async () => {
    try {
      return socks
        ? await throughSocks(proxy, target, timeoutMs)
        : await throughConnect(proxy, target, options.tls, stop.signal);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw socks ? socksFault(proxy, target, error) : proxyFault(proxy, error);
    }
  });
  dial.then(
    (socket) => {
      // Errors before whoever asked has listeners of its own; they show as the close of the socket.
      socket.on('error', () => undefined);
      if (stop.signal.aborted) socket.destroy();
    },
    () => undefined,
  );
  try {
    return await Promise.race([dial, stopped]);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
};

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const throughConnect = async (
  proxy: ProxyServer,
  target: Peer,
  tls: TlsTargets,
  signal: AbortSignal,
): Promise<Socket> => {
  const { scheme, hostname, port, username, password, extraAuthorities } = proxy;
  // User and password go in a header of our own making: in the agent's URL they would have to survive two decodings.
  const credentials =
    username === undefined && password === undefined
      ? {}
      : {
          'Proxy-Authorization': `Basic ${Buffer.from(`${username ?? ''}:${password?.reveal() ?? ''}`).toString('base64')}`,
        };
  // Loaded when there is a proxy: most agents have none, and what is not loaded takes no memory.
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const agent = new HttpsProxyAgent<string>(`${scheme}://${bracketed(hostname)}:${port}`, {
    ...(scheme === 'https' ? tls.for(hostname, { extraAuthorities }).options : {}),
    signal,
    headers: { 'Proxy-Connection': 'Keep-Alive', ...credentials },
  });
  // The agent tells what the proxy answered by this event only; a refusal it hands over as if the target had spoken.
  const request = new EventEmitter();
  let answer: ConnectAnswer | undefined;
  request.once('proxyConnect', (connect: ConnectAnswer) => {
    answer = connect;
  });
  const socket = await agent.connect(request as unknown as ClientRequest, {
    host: target.host,
    port: target.port,
    secureEndpoint: false,
  });
  if (answer?.statusCode === 200) return socket;
  socket.destroy();
  throw answer === undefined
    ? new Fault('proxy.protocol', `${proxyName(proxy)} gave no answer`)
    : connectFault(proxy, target, answer);
};

const throughSocks = async (proxy: ProxyServer, target: Peer, timeoutMs: number): Promise<Socket> => {
  // `socks5h` and `socks4a`: the name goes to the proxy as it is.
  const url = new URL(
    `${proxy.scheme === 'socks5' ? 'socks5h' : 'socks4a'}://${bracketed(proxy.hostname)}:${proxy.port}`,
  );
  url.username = encodeURIComponent(proxy.username ?? '');
  url.password = encodeURIComponent(proxy.password?.reveal() ?? '');
  const { SocksProxyAgent } = await import('socks-proxy-agent');
  const agent = new SocksProxyAgent(url, { timeout: timeoutMs });
  // It leaves the brackets around an IPv6 address.
  agent.proxy.host = proxy.hostname;
  const socket = await agent.connect(new EventEmitter() as unknown as ClientRequest, {
    host: target.host,
    port: target.port,
    secureEndpoint: false,
  });
  // The agent means its timeout for idle connections as well; those have owners who know when they are idle.
  socket.setTimeout(0);
  socket.removeAllListeners('timeout');
  return socket.setNoDelay();
};
