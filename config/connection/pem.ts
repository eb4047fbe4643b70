import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;
const KEY = /-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----[\s\S]*?-----END [A-Z0-9 ]{0,20}PRIVATE KEY-----/;

/** How many blocks one PEM file may hold; the store of a whole system has some 150. */
const MAX_BLOCKS = 1000;

const blocksIn = (text: string): number => text.split('-----BEGIN').length - 1;

/** True for PEM given by value, not as a path. */
export const looksLikePem = (text: string): boolean => text.includes('-----BEGIN');

/** PEM text with real line ends: values often carry `\n` as two characters. */
export const unescapePem = (text: string): string =>
  text.replaceAll('\\r\\n', '\n').replaceAll('\\n', '\n').replaceAll('\r\n', '\n');

/** The certificates of a PEM or DER file. Throws when one of them cannot be read, or when there is none. */
export const readCertificates = (bytes: Buffer): readonly X509Certificate[] => {
  const text = unescapePem(bytes.toString('latin1'));
  if (!looksLikePem(text)) return [new X509Certificate(bytes)];
  if (blocksIn(text) > MAX_BLOCKS) throw new Error('it holds too many certificates');
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error('it holds no certificate');
  return blocks.map((block) => new X509Certificate(block));
};

/** The first private key of a PEM text; undefined when there is none. Throws when it cannot be read. */
export const readPrivateKey = (text: string, password: string | undefined): KeyObject | undefined => {
  if (blocksIn(text) > MAX_BLOCKS) return undefined;
  const block = KEY.exec(unescapePem(text))?.[0];
  if (block === undefined) return undefined;
  return createPrivateKey({ key: block, ...(password === undefined ? {} : { passphrase: password }) });
};
