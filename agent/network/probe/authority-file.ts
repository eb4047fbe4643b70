import { commonName, day, isSelfSigned, keyOf, nameOf } from './certificates.ts';
import type { RouteProbe } from './route.ts';

const printable = (text: string): string => text.replace(/[^ -~\u00a0-\uffff]/g, '?').slice(0, 500);

/**
 * The certificate that is missing for a chain to be trusted, as PEM with a header for the person who reviews it: the root
 * or, when the server did not send it, the highest certificate that it did send (which may be trusted like a root).
 * Undefined when the chain is fine, or when trust is not what is wrong with it.
 */
export const authorityFile = (
  probe: Pick<RouteProbe, 'authority' | 'chain' | 'shownBy'>,
  place: string,
): string | undefined => {
  const { authority, chain, shownBy = place } = probe;
  if (authority === undefined) return undefined;
  const leaf = authority.fingerprint256 === chain[0]?.fingerprint256;
  const kind = leaf
    ? "the server's own certificate (it sent no other: to trust it works until it is renewed)"
    : isSelfSigned(authority)
      ? 'the root of the chain'
      : `an intermediate authority, the highest that was sent (its issuer ${commonName(authority.issuer)} was not)`;
  const lines = [
    'CHECK WITH YOUR ADMINISTRATOR BEFORE YOU TRUST THIS. It is what the server showed, and nobody vouched for it:',
    'compare the fingerprint with one that you got another way.',
    `shown by:    ${shownBy}`,
    `this is:     ${kind}`,
    `subject:     ${nameOf(authority.subject)}`,
    `issuer:      ${nameOf(authority.issuer)}`,
    `valid:       ${day(authority.validFromDate)} to ${day(authority.validToDate)}`,
    `key:         ${keyOf(authority)}`,
    `fingerprint: SHA-256 ${authority.fingerprint256}`,
  ];
  return `${lines.map((line) => `# ${printable(line)}`).join('\n')}\n${authority.toString()}`;
};
