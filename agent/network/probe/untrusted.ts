import { X509Certificate } from 'node:crypto';
import { type ErrorCode, Fault } from '#protocol/errors.ts';
import { commonName, isSelfSigned, issuerAddress, nameOf, organisationOf } from './certificates.ts';
import { inspectorOf } from './inspectors.ts';
import type { Wording } from './wording.ts';

export interface UntrustedAsked {
  /** Of what was served, the leaf and each one's issuer; at least the leaf. */
  readonly chain: readonly X509Certificate[];
  /** `host:port` for the message. */
  readonly place: string;
  /** Authorities that are trusted, as PEM. */
  readonly trusted: readonly string[];
  /** The handshake stands when the authorities of the operating system are trusted, too. */
  readonly systemWould: boolean;
  /** What was shown to somebody who asked without the proxy; undefined when nobody did or none came. */
  readonly direct: X509Certificate | undefined;
  readonly wording: Wording;
}

const SAVE = '`culvert doctor --save-ca FILE` writes it for a review';

/**
 * Why nobody vouches for a chain: made up by an inspecting proxy, self-signed, trusted by the operating system only,
 * without its intermediate certificate, or from an authority that is not known here.
 */
export const whyUntrusted = (asked: UntrustedAsked): Fault => {
  const { chain, place, systemWould, wording } = asked;
  const [leaf] = chain;
  const top = chain.at(-1);
  if (leaf === undefined || top === undefined) return new Fault('tls.untrusted', `${place}: no certificate was shown`);
  const fault = (code: ErrorCode, text: string, advice: string): Fault =>
    new Fault(code, `${place}: ${text}`, { advice });
  const intercepted = interception(asked, leaf);
  if (intercepted !== undefined)
    return fault(
      'tls.intercepted',
      intercepted,
      systemWould
        ? `This machine trusts that inspection: set ${wording.system}; or ask the network team to exempt this host, which WebSockets may need.`
        : `Ask the network team to exempt this host from TLS inspection, or for the authority of the inspection as a PEM file for ${wording.truststore}; ${SAVE}.`,
    );
  if (systemWould)
    return fault(
      'tls.in_system_store',
      `the authority ${commonName(top.issuer)} is trusted by this machine's operating system, but is none of those that count here`,
      `Set ${wording.system}.`,
    );
  if (isSelfSigned(leaf))
    return fault(
      'tls.self_signed',
      `the certificate of the server (${commonName(leaf.subject)}) is signed by itself, nobody else vouches for it`,
      `Give the server a certificate of your authority, or name its own in ${wording.truststore} after a check of its fingerprint; ${SAVE}.`,
    );
  const namesake = namesakeOf(top, asked.trusted);
  if (namesake !== undefined)
    return fault(
      'tls.untrusted',
      `the authority ${commonName(namesake.subject)} was made anew: the one of this name that is trusted here (SHA-256 ${namesake.fingerprint256}) did not issue this`,
      `Export the authority again and replace it in ${wording.truststore}; ${SAVE}.`,
    );
  if (isSelfSigned(top))
    return fault(
      'tls.untrusted',
      `the chain ends in the authority ${commonName(top.subject)}, which the server sent and nobody here trusts`,
      `Compare its fingerprint with what its owner says, then name it in ${wording.truststore}; ${SAVE}.`,
    );
  return missingIssuer(asked, top, fault);
};

const interception = ({ chain, direct }: UntrustedAsked, leaf: X509Certificate): string | undefined => {
  const inspector = inspectorOf(chain);
  if (inspector !== undefined)
    return `${inspector.product} on the way shows a certificate of its own (issuer ${inspector.issuer}) in place of the server's`;
  if (direct !== undefined && direct.fingerprint256 !== leaf.fingerprint256)
    return `the proxy on the way shows a certificate of its own (issuer ${commonName(leaf.issuer)}); without the proxy the server shows one of ${commonName(direct.issuer)}`;
  return undefined;
};

const missingIssuer = (
  { chain, trusted, wording }: UntrustedAsked,
  top: X509Certificate,
  fault: (code: ErrorCode, text: string, advice: string) => Fault,
): Fault => {
  const issuer = commonName(top.issuer);
  const address = issuerAddress(top);
  const where = address === undefined ? '' : ` (the certificate says where it is: ${address})`;
  const kin = kinOf(top, trusted);
  const leafAlone = chain.length === 1;
  // Roots are called so; a server need not send one.
  const isRoot = /\broot\b/i.test(issuer);
  if (!isRoot && (kin !== undefined || (leafAlone && address !== undefined))) {
    const because = kin === undefined ? '' : `; ${kin}, of the same organisation, is trusted here`;
    return fault(
      'tls.incomplete_chain',
      `the server does not send the intermediate certificate ${issuer} that issued ${commonName(top.subject)}${because}`,
      `Let the server send its whole chain; until then put ${issuer} into a PEM file${where} and name it in ${wording.truststore}.`,
    );
  }
  // What the Repository and the Engine show comes from the authority that the site made for itself.
  const qlik =
    wording.speaks === 'connection' && leafAlone && /-CA$/i.test(issuer)
      ? ' Qlik Sense exports its own authority as root.pem, together with the client certificates (QMC, Certificates).'
      : '';
  return fault(
    'tls.untrusted',
    `the certificate of ${commonName(top.subject)} was issued by ${nameOf(top.issuer)}, which the server did not send and nobody here trusts${kin === undefined ? '' : ` (trusted of that organisation is ${kin})`}`,
    `Put the certificate of ${issuer} into a PEM file${where} and name it in ${wording.truststore}${leafAlone ? '' : `; that of ${commonName(top.subject)} will do, too: ${SAVE}`}.${qlik}`,
  );
};

const readAll = (pems: readonly string[]): X509Certificate[] =>
  pems.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      // One that cannot be read vouches for nobody.
      return [];
    }
  });

/** A trusted authority that has the name of the chain's, and another key. */
const namesakeOf = (top: X509Certificate, trusted: readonly string[]): X509Certificate | undefined =>
  readAll(trusted).find((authority) => {
    try {
      return authority.subject === top.issuer && !top.verify(authority.publicKey);
    } catch {
      return false;
    }
  });

/** A trusted authority of the same organisation as the missing issuer: then only the link between is missing. */
const kinOf = (top: X509Certificate, trusted: readonly string[]): string | undefined => {
  const organisation = organisationOf(top.issuer);
  const kin =
    organisation === undefined
      ? undefined
      : readAll(trusted).find(({ subject }) => organisationOf(subject) === organisation);
  return kin && commonName(kin.subject);
};
