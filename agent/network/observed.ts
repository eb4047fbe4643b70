import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';

/** What is known of the connections that a pool made. */
export interface Connected {
  /** How many there have been: unchanged, two requests one after the other went over the same one of a pool of one. */
  readonly connections: number;
  /** What the server showed last; undefined without TLS. */
  readonly certificate: X509Certificate | undefined;
}

/** Notes every connection that `connector` makes. */
export class Observed {
  #connections = 0;
  #certificate: X509Certificate | undefined;

  connector(connector: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      connector(options, (...result) => {
        const [error, socket] = result;
        if (error === null) {
          this.#connections += 1;
          // A TLS session that is resumed shows no certificate again: it is that of the session's beginning.
          if (socket instanceof TLSSocket) this.#certificate = socket.getPeerX509Certificate() ?? this.#certificate;
        }
        callback(...result);
      });
    };
  }

  get now(): Connected {
    return { connections: this.#connections, certificate: this.#certificate };
  }
}
