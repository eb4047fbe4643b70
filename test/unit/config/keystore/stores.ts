import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Password of every store that `fixtures/make.sh` makes, unless it says otherwise. */
export const PASSWORD = 'canary-password';
export const WIDE_PASSWORD = 'canary-pässwört-日本';

export const FIXTURES = join(import.meta.dirname, 'fixtures');
export const fixture = (name: string): Buffer => readFileSync(join(FIXTURES, name));

/** The two authorities, as Node prints them. */
export const authorities = (): string[] =>
  ['canary-rsa.pem', 'canary-ec.pem'].map((name) => new X509Certificate(fixture(name)).toString());

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length).subarray(2), bytes]);
};

/** A JKS store as Java would write it, of any count of certificates; `claimed` is the count that it says. */
export const jksOf = (
  certificates: readonly Buffer[],
  { password = PASSWORD, version = 2, claimed = certificates.length, tag = 2, type = 'X.509' } = {},
): Buffer => {
  const entries = certificates.flatMap((der, i) => [
    uint32(tag),
    text(`canary-${i}`),
    Buffer.alloc(8),
    ...(version === 1 ? [] : [text(type)]),
    uint32(der.length),
    der,
  ]);
  const body = Buffer.concat([uint32(0xfeedfeed), uint32(version), uint32(claimed), ...entries]);
  const check = createHash('sha1').update(Buffer.from(password, 'utf16le').swap16()).update('Mighty Aphrodite');
  return Buffer.concat([body, check.update(body).digest()]);
};
