import type { KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Secret } from '../secret.ts';
import type { Place } from '../tree.ts';
import { type ClientPair, isClientStore, readClientPfx } from './client-pfx.ts';
import type { Authentication } from './connection.ts';
import { looksLikePem, readCertificates, readPrivateKey, unescapePem } from './pem.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import type { Placed, Values } from './values.ts';

const EXPORT = 'Export the certificates from the QMC (Certificates, include secret key) and name that folder.';

interface Material {
  readonly bytes: Buffer;
  readonly at: Place;
}

/** Reads a client certificate: PEM files or texts, a PFX file, or a folder of the QMC. Undefined when it is wrong. */
export const readClientCertificate = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
  at: Place | undefined,
): Authentication | undefined => {
  const path = values.text('connection.auth.certificate.path');
  const keyPath = values.text('connection.auth.certificate.key_path');
  const caPath = values.text('connection.auth.certificate.ca_path');
  const password = values.text('connection.auth.certificate.password');
  const userDirectory = values.text('connection.auth.user_directory');
  const userId = values.text('connection.auth.user_id');
  for (const [name, value] of [
    ['certificate.path', path],
    ['user_directory', userDirectory],
    ['user_id', userId],
  ] as const)
    if (value === undefined)
      problems.error('config.missing_key', at, `connection.auth.${name} is missing, and certificates need it.`);
    else if (name !== 'certificate.path' && /[^\u0020-\u007e\u00a0-\u00ff]|;/.test(value.value))
      problems.error(
        'config.invalid',
        value.at,
        `connection.auth.${name} holds a character that the header X-Qlik-User cannot carry.`,
        'It can carry Latin-1 without control characters and semicolons.',
      );
  if (path === undefined || userDirectory === undefined || userId === undefined) return undefined;

  const folder = looksLikePem(path.value) ? undefined : folderOf(path, files);
  const material = (what: string, given: Placed<string> | undefined, standard: string): Material | undefined => {
    if (given === undefined || (folder !== undefined && given === path))
      return folder === undefined
        ? undefined
        : open(`${what} ${standard}`, { value: join(folder, standard), at: path.at });
    return open(what, given);
  };
  // The QMC exports for Windows or as PEM; in a folder with both, PEM it is.
  const standard = (pem: string, windows: string): string =>
    folder !== undefined &&
    files.readNamed(join(folder, pem)).type === 'missing' &&
    files.readNamed(join(folder, windows)).type === 'file'
      ? windows
      : pem;
  const open = (what: string, given: Placed<string>): Material | undefined => {
    if (looksLikePem(given.value)) return { bytes: Buffer.from(unescapePem(given.value)), at: given.at };
    const content = files.readNamed(given.value);
    if (content.type === 'file') return { bytes: content.bytes, at: given.at };
    problems.error(
      'config.unreadable',
      given.at,
      `The ${what} cannot be read: ${content.reason}.`,
      'Check the path (relative to the connections folder, or absolute), or export from the QMC again.',
    );
    return undefined;
  };

  const client = material('client certificate', path, standard('client.pem', 'client.pfx'));
  const pfx = client !== undefined && isClientStore(client.bytes);
  // A PEM file may hold the key beside the certificate.
  const key =
    pfx || (keyPath === undefined && folder === undefined)
      ? client
      : material('private key', keyPath, 'client_key.pem');
  if (pfx && keyPath !== undefined)
    problems.warn(
      'config.suspicious_value',
      keyPath.at,
      'connection.auth.certificate.key_path has no effect: a PFX file brings its key.',
      'Delete the line.',
    );
  const authority =
    caPath === undefined && folder === undefined
      ? undefined
      : material('root certificate', caPath, standard('root.pem', 'root.cer'));
  if (client === undefined || key === undefined) return undefined;

  const found = pfx
    ? readClientPfx(client.bytes, client.at, password, problems)
    : pemPair(client, key, password, problems);
  const roots = authority === undefined ? undefined : rootsOf(authority, problems);
  const [certificate] = found?.chain ?? [];
  const inForce = certificate !== undefined && isInForce(certificate, client.at, problems, nowMs);
  if (found?.chain === undefined || found.key === undefined || !inForce) return undefined;
  if (!certificate.checkPrivateKey(found.key)) {
    problems.error(
      'tls.client_certificate',
      key.at,
      'The private key does not belong to the client certificate.',
      EXPORT,
    );
    return undefined;
  }
  return {
    type: 'certificate',
    certificate: found.chain.map((one) => one.toString()).join(''),
    key: new Secret(found.key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    authority: roots,
    userDirectory: userDirectory.value.trim(),
    userId: userId.value.trim(),
  };
};

const folderOf = (path: Placed<string>, files: SideFiles): string | undefined =>
  files.readNamed(path.value).type === 'folder' ? files.pathOf(path.value) : undefined;

const rootsOf = (authority: Material, problems: Problems): string | undefined => {
  try {
    return readCertificates(authority.bytes)
      .map((root) => root.toString())
      .join('');
  } catch {
    problems.error('tls.client_certificate', authority.at, 'The root certificate is not a certificate in PEM.', EXPORT);
    return undefined;
  }
};

const pemPair = (
  client: Material,
  key: Material,
  password: Placed<string> | undefined,
  problems: Problems,
): { readonly [K in keyof ClientPair]: ClientPair[K] | undefined } => {
  let chain: readonly X509Certificate[] | undefined;
  try {
    chain = readCertificates(client.bytes);
  } catch {
    problems.error(
      'tls.client_certificate',
      client.at,
      holds(client, 'PRIVATE KEY-----')
        ? 'What should be the client certificate is a private key.'
        : 'The client certificate is not a certificate in PEM.',
      EXPORT,
    );
  }
  return { chain, key: keyOf(key, password?.value, problems, key !== client) };
};

/** False, and reported, when a certificate has expired or is not valid yet. */
const isInForce = (certificate: X509Certificate, at: Place, problems: Problems, nowMs: number): boolean => {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (to <= nowMs)
    problems.error(
      'tls.client_certificate_expired',
      at,
      `The client certificate expired at ${new Date(to).toISOString()}.`,
      EXPORT,
    );
  else if (from > nowMs)
    problems.error(
      'tls.client_certificate',
      at,
      `The client certificate is valid only from ${new Date(from).toISOString()} on.`,
      'Check the clock of this machine.',
    );
  return from <= nowMs && nowMs < to;
};

/** What a PEM file is, when it is not what it should be. */
const holds = (material: Material, label: string): boolean => material.bytes.includes(label);

const keyOf = (
  material: Material,
  password: string | undefined,
  problems: Problems,
  ownFile: boolean,
): KeyObject | undefined => {
  try {
    const key = readPrivateKey(material.bytes.toString('latin1'), password);
    if (key !== undefined) return key;
    problems.error(
      'tls.client_certificate',
      material.at,
      ownFile && holds(material, 'BEGIN CERTIFICATE-----')
        ? 'What should be the private key is a certificate only.'
        : 'There is no private key in PEM.',
      EXPORT,
    );
  } catch {
    problems.error(
      'tls.client_certificate',
      material.at,
      password === undefined
        ? 'The private key cannot be read: it is damaged, or it is encrypted and the password is missing.'
        : 'The private key cannot be read: it is damaged, or connection.auth.certificate.password is wrong.',
      EXPORT,
    );
  }
  return undefined;
};
