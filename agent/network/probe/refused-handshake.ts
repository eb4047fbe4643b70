import type { X509Certificate } from 'node:crypto';
import { Fault } from '#protocol/errors.ts';
import { type Peer, placeOf } from '../faults.ts';
import type { Banner } from './banner.ts';
import { day, nameOf } from './certificates.ts';
import type { Handshake } from './handshake.ts';
import type { Wording } from './wording.ts';

export interface HandshakeFailure {
  /** What the error means by itself. */
  readonly said: Fault;
  readonly error: Error;
  readonly peer: Peer;
  readonly strict: Handshake;
  /** How it went with every version and cipher; undefined when that could not be tried. */
  readonly lenient: Handshake | undefined;
  /** The certificate that we show. */
  readonly own: X509Certificate | undefined;
  /** The server hung up when it had seen our certificate, or that there is none. */
  readonly refused: boolean;
  /** What the port says without TLS, when that was asked. */
  readonly banner: Banner | undefined;
  readonly wording: Wording;
  readonly nowMs: number;
}

const OLD: Readonly<Record<string, string>> = { SSLv3: 'SSL 3', TLSv1: 'TLS 1.0', 'TLSv1.1': 'TLS 1.1' };

/** Why a handshake came to nothing for another reason than the server's certificate. */
export const handshakeFault = (failure: HandshakeFailure): Fault => {
  const { said, peer, lenient, banner, wording } = failure;
  const place = placeOf(peer);
  const cause = failure.error;
  if (banner?.speaks !== undefined)
    return new Fault('tls.not_tls', `${place}: the port speaks ${banner.speaks}, not TLS`, {
      cause,
      advice:
        banner.speaks === 'HTTP'
          ? `Check the port in \`${wording.address}\`: HTTPS is on another one (443 in most cases)${wording.speaks === 'connection' ? ', unless the site runs without TLS: then write http://' : ''}.`
          : `Check host and port in \`${wording.address}\`.`,
    });
  // Without our certificate it may end behind the server's: then it got further than the strict one did.
  if (lenient !== undefined && (lenient.error === undefined || (lenient.shown && !failure.strict.shown))) {
    const old = OLD[lenient.protocol];
    if (old !== undefined)
      return new Fault('tls.old_version', `${place}: the server speaks ${old} at most, Culvert TLS 1.2 and 1.3`, {
        cause,
      });
    if (said.code !== 'network.timeout')
      return new Fault(
        'tls.weak',
        `${place}: the server offers only what is too weak (${lenient.protocol}, ${lenient.cipher}): ${textOf(failure)}`,
        { cause },
      );
  }
  if (said.code === 'tls.client_certificate' || failure.refused) return aboutOurs(failure, place);
  if (said.code === 'network.timeout')
    return new Fault(said.code, `${place}: the port takes connections, but does not answer the TLS handshake`, {
      cause,
      advice: 'Check that the port speaks TLS; a firewall that inspects connections stalls them like this.',
    });
  if (said.code === 'network.reset')
    return new Fault(said.code, `${place}: the connection was cut in the TLS handshake`, {
      cause,
      advice:
        'Windows servers do this when no certificate is bound to the port or a client certificate is missing; firewalls do it to names that they block.',
    });
  if (/UNRECOGNIZED_NAME/.test(codeOf(cause)))
    return new Fault('tls.wrong_host', `${place}: the server knows no site of this name`, {
      cause,
      advice: `Use the name that the server knows${wording.speaks === 'connection' ? ' in `connection.url`, or as `connection.alias_host`' : ' in `gateway.url`'}.`,
    });
  return said;
};

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');

const textOf = ({ error }: HandshakeFailure): string =>
  'reason' in error && typeof error.reason === 'string' ? error.reason : (error.message.split('\n')[0] ?? '');

const aboutOurs = (failure: HandshakeFailure, place: string): Fault => {
  const { said, own, error: cause, nowMs, refused } = failure;
  const how = refused ? 'hung up' : `ended the handshake (${textOf(failure)})`;
  if (own === undefined)
    return new Fault(
      'tls.client_certificate_missing',
      /CERTIFICATE_REQUIRED/.test(codeOf(cause))
        ? `${place}: the server demands a client certificate, and none is set`
        : `${place}: the server ${how}, as it does when a client certificate is missing`,
      { cause },
    );
  if (own.validToDate.getTime() < nowMs)
    return new Fault(
      'tls.client_certificate_expired',
      `${place}: the server refuses our client certificate, which expired on ${day(own.validToDate)}`,
      { cause },
    );
  const what = refused ? `${place}: the server hangs up when it sees our client certificate` : said.message;
  return new Fault('tls.client_certificate', `${what}; ours was issued by ${nameOf(own.issuer)}`, { cause });
};
