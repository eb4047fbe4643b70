import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, createSecureContext, type TLSSocket } from 'node:tls';
import type { TlsOptions } from '../tls.ts';

/** A server that sends no session ticket is believed after this long; one that refuses us says so sooner. */
const ACCEPTED_MS = 1_000;
/** With TLS 1.2 our certificate is judged within the handshake, but some servers hang up only after it. */
const KEPT_MS = 150;
const MAX_CHAIN = 10;

/** How one TLS handshake went. Nothing is ever sent over the connection. */
export interface Handshake {
  /** Why it failed; undefined when it stood. */
  readonly error: Error | undefined;
  /** It stood for a moment at least. */
  readonly stood: boolean;
  /** It got as far as the server's certificate. */
  readonly shown: boolean;
  /** The server's certificate was checked and found good, whatever became of the handshake then. */
  readonly trusted: boolean;
  /** What the server sent, in its order, the leaf first; empty when it came to nothing before. */
  readonly chain: readonly X509Certificate[];
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn: string;
}

const chainOf = (socket: TLSSocket): X509Certificate[] => {
  const chain: X509Certificate[] = [];
  for (
    let next: X509Certificate | undefined = socket.getPeerX509Certificate();
    next !== undefined && chain.length < MAX_CHAIN;
    next = next.issuerCertificate
  )
    if (chain.at(-1)?.fingerprint256 === next.fingerprint256) break;
    else chain.push(next);
  return chain;
};

/** What a server's certificate is worth, in the middle of a handshake: undefined when it is good. */
export type Judge = (socket: TLSSocket) => Error | undefined;

/**
 * Node tells it only when the handshake stands, which one without a client certificate may never do; this is what node
 * asks itself then. Where it cannot be asked, nothing is taken for good.
 */
export const strictly =
  (host: string, { verifyHostName }: TlsOptions): Judge =>
  (socket) => {
    const { ssl } = socket as unknown as { readonly ssl?: { readonly verifyError?: () => Error | null | undefined } };
    if (ssl?.verifyError === undefined) return new Error('the certificate of the server cannot be judged');
    const error = ssl.verifyError() ?? undefined;
    if (error !== undefined || verifyHostName === false) return error;
    return checkServerIdentity(host, socket.getPeerCertificate());
  };

/**
 * Waits until a handshake stands or fails, then closes the socket. With TLS 1.3 a server refuses a client certificate
 * only after our side of the handshake is done: its first word is waited for, a second at most.
 * @throws the signal's reason
 */
export const shake = (
  socket: TLSSocket,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  judge?: Judge,
): Promise<Handshake> =>
  new Promise((resolve, reject) => {
    let seen: Omit<Handshake, 'error'> = {
      stood: false,
      shown: false,
      trusted: false,
      chain: [],
      protocol: '',
      cipher: '',
      alpn: '',
    };
    /** Why the server is not trusted: counts for more than how it ended the handshake. */
    let distrust: Error | undefined;
    let accepted: NodeJS.Timeout | undefined;
    const finish = (error: Error | undefined): void => {
      clearTimeout(timer);
      clearTimeout(accepted);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve({ ...seen, error: error === undefined ? undefined : (distrust ?? error) });
    };
    const onAbort = (): void => {
      // First: of two ends the first counts.
      reject(signal?.reason);
      finish(undefined);
    };
    const timer = setTimeout(
      () =>
        finish(Object.assign(new Error(`no answer to the TLS handshake in ${timeoutMs} ms`), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    // Kept for the life of the socket: what comes after the end has nobody to tell.
    socket.on('error', (error) => finish(error));
    socket.once('close', () => finish(Object.assign(new Error('closed in the TLS handshake'), { code: 'ECONNRESET' })));
    // Before TLS 1.3 a server that demands a client certificate ends the handshake before it stands: its own certificate
    // came before the keys were made. Node gives the chain away only once, and wants it for its own check.
    socket.on('keylog', () => {
      if (seen.shown || socket.getProtocol() === 'TLSv1.3') return;
      distrust = judge?.(socket);
      seen = {
        ...seen,
        shown: true,
        trusted: judge !== undefined && distrust === undefined,
        chain: judge === undefined ? chainOf(socket) : [],
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
      };
    });
    socket.once('secureConnect', () => {
      seen = {
        stood: true,
        shown: true,
        trusted: socket.authorized,
        chain: seen.chain.length > 0 ? seen.chain : chainOf(socket),
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
        alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      };
      accepted = setTimeout(() => finish(undefined), seen.protocol === 'TLSv1.3' ? ACCEPTED_MS : KEPT_MS);
    });
    socket.on('session', () => {
      // With TLS 1.2 the ticket comes within the handshake, and a server that checks later has not done so yet.
      if (accepted !== undefined && seen.protocol === 'TLSv1.3') finish(undefined);
    });
    // Without a reader neither a ticket nor a refusal is noticed.
    socket.resume();
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });

/**
 * A connection on which only the handshake is looked at: any certificate, any version from TLS 1.0 on, any cipher. What
 * the server shows with it tells why the true handshake failed. Nobody knows who that is: a client certificate is never
 * shown.
 */
export const lenientSocket = (
  name: string,
  way: { readonly host: string; readonly port: number; readonly tunnel: Socket | undefined },
): TLSSocket =>
  connect({
    host: way.host,
    port: way.port,
    ...(way.tunnel === undefined ? {} : { socket: way.tunnel }),
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: false,
    secureContext: createSecureContext({
      ca: [],
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
    }),
  });
