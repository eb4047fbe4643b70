import type { KeyObject } from 'node:crypto';
import { Secret } from '../secret.ts';
import { type Place, plainValue, type Tree } from '../tree.ts';
import type { SignedTokenLogin } from './connection.ts';
import { looksLikePem, readCertificates, readPrivateKey, unescapePem } from './pem.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import type { Placed, Values } from './values.ts';

const AUTH = 'connection.auth.jwt';
const MAKE = 'Make a key with: culvert jwt init';
/** RFC 7518 section 3.3: RS256 wants 2048 bits at least. */
const MIN_BITS = 2048;
/** Claims that are set when a token is signed. */
const OWN_CLAIMS = new Set(['iat', 'nbf', 'exp']);

/** Reads `connection.auth.jwt`: how the agent signs tokens itself. Undefined when wrong, which is reported. */
export const readSignedToken = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
  at: Place | undefined,
): SignedTokenLogin | undefined => {
  const keyPath = values.text(`${AUTH}.key_path`);
  const userId = values.text(`${AUTH}.user_id`);
  const userDirectory = values.text(`${AUTH}.user_directory`);
  for (const [name, value] of [
    ['key_path', keyPath],
    ['user_id', userId],
    ['user_directory', userDirectory],
  ] as const)
    if (value === undefined)
      problems.error(
        'config.missing_key',
        values.node(AUTH)?.at ?? at,
        `${AUTH}.${name} is missing, and signing tokens needs it.`,
        name === 'key_path' ? MAKE : undefined,
      );
  const lifetimeMs = values.durationMs(`${AUTH}.lifetime`);
  const certificate = values.text(`${AUTH}.certificate_path`);
  const password = values.text(`${AUTH}.key_password`)?.value;
  const extra = readClaims(values, problems);
  // Without a prototype: a claim may have any name, `__proto__` and `constructor` too.
  const claims: Record<string, unknown> = Object.assign(Object.create(null), extra);
  for (const [claim, user] of [
    ['user_id_claim', userId],
    ['user_directory_claim', userDirectory],
  ] as const) {
    const placed = values.text(`${AUTH}.${claim}`);
    const name = placed?.value.trim() ?? (claim === 'user_id_claim' ? 'userId' : 'userDirectory');
    if (claims[name] !== undefined)
      problems.error(
        'config.invalid',
        placed?.at ?? values.node(`${AUTH}.claims`)?.at ?? at,
        `The claim ${name} is set twice: by ${AUTH} itself and by ${AUTH}.claims or ${AUTH}.user_id_claim.`,
        'Give each claim a name of its own, as the virtual proxy has it.',
      );
    claims[name] = user?.value.trim();
  }
  if (keyPath === undefined) return undefined;
  const key = readKey(keyPath, password, files, problems);
  if (key === undefined) return undefined;
  if (certificate !== undefined) checkCertificate(certificate, key, files, problems, nowMs);
  if (userId === undefined || userDirectory === undefined || extra === undefined) return undefined;
  return {
    type: 'signed-jwt',
    key: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    claims,
    lifetimeMs,
  };
};

const contentOf = (given: Placed<string>, what: string, files: SideFiles, problems: Problems): Buffer | undefined => {
  if (looksLikePem(given.value)) return Buffer.from(unescapePem(given.value));
  const content = files.readNamed(given.value);
  if (content.type === 'file') return content.bytes;
  problems.error(
    'config.unreadable',
    given.at,
    `The ${what} cannot be read: ${content.reason}.`,
    'Check the path: it is relative to the connections folder, or absolute.',
  );
  return undefined;
};

const readKey = (
  given: Placed<string>,
  password: string | undefined,
  files: SideFiles,
  problems: Problems,
): KeyObject | undefined => {
  const bytes = contentOf(given, 'private key', files, problems);
  if (bytes === undefined) return undefined;
  const refuse = (message: string): undefined => {
    problems.error('config.invalid', given.at, message, MAKE);
    return undefined;
  };
  let key: KeyObject | undefined;
  try {
    key = readPrivateKey(bytes.toString('latin1'), password);
  } catch {
    return refuse(
      password === undefined
        ? 'The private key cannot be read: it is damaged, or it is encrypted and the password is missing.'
        : `The private key cannot be read: it is damaged, or ${AUTH}.key_password is wrong.`,
    );
  }
  if (key === undefined) return refuse('There is no private key in PEM.');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < MIN_BITS)
    return refuse(`The private key must be an RSA key of ${MIN_BITS} bits at least: Qlik Sense takes RS256.`);
  return key;
};

const checkCertificate = (
  given: Placed<string>,
  key: KeyObject,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
): void => {
  const bytes = contentOf(given, 'certificate', files, problems);
  if (bytes === undefined) return;
  try {
    const [certificate] = readCertificates(bytes);
    if (certificate === undefined || !certificate.checkPrivateKey(key)) {
      problems.error(
        'config.invalid',
        given.at,
        'The private key does not belong to the certificate: the virtual proxy would refuse every token.',
        'Name the two files that were made together.',
      );
      return;
    }
    const to = Date.parse(certificate.validTo);
    if (to <= nowMs)
      problems.warn(
        'config.suspicious_value',
        given.at,
        `The certificate expired at ${new Date(to).toISOString()}.`,
        'Make a new pair with culvert jwt init, and put the new certificate into the virtual proxy.',
      );
  } catch {
    problems.error('config.invalid', given.at, 'The certificate is not one in PEM.', MAKE);
  }
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Further claims; undefined when one of them cannot be in a token. */
const readClaims = (values: Values, problems: Problems): Readonly<Record<string, unknown>> | undefined => {
  const node = values.node(`${AUTH}.claims`);
  if (node === undefined || (node.type === 'scalar' && node.value === null)) return {};
  if (node.type !== 'object') {
    problems.error(
      'config.invalid',
      node.at,
      `${AUTH}.claims must be an object.`,
      `Write ${AUTH}.claims { email = "a@b.example" }.`,
    );
    return undefined;
  }
  let good = true;
  for (const [name, value] of node.entries)
    if (OWN_CLAIMS.has(name)) {
      good = false;
      problems.error(
        'config.invalid',
        value.at,
        `${AUTH}.claims: ${name} is set when a token is signed.`,
        `Delete it; ${AUTH}.lifetime says how long a token is good.`,
      );
    }
  for (const at of withControls(node)) {
    good = false;
    problems.error(
      'config.invalid',
      at,
      `${AUTH}.claims holds a control character, which no attribute of a user has.`,
      'Write the claim on one line; what a file holds may have one line only, too.',
    );
  }
  return good ? (plainValue(node) as Record<string, unknown>) : undefined;
};

/** Where a text, or the name of a claim, holds a line end or the like: a whole file, perhaps, that was never meant. */
function* withControls(node: Tree): Generator<Place> {
  if (node.type === 'scalar') {
    if (node.origin !== 'withheld' && CONTROL.test(node.text)) yield node.at;
  } else if (node.type === 'list') for (const item of node.items) yield* withControls(item);
  else
    for (const [name, value] of node.entries) {
      if (CONTROL.test(name)) yield value.at;
      yield* withControls(value);
    }
}
