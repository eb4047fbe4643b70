/** JSON web tokens with RS256, as a virtual proxy with JWT authentication takes them. */
import { createPrivateKey, createPublicKey, createSign, createVerify } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs the claims with the private key. Times in claims are seconds since 1970. */
export function signToken(keyPem: string, claims: Claims): string {
  const head = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(head).sign(createPrivateKey(keyPem)).toString('base64url');
  return `${head}.${signature}`;
}

const object = (text: string): Claims | null => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
  } catch {
    return null;
  }
};

/** The claims of a token whose signature, `exp` and `nbf` hold at `nowMs`; else null. Only RS256 is taken. */
export function verifyToken(certificatePem: string, token: string, nowMs: number): Claims | null {
  const [head, body, signature, ...more] = token.split('.');
  if (head === undefined || body === undefined || signature === undefined || more.length > 0) return null;
  if (object(head)?.['alg'] !== 'RS256') return null;
  const good = createVerify('RSA-SHA256')
    .update(`${head}.${body}`)
    .verify(createPublicKey(certificatePem), Buffer.from(signature, 'base64url'));
  if (!good) return null;
  const claims = object(body);
  if (claims === null) return null;
  const { exp, nbf } = claims as { exp?: unknown; nbf?: unknown };
  if (typeof exp === 'number' && exp * 1000 <= nowMs) return null;
  if (typeof nbf === 'number' && nbf * 1000 > nowMs) return null;
  return claims;
}
