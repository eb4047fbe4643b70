import { X509Certificate } from 'node:crypto';

/** What a file of certificates is: those that are read, and those that are only recognised, to name them. */
export type StoreKind = 'PEM' | 'DER' | 'PKCS12' | 'JKS' | 'JCEKS' | 'BKS' | 'PKCS7';

const OID_SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex');

/** True for what Bouncy Castle writes: version 1 or 2, then the length of the salt, 20. */
const isBouncyCastle = (bytes: Buffer): boolean =>
  bytes.length > 32 && (bytes.readUInt32BE(0) === 1 || bytes.readUInt32BE(0) === 2) && bytes.readUInt32BE(4) === 20;

/** A SEQUENCE that begins with the number 3, then a SEQUENCE: told by the first bytes, as the file may end early. */
const isPkcs12 = (bytes: Buffer): boolean => {
  const length = bytes[1] ?? 0;
  const header = 2 + (length > 0x80 ? length & 0x7f : 0);
  return bytes.subarray(header, header + 4).equals(Buffer.from([0x02, 0x01, 0x03, 0x30]));
};

const isCertificate = (bytes: Buffer): boolean => {
  try {
    new X509Certificate(bytes);
    return true;
  } catch {
    return false;
  }
};

/** What a file is by its bytes, whatever it is called; undefined when they say nothing. */
export const storeKindOf = (bytes: Buffer): StoreKind | undefined => {
  if (bytes.length < 4) return undefined;
  const magic = bytes.readUInt32BE(0);
  if (magic === 0xfeed_feed) return 'JKS';
  if (magic === 0xcece_cece) return 'JCEKS';
  if (isBouncyCastle(bytes)) return 'BKS';
  // A text may begin with the digit 0, too; a store is longer than the 127 bytes of the short form.
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) {
    if (isPkcs12(bytes)) return 'PKCS12';
    if (bytes.subarray(0, 24).includes(OID_SIGNED_DATA)) return 'PKCS7';
    if (isCertificate(bytes)) return 'DER';
  }
  if (bytes.includes('-----BEGIN PKCS7') && !bytes.includes('-----BEGIN CERTIFICATE')) return 'PKCS7';
  return bytes.includes('-----BEGIN') ? 'PEM' : undefined;
};
