import type { X509Certificate } from 'node:crypto';
import { commonName, nameOf } from './certificates.ts';

/** Names that products which break TLS open put into the certificates that they make up, and how people call them. */
const PRODUCTS: readonly (readonly [RegExp, string])[] = [
  [/zscaler/i, 'Zscaler'],
  [/netskope|goskope/i, 'Netskope'],
  [/fortinet|fortigate|\bFGT?[0-9A-Z]{10,}/i, 'Fortinet FortiGate'],
  [/palo ?alto|globalprotect/i, 'Palo Alto Networks'],
  [/blue ?coat|proxysg|symantec web security|cloudsoc/i, 'Symantec (Blue Coat) proxy'],
  [/cisco umbrella|opendns|ironport|cisco (?:secure )?web/i, 'Cisco Umbrella or Secure Web Appliance'],
  [/forcepoint|websense/i, 'Forcepoint'],
  [/check ?point/i, 'Check Point'],
  [/mcafee web|skyhigh|trellix/i, 'Skyhigh (McAfee) Web Gateway'],
  [/sophos/i, 'Sophos'],
  [/sonicwall/i, 'SonicWall'],
  [/watchguard|fireware/i, 'WatchGuard'],
  [/barracuda/i, 'Barracuda'],
  [/\biboss\b/i, 'iboss'],
  [/menlo ?security/i, 'Menlo Security'],
  [/cato networks/i, 'Cato Networks'],
  [/gateway ca - cloudflare|cloudflare.*(?:managed|for teams|gateway) /i, 'Cloudflare Gateway'],
  [/trend ?micro/i, 'Trend Micro'],
  [/kaspersky/i, 'Kaspersky'],
  [/\beset\b/i, 'ESET'],
  [/avast|avg technologies|web\/mail shield/i, 'Avast or AVG'],
  [/bitdefender/i, 'Bitdefender'],
  [/clearswift/i, 'Clearswift'],
  [/contentkeeper|smoothwall|lightspeed|untangle/i, 'a content filter'],
  [/\bsquid\b/i, 'Squid'],
  [/mitmproxy/i, 'mitmproxy'],
  [/do_not_trust_fiddler|fiddler/i, 'Fiddler'],
  [/portswigger/i, 'Burp Suite'],
  [/charles proxy/i, 'Charles'],
  [/(?:ssl|tls|https)[ _-]?(?:inspection|interception|decryption|forward[ _-]trust|proxy ca)/i, 'an inspecting proxy'],
];

/** The product that made a chain up, by the names of its issuers; undefined when none is known by name. */
export const inspectorOf = (chain: readonly X509Certificate[]): { product: string; issuer: string } | undefined => {
  for (const { issuer } of chain) {
    const found = PRODUCTS.find(([pattern]) => pattern.test(nameOf(issuer)));
    if (found !== undefined) return { product: found[1], issuer: commonName(issuer) };
  }
  return undefined;
};
