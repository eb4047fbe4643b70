import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

/** Where the pair is good for RS256: Qlik Sense takes no elliptic curves on a virtual proxy. */
const BITS = 3072;
const DAY_MS = 86_400_000;

/** A key that signs tokens, and the certificate that a virtual proxy checks them with; PEM both. */
interface SigningPair {
  readonly key: string;
  readonly certificate: string;
  readonly validTo: Date;
}

/** Makes a key and its self-signed certificate, good from a day before `nowMs` for `days` days. */
export const makeSigningPair = async (name: string, days: number, nowMs: number): Promise<SigningPair> => {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const own = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(own.n, own.e);
  // A positive number of 16 bytes.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  const validTo = new Date(nowMs + days * DAY_MS);
  certificate.validity.notBefore = new Date(nowMs - DAY_MS);
  certificate.validity.notAfter = validTo;
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
  ]);
  certificate.sign(own, forge.md.sha256.create());
  return { key, certificate: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), validTo };
};
