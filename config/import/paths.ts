import { isAbsolute, resolve } from 'node:path';
import type { WrittenValue } from '../writing/value.ts';
import type { ImportContext } from './plan.ts';

/** Keys whose value names a file. */
const PATH_KEYS = new Set([
  'connection.auth.token_file',
  'connection.auth.certificate.path',
  'connection.auth.certificate.key_path',
  'connection.auth.certificate.ca_path',
  'connection.auth.jwt.key_path',
  'connection.auth.jwt.certificate_path',
  'tls.truststore.path',
  'proxy.tls.truststore.path',
]);

/** A relative path still names the same file when the connection file is written into another folder. */
export const movedPath = (path: string, value: WrittenValue, { folder, target }: ImportContext): WrittenValue => {
  const [text, ...more] = value.pieces;
  if (target === undefined || target === folder || typeof text !== 'string' || more.length > 0) return value;
  const scheme = /^file:(?!\/)/i.exec(text)?.[0] ?? '';
  if (!PATH_KEYS.has(path) && scheme === '') return value;
  const rest = text.slice(scheme.length);
  if (/-----BEGIN|^file:/i.test(rest) || isAbsolute(rest)) return value;
  return { ...value, pieces: [`${scheme}${resolve(folder, rest)}`] };
};
