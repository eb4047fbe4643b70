import { extname } from 'node:path';
import { readCertificates, type StoreType, storeTypeOf } from './pem.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import type { Values } from './values.ts';

const BY_EXTENSION: Readonly<Record<string, StoreType>> = {
  '.pem': 'PEM',
  '.crt': 'PEM',
  '.cer': 'PEM',
  '.p12': 'PKCS12',
  '.pfx': 'PKCS12',
  '.pkcs12': 'PKCS12',
  '.jks': 'JKS',
  '.keystore': 'JKS',
};
const CONVERT: Readonly<Record<StoreType, string>> = {
  PEM: '',
  PKCS12: 'Convert it (openssl pkcs12 -in store.p12 -nokeys -out store.pem) and name the PEM file.',
  JKS: 'Convert it (keytool -list -rfc -keystore store.jks > store.pem) and name the PEM file.',
};

/** The PEM certificates of `tls.truststore`; empty when there is none or when it is wrong, which is reported. */
export const readTruststore = (values: Values, files: SideFiles, problems: Problems): readonly string[] => {
  const path = values.text('tls.truststore.path');
  const type = values.text('tls.truststore.type');
  const password = values.text('tls.truststore.password');
  if (path === undefined) {
    const lonely = type ?? password;
    if (lonely !== undefined)
      problems.warn(
        'config.suspicious_value',
        lonely.at,
        'tls.truststore has no path, so it has no effect.',
        'Add tls.truststore.path, or delete the line.',
      );
    return [];
  }
  const content = files.readNamed(path.value);
  const stated = type?.value as StoreType | undefined;
  const guessed = stated ?? BY_EXTENSION[extname(path.value).toLowerCase()];
  if (content.type !== 'file') {
    if (guessed === 'PKCS12' || guessed === 'JKS') {
      refuse(guessed, problems, path.at);
      return [];
    }
    problems.error(
      'config.unreadable',
      path.at,
      `tls.truststore.path: the file cannot be read: ${content.reason}.`,
      'Check the path: it is relative to the connections folder, or absolute.',
    );
    return [];
  }
  const found = storeTypeOf(content.bytes) ?? guessed;
  if (found === 'PKCS12' || found === 'JKS') {
    refuse(found, problems, path.at);
    return [];
  }
  if (stated !== undefined && stated !== 'PEM')
    problems.error(
      'config.invalid',
      type?.at,
      `tls.truststore.type is ${stated}, but the file holds PEM.`,
      'Write tls.truststore.type = "PEM", or delete the line.',
    );
  if (password !== undefined)
    problems.warn(
      'config.suspicious_value',
      password.at,
      'tls.truststore.password has no effect: a PEM file has no password.',
      'Delete the line.',
    );
  if (/-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----/.test(content.bytes.toString('latin1')))
    problems.warn(
      'config.suspicious_value',
      path.at,
      'The trust store holds a private key, which does not belong there and is not used.',
      'Keep only the certificates of the authorities in that file.',
    );
  try {
    return readCertificates(content.bytes).map((certificate) => certificate.toString());
  } catch {
    problems.error(
      'config.invalid',
      path.at,
      'tls.truststore.path names a file without a readable certificate.',
      'Export the certificate of the authority as Base64 (PEM): -----BEGIN CERTIFICATE----- … .',
    );
    return [];
  }
};

const refuse = (type: 'PKCS12' | 'JKS', problems: Problems, at: Parameters<Problems['error']>[1]): void =>
  problems.error(
    'config.not_supported_yet',
    at,
    `Trust stores of type ${type} are not supported yet; PEM files are.`,
    CONVERT[type],
  );
