import type { X509Certificate } from 'node:crypto';
import type { Problem } from '#protocol/status.ts';
import type { Connection } from '../connection/connection.ts';
import { readCertificates } from '../connection/pem.ts';
import { tokenEndMs } from '../connection/token-parts.ts';

/** So long before the end a person is told. */
const SOON_MS = 30 * 86_400_000;
/** More certificates of one store are counted, not named. */
const MAX_NAMED = 3;

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface Dated {
  readonly name: string;
  readonly endsMs: number;
}

const dated = (pem: string): readonly Dated[] => {
  try {
    return readCertificates(Buffer.from(pem)).map((certificate) => ({
      name: nameOf(certificate),
      endsMs: Date.parse(certificate.validTo),
    }));
  } catch {
    return [];
  }
};

/** `CN` of a certificate without anything that a terminal would obey. */
const nameOf = ({ subject, serialNumber }: X509Certificate): string =>
  (/(?:^|\n)CN=([^\n]+)/.exec(subject)?.[1] ?? `serial ${serialNumber}`).replaceAll(/\p{C}/gu, ' ').slice(0, 80);

/** What ends soon or has ended, of certificates and tokens that a connection uses. */
export const lintExpiry = (
  connection: Connection,
  sideCertificates: ReadonlyMap<string, string>,
  nowMs: number,
): readonly Problem[] => {
  const problems: Problem[] = [];
  const report = (message: string, advice: string): void => {
    problems.push({ severity: 'warning', code: 'config.expiring', message, advice, file: connection.file });
  };
  const one = (what: string, { name, endsMs }: Dated, advice: string): void => {
    if (endsMs > nowMs + SOON_MS) return;
    report(`${what} (${name}) ${endsMs <= nowMs ? 'expired' : 'expires'} on ${day(endsMs)}.`, advice);
  };
  const several = (what: string, pems: readonly string[], advice: string): void => {
    const ending = pems
      .flatMap(dated)
      .filter(({ endsMs }) => endsMs <= nowMs + SOON_MS)
      .sort((a, b) => a.endsMs - b.endsMs);
    if (ending.length === 0) return;
    const named = ending.slice(0, MAX_NAMED).map(({ name, endsMs }) => `${name} on ${day(endsMs)}`);
    const more = ending.length - named.length;
    report(
      `${what} holds ${ending.length === 1 ? 'a certificate that has' : 'certificates that have'} expired or will within 30 days: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`,
      advice,
    );
  };
  const { authentication, tls } = connection;
  if (authentication.type === 'certificate' || authentication.type === 'ticket') {
    const [own] = dated(authentication.certificate);
    if (own !== undefined)
      one('The client certificate', own, 'Export new certificates from the QMC and put them in place of the old ones.');
    if (authentication.authority !== undefined)
      several('The root certificate of the site', [authentication.authority], 'Export it again from the QMC.');
  }
  several('tls.truststore', tls.extraAuthorities, 'Add the successors; take out what nobody uses any more.');
  if (authentication.type === 'jwt') {
    const endsMs = tokenEndMs(authentication.token.reveal());
    // One that has expired is reported where the file is read.
    if (endsMs !== undefined && endsMs > nowMs && endsMs <= nowMs + SOON_MS)
      report(
        `The token expires at ${new Date(endsMs).toISOString()}.`,
        'Put a new one there in time; or let the agent sign its own: culvert jwt init.',
      );
  }
  if (authentication.type === 'signed-jwt')
    for (const [path, pem] of sideCertificates)
      for (const certificate of dated(pem).slice(0, 1))
        one(
          `The certificate ${path}`,
          certificate,
          'Make a new pair (culvert jwt init) and give its certificate to the virtual proxy.',
        );
  return problems;
};
