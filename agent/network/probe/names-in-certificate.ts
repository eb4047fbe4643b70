import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Fault } from '#protocol/errors.ts';
import { namesIn } from './certificates.ts';
import type { Wording } from './wording.ts';

const MAX_NAMED = 6;

/** A name for which the certificate is good and which is likely the server's own. */
const fitting = (host: string, dns: readonly string[]): string | undefined => {
  const plain = dns.filter((name) => !name.includes('*'));
  const first = host.split('.')[0]?.toLowerCase() ?? '';
  const short = isIP(host) === 0 ? plain.find((name) => name.toLowerCase().split('.')[0] === first) : undefined;
  if (short !== undefined) return short;
  const wildcard = dns.find((name) => name.startsWith('*.'));
  if (wildcard !== undefined && isIP(host) === 0 && !host.includes('.')) return `${host}${wildcard.slice(1)}`;
  return plain.find((name) => name.includes('.')) ?? plain[0];
};

/** The certificate is for others: for whom, and which name would do. */
export const wrongHost = (leaf: X509Certificate, host: string, place: string, wording: Wording): Fault => {
  const { dns, ip } = namesIn(leaf);
  const names = [...dns, ...ip];
  const listed = names.slice(0, MAX_NAMED).join(', ');
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  const name = fitting(host, dns);
  const wildcard = dns.find((one) => one.startsWith('*.'));
  const use =
    name !== undefined
      ? wording.speaks === 'link'
        ? `Write ${name} into \`gateway.url\`.`
        : `Write ${name} into \`connection.url\`, or set \`connection.alias_host = "${name}"\` and leave the URL as it is.`
      : wildcard !== undefined
        ? `Use a name that fits ${wildcard}${wording.speaks === 'link' ? ' in `gateway.url`' : ' in `connection.url`, or as `connection.alias_host`'}.`
        : 'Give the server a certificate with its host name (subject alternative name).';
  return new Fault(
    'tls.wrong_host',
    `${place}: the certificate is for ${names.length === 0 ? 'no host at all' : `${listed}${more}`}, not for ${host}`,
    { advice: use },
  );
};
