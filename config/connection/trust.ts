import { basename, extname } from 'node:path';
import type { ErrorCode } from '#protocol/errors.ts';
import { StoreFailure } from '../keystore/failure.ts';
import { type StoreKind, storeKindOf } from '../keystore/kind.ts';
import { openJksTruststore, openPkcs12Truststore, type Truststore } from '../keystore/truststore.ts';
import { looksLikePem, readCertificates } from './pem.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import type { Placed, Values } from './values.ts';

type StoreType = 'PEM' | 'PKCS12' | 'JKS';

const BY_EXTENSION: Readonly<Record<string, StoreType>> = {
  '.pem': 'PEM',
  '.crt': 'PEM',
  '.cer': 'PEM',
  '.cert': 'PEM',
  '.p12': 'PKCS12',
  '.pfx': 'PKCS12',
  '.pkcs12': 'PKCS12',
  '.jks': 'JKS',
  '.keystore': 'JKS',
};

/** Stores that are recognised and not read, with the command that makes one that is. */
const FOREIGN: Readonly<Partial<Record<StoreKind, readonly [name: string, convert: string]>>> = {
  JCEKS: [
    'a JCEKS store',
    'keytool -importkeystore -srckeystore STORE -srcstoretype JCEKS -destkeystore store.p12 -deststoretype PKCS12',
  ],
  BKS: [
    'a BKS store of Bouncy Castle',
    'keytool -list -rfc -keystore STORE -storetype BKS -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar > store.pem',
  ],
  PKCS7: [
    'a PKCS7 bundle',
    'openssl pkcs7 -print_certs -in STORE -out store.pem (with -inform DER when it is not text)',
  ],
};

/** Who is trusted besides, or instead of, the default roots. */
export interface Trust {
  /** PEM texts. */
  readonly extraAuthorities: readonly string[];
  readonly replaceDefaultRoots: boolean;
  readonly systemAuthorities: boolean;
}

/** What stands in front of the keys of a block: nothing, or the key that it stands below. */
export type Below = '' | 'secret_manager.';

/** Reads `tls`; `others`: the file names an authority elsewhere, too. What is wrong is reported. */
export const readTrust = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  others = false,
  below: Below = '',
): Trust => {
  const key = `${below}tls.truststore` as const;
  const path = values.text(`${key}.path`);
  const store = { key, values, problems } as const;
  const replaceDefaultRoots = values.flag(`${key}.replace_default_roots`);
  const systemAuthorities = values.flag(`${below}tls.system_authorities`);
  const extraAuthorities = path === undefined ? withoutPath(store) : readStore(store, path, files);
  if (replaceDefaultRoots && path === undefined && !others && !systemAuthorities)
    problems.error(
      'config.invalid',
      values.placeOf(`${key}.replace_default_roots`),
      `${key}.replace_default_roots is true, but no trust store is named: nobody would be trusted.`,
      `Add ${key}.path, or delete the line.`,
    );
  return { extraAuthorities, replaceDefaultRoots, systemAuthorities };
};

/**
 * Reads the trust store below `key`: PEM texts, none when no store is named. What is wrong is reported.
 */
export const readTruststore = (
  key: `${Below}proxy.tls.truststore`,
  values: Values,
  files: SideFiles,
  problems: Problems,
): readonly string[] => {
  const store = { key, values, problems };
  const path = values.text(`${key}.path`);
  return path === undefined ? withoutPath(store) : readStore(store, path, files);
};

/** A trust store that a file names. */
interface Named {
  /** The keys `path`, `type` and `password` stand below it. */
  readonly key: `${Below}${'' | 'proxy.'}tls.truststore`;
  readonly values: Values;
  readonly problems: Problems;
}

const withoutPath = ({ key, values, problems }: Named): readonly string[] => {
  const lonely = values.text(`${key}.type`) ?? values.text(`${key}.password`);
  if (lonely !== undefined)
    problems.warn(
      'config.suspicious_value',
      lonely.at,
      `${key} has no path, so it has no effect.`,
      `Add ${key}.path, or delete the line.`,
    );
  return [];
};

const readStore = (store: Named, path: Placed<string>, files: SideFiles): readonly string[] => {
  const { key, values, problems } = store;
  const type = values.text(`${key}.type`);
  const password = values.text(`${key}.password`);
  const content = looksLikePem(path.value)
    ? ({ type: 'file', bytes: Buffer.from(path.value) } as const)
    : files.readShown(path.value);
  if (content.type !== 'file') {
    problems.error(
      'config.unreadable',
      path.at,
      `${key}.path: the file cannot be read: ${content.reason}.`,
      'Check the path: it is relative to the folder of this file, or absolute.',
    );
    return [];
  }
  const kind = storeKindOf(content.bytes);
  const stated = type?.value as StoreType | undefined;
  const named = BY_EXTENSION[extname(path.value).toLowerCase()];
  const foreign = kind === undefined ? undefined : FOREIGN[kind];
  if (foreign !== undefined) {
    problems.error(
      'config.not_supported_yet',
      path.at,
      `${key}.path names ${foreign[0]}; PEM, PKCS12 and JKS are read.`,
      `Convert it: ${foreign[1].replace('STORE', basename(path.value))}`,
    );
    return [];
  }
  const found: StoreType | undefined = kind === 'PKCS12' || kind === 'JKS' ? kind : kind === undefined ? kind : 'PEM';
  const claimed = stated ?? named;
  if (found !== undefined && claimed !== undefined && found !== claimed)
    problems.warn(
      'config.suspicious_value',
      (stated === undefined ? undefined : type?.at) ?? path.at,
      `${stated === undefined ? 'The name of the trust store says' : `${key}.type says`} ${claimed}, but the file is ${found} and is read as such.`,
      stated === undefined
        ? `Write ${key}.type = "${found}", or rename the file.`
        : `Write ${key}.type = "${found}", or delete the line.`,
    );
  switch (found ?? claimed) {
    case 'PKCS12':
      return open(openPkcs12Truststore, store, content.bytes, path, password);
    case 'JKS':
      return open(openJksTruststore, store, content.bytes, path, password);
    default:
      return readPem(store, content.bytes, path, password);
  }
};

const warnOfKeys = (path: Placed<string>, problems: Problems): void =>
  problems.warn(
    'config.suspicious_value',
    path.at,
    'The trust store holds a private key, which does not belong there and is not used.',
    'Keep only the certificates of the authorities in that file.',
  );

const readPem = (
  { key, problems }: Named,
  bytes: Buffer,
  path: Placed<string>,
  password: Placed<string> | undefined,
): readonly string[] => {
  if (password !== undefined)
    problems.warn(
      'config.suspicious_value',
      password.at,
      `${key}.password has no effect: a PEM file has no password.`,
      'Delete the line.',
    );
  if (/-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----/.test(bytes.toString('latin1'))) warnOfKeys(path, problems);
  try {
    return readCertificates(bytes).map((certificate) => certificate.toString());
  } catch {
    problems.error(
      'config.invalid',
      path.at,
      `${key}.path names a file without a readable certificate.`,
      'Export the certificate of the authority as Base64 (PEM): -----BEGIN CERTIFICATE----- … .',
    );
    return [];
  }
};

const open = (
  opener: (bytes: Buffer, password: string | undefined) => Truststore,
  { key, problems }: Named,
  bytes: Buffer,
  path: Placed<string>,
  password: Placed<string> | undefined,
): readonly string[] => {
  let store: Truststore;
  try {
    store = opener(bytes, password?.value);
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    problems.error(...told(error, key, path, password));
    return [];
  }
  if (store.keys > 0) warnOfKeys(path, problems);
  if (store.unreadable > 0)
    problems.warn(
      'config.suspicious_value',
      path.at,
      `Certificates of the trust store that cannot be read are left out: ${store.unreadable}.`,
      'List them with keytool -list -v, and export again those that are needed.',
    );
  if (!store.verified)
    problems.warn(
      'config.suspicious_value',
      path.at,
      `Without ${key}.password the trust store is used, but not checked for changes.`,
      'Add its password.',
    );
  if (store.certificates.length === 0)
    problems.error(
      'config.store_empty',
      path.at,
      'The trust store holds no certificate of an authority.',
      'Import it: keytool -importcert -alias ca -file ca.pem -keystore STORE; entries with a private key do not count.',
    );
  return store.certificates;
};

/** What a person is told: code, place, message, advice. */
type Told = readonly [code: ErrorCode, at: Placed<string>['at'], message: string, advice: string];

const told = (
  failure: StoreFailure,
  key: Named['key'],
  path: Placed<string>,
  password: Placed<string> | undefined,
): Told => {
  const file = basename(path.value);
  switch (failure.fault) {
    case 'password':
      return [
        'config.store_password',
        password?.at ?? path.at,
        `${key}.password does not open ${file}: ${failure.message}.`,
        `Try it: keytool -list -keystore ${file}`,
      ];
    case 'no_password':
      return ['config.missing_key', path.at, `The trust store ${file} needs a password.`, `Add ${key}.password.`];
    case 'unsupported':
      return [
        'config.not_supported_yet',
        path.at,
        `The trust store ${file} cannot be read: ${failure.message}.`,
        `Convert it: openssl pkcs12 -legacy -in ${file} -nokeys -out store.pem`,
      ];
    case 'costly':
    case 'too_many':
      return [
        'config.too_large',
        path.at,
        `The trust store ${file} is refused: ${failure.message}.`,
        'Make one with the authorities that are needed and with the usual settings of keytool or openssl.',
      ];
    case 'damaged':
    case 'no_key':
      return [
        'config.invalid',
        path.at,
        `The trust store ${file} cannot be read: ${failure.message}.`,
        'Copy the file again in binary mode, or export it again.',
      ];
    default:
      return failure.fault satisfies never;
  }
};
