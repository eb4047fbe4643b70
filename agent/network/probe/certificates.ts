import type { X509Certificate } from 'node:crypto';

export const DAY_MS = 86_400_000;

const MAX_NAME = 150;

/** Written by whoever made the certificate: nothing in it may move a cursor, turn a line round or fill a screen. */
const shown = (text: string): string => {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > MAX_NAME ? `${clean.slice(0, MAX_NAME - 1)}…` : clean;
};

/** A distinguished name in one line, as people write it: `CN=…, O=…`. */
export const nameOf = (lines: string): string =>
  shown(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .reverse()
      .join(', '),
  );

const partsOf = (lines: string, key: string): string[] =>
  lines.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

/** The common name, else the whole name. */
export const commonName = (lines: string): string => shown(partsOf(lines, 'CN').at(-1) ?? nameOf(lines));

/** The organisation of a distinguished name, else its domain; undefined for neither. */
export const organisationOf = (lines: string): string | undefined => {
  const organisation = partsOf(lines, 'O')[0];
  const domain = partsOf(lines, 'DC').join('.');
  return organisation ?? (domain === '' ? undefined : domain);
};

/** True for a certificate that its own key signed, as roots are. */
export const isSelfSigned = (certificate: X509Certificate): boolean => {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
  } catch {
    // A kind of key that OpenSSL does not know signs nothing.
    return false;
  }
};

/** `RSA 2048`, `EC prime256v1`, `Ed25519`. */
export const keyOf = (certificate: X509Certificate): string => {
  try {
    const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails } = certificate.publicKey;
    const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
    const name = type === 'ed25519' || type === 'ed448' ? `E${type.slice(1)}` : type.toUpperCase();
    return [name, modulusLength ?? namedCurve].filter((part) => part !== undefined).join(' ');
  } catch {
    return 'a key of an unknown kind';
  }
};

/** `2026-11-22`, in UTC. */
export const day = (date: Date): string =>
  Number.isNaN(date.getTime()) ? 'an unreadable date' : date.toISOString().slice(0, 10);

/** DNS names and addresses that a certificate is for; a common name counts where there are none. */
export const namesIn = (
  certificate: X509Certificate,
): { readonly dns: readonly string[]; readonly ip: readonly string[] } => {
  // A value in quotes holds characters that only an attacker would put there.
  const entries = (certificate.subjectAltName ?? '').split(', ').filter((entry) => !entry.includes('"'));
  const of = (kind: string): string[] =>
    entries.flatMap((entry) => (entry.startsWith(kind) ? [entry.slice(kind.length)] : []));
  const dns = of('DNS:').map(shown);
  const ip = of('IP Address:');
  return { dns: dns.length > 0 || ip.length > 0 ? dns : partsOf(certificate.subject, 'CN').map(shown), ip };
};

/** Where the certificate of the issuer can be fetched, as the certificate itself says: by HTTP only. */
export const issuerAddress = (certificate: X509Certificate): string | undefined =>
  /^CA Issuers - URI:(https?:\/\/[!-~]+)$/m.exec(certificate.infoAccess ?? '')?.[1]?.slice(0, 300);

/** One line that a person compares with what the administrator says. */
export const describe = (certificate: X509Certificate, role: string): string =>
  [
    `${role}: ${nameOf(certificate.subject)}`,
    isSelfSigned(certificate) ? 'self-signed' : `issued by ${nameOf(certificate.issuer)}`,
    `valid ${day(certificate.validFromDate)} to ${day(certificate.validToDate)}`,
    keyOf(certificate),
    `SHA-256 ${certificate.fingerprint256}`,
  ]
    .join('; ')
    .slice(0, 500);

const issued = (authority: X509Certificate, certificate: X509Certificate): boolean => {
  try {
    return authority.subject === certificate.issuer && certificate.verify(authority.publicKey);
  } catch {
    return false;
  }
};

/** Of what a server sent, in whatever order: the leaf, its issuer, and so on, as far as it goes. */
export const pathOf = (served: readonly X509Certificate[]): readonly X509Certificate[] => {
  const [leaf] = served;
  const path = leaf === undefined ? [] : [leaf];
  for (let last = leaf; last !== undefined && path.length < served.length; ) {
    const from: X509Certificate = last;
    last = served.find((one) => !path.includes(one) && issued(one, from));
    if (last !== undefined) path.push(last);
  }
  return path;
};

/** The chain as served, one line a certificate, and the names of the leaf. */
export const describeChain = (chain: readonly X509Certificate[]): string[] => {
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const { dns, ip } = namesIn(leaf);
  const names = [...dns, ...ip];
  const shown = names.slice(0, 12).join(', ');
  const path = pathOf(chain);
  const roleOf = (certificate: X509Certificate): string => {
    if (certificate === leaf) return 'server';
    if (!path.includes(certificate)) return 'sent, but not of this chain';
    return isSelfSigned(certificate) ? 'root' : 'intermediate';
  };
  return [
    ...chain.map((certificate) => describe(certificate, roleOf(certificate))),
    `names of the server: ${names.length === 0 ? 'none' : shown}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`.slice(
      0,
      500,
    ),
  ];
};
