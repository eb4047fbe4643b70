import { createHash, type X509Certificate } from 'node:crypto';

/**
 * The hash that `tls-server-end-point` takes of a certificate (RFC 5929 section 4.1): that of its own signature, SHA-256
 * in the place of MD5 and SHA-1. Undefined where the signature has none (EdDSA): then there is no such binding.
 */
export const bindingAlgorithm = (signatureAlgorithm: string): 'sha256' | 'sha384' | 'sha512' | undefined => {
  const name = signatureAlgorithm.toLowerCase();
  if (/^ed(25519|448)$/.test(name)) return undefined;
  if (name.includes('sha384')) return 'sha384';
  if (name.includes('sha512')) return 'sha512';
  return 'sha256';
};

/** What binds a login to the TLS connection that it came on, so that nobody in between can pass it on. */
export const channelBindingOf = (certificate: X509Certificate): Buffer | undefined => {
  const algorithm = bindingAlgorithm(certificate.signatureAlgorithm ?? '');
  if (algorithm === undefined) return undefined;
  const hash = createHash(algorithm).update(certificate.raw).digest();
  return Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), hash]);
};
