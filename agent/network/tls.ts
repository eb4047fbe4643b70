import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';

/** How far a server is trusted, and what we show it. */
export interface TlsOptions {
  /** PEM texts of authorities to trust besides the default roots; an intermediate or the server's own will do. */
  readonly extraAuthorities?: readonly string[];
  /** True: the default roots are not trusted, only what the other options name. Default false. */
  readonly replaceDefaultRoots?: boolean;
  /** True: the authorities of the operating system are trusted, too. Default false. */
  readonly systemAuthorities?: boolean;
  /** False: any name in the certificate will do. Default true. */
  readonly verifyHostName?: boolean;
  /** True: no check of the certificate at all. Default false. */
  readonly bypassCertificateValidation?: boolean;
  /** PEM texts of a client certificate (with its chain) and its private key. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: Secret };
}

export type TlsSettings = Pick<
  ConnectionOptions,
  'secureContext' | 'servername' | 'rejectUnauthorized' | 'checkServerIdentity' | 'ALPNProtocols'
>;

/** What `tls.connect` needs to reach one server under one set of {@link TlsOptions}. */
export interface TlsTarget {
  readonly options: TlsSettings;
  /**
   * Opens a socket, or speaks TLS through `tunnel`; resumes the last TLS session with the same target, which spares both
   * ends a signature.
   */
  connect(host: string, port: number, tunnel?: Socket): TLSSocket;
}

/** How many authorities are trusted, by where they come from. */
export interface TrustInForce {
  /** The default roots: those of node, with NODE_EXTRA_CA_CERTS; undefined when they are replaced. */
  readonly defaults: number | undefined;
  /** Of the operating system; undefined when they are not asked for. */
  readonly system: number | undefined;
  /** Named by the file. */
  readonly extra: number;
}

/** Which authorities decide about a server under these options. Reads the stores, which may take some 100 ms. */
export const trustInForce = (tls: TlsOptions): TrustInForce => ({
  defaults: tls.replaceDefaultRoots === true ? undefined : getCACertificates('default').length,
  system: tls.systemAuthorities === true ? getCACertificates('system').length : undefined,
  extra: (tls.extraAuthorities ?? []).length,
});

/** The authorities that are trusted under these options, as PEM. */
export const trustedAuthorities = (tls: TlsOptions): readonly string[] =>
  authorities(tls) ?? getCACertificates('default');

/** Who is trusted; undefined for the default roots alone. An empty list trusts nobody. */
const authorities = (tls: TlsOptions): string[] | undefined => {
  const extra = tls.extraAuthorities ?? [];
  const replace = tls.replaceDefaultRoots === true;
  const system = tls.systemAuthorities === true;
  if (extra.length === 0 && !replace && !system) return undefined;
  // Naming any replaces the default roots: name them again. They follow NODE_EXTRA_CA_CERTS and --use-system-ca.
  return [...(replace ? [] : getCACertificates('default')), ...(system ? getCACertificates('system') : []), ...extra];
};

const buildContext = (tls: TlsOptions): SecureContext => {
  try {
    const ca = authorities(tls);
    return createSecureContext({
      ...(ca === undefined ? {} : { ca, allowPartialTrustChain: true }),
      ...(tls.clientCertificate === undefined
        ? {}
        : { cert: tls.clientCertificate.certificate, key: tls.clientCertificate.key.reveal() }),
      minVersion: 'TLSv1.2',
    });
  } catch (error) {
    throw new Fault(
      tls.clientCertificate === undefined ? 'tls.untrusted' : 'tls.client_certificate',
      `A certificate or key of the connection is unusable: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
};

/**
 * Targets by server and trust. A secure context costs some milliseconds and half a megabyte (it holds every root), and a
 * crawl opens a socket an app: contexts are made once. Bounded: the oldest goes when more than 32 are known.
 */
export class TlsTargets {
  readonly #known = new Map<string, TlsTarget>();

  /** `name` is the name for SNI and the certificate check: the alias if there is one, else the host that is dialled. */
  for(name: string, tls: TlsOptions): TlsTarget {
    const key = createHash('sha256')
      .update(
        JSON.stringify([
          name,
          tls.extraAuthorities ?? [],
          tls.replaceDefaultRoots === true,
          tls.systemAuthorities === true,
          tls.verifyHostName !== false,
          tls.bypassCertificateValidation === true,
          tls.clientCertificate?.certificate ?? '',
          tls.clientCertificate?.key.reveal() ?? '',
        ]),
      )
      .digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const target = makeTarget(name, tls);
    this.#known.set(key, target);
    if (this.#known.size > 32) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return target;
  }
}

const makeTarget = (name: string, tls: TlsOptions): TlsTarget => {
  const options: TlsSettings = {
    secureContext: buildContext(tls),
    // SNI may not carry an address (RFC 6066); the certificate check then uses the host that was dialled.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: tls.bypassCertificateValidation !== true,
    ...(tls.verifyHostName === false ? { checkServerIdentity: () => undefined } : {}),
    ALPNProtocols: ['http/1.1'],
  };
  let session: Buffer | undefined;
  return {
    options,
    connect: (host, port, tunnel) => {
      const socket = connect({
        ...options,
        host,
        port,
        ...(tunnel === undefined ? {} : { socket: tunnel }),
        ...(session === undefined ? {} : { session }),
      });
      socket.on('session', (ticket: Buffer) => {
        session = ticket;
      });
      // A server that forgot its tickets must not be offered the same one for ever.
      socket.once('error', () => {
        session = undefined;
      });
      return socket;
    },
  };
};
