import { Secret } from '../secret.ts';
import { readClientCertificate } from './client-certificate.ts';
import type { Authentication } from './connection.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import { readSignedToken } from './signed-token.ts';
import { ticketLogin } from './ticket.ts';
import { tokenEndMs } from './token-parts.ts';
import type { Placed, Values } from './values.ts';
import { readWindowsLogin } from './windows-user.ts';

/** Headers that the connection itself needs; a user in one of them would break every request. */
const TAKEN = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'x-qlik-xrfkey']);

/** Which type the file means, by `auth.type` or by the keys that are there. */
export const authenticationType = (values: Values): string | undefined => {
  const stated = values.text('connection.auth.type')?.value;
  if (stated !== undefined) return stated;
  const has = (path: string): boolean => values.node(path) !== undefined && filled(values, path);
  if (has('connection.auth.key') || has('connection.auth.value')) return 'header';
  if (has('connection.auth.token') || has('connection.auth.token_file') || has('connection.auth.jwt')) return 'jwt';
  if (has('connection.auth.proxy_service_url')) return 'ticket';
  if (values.node('connection.auth.certificate') !== undefined) return 'certificate';
  if (has('connection.auth.username') || has('connection.auth.password')) return 'windows';
  return undefined;
};

const filled = (values: Values, path: string): boolean => {
  const node = values.node(path);
  return node !== undefined && (node.type !== 'scalar' || (node.value !== null && node.text.trim() !== ''));
};

/** What `connection.auth.type` may say. */
type Stated = 'header' | 'jwt' | 'certificate' | 'ticket' | 'windows';

const CERTIFICATE_KEYS = [
  'connection.auth.certificate.path',
  'connection.auth.certificate.key_path',
  'connection.auth.certificate.ca_path',
  'connection.auth.certificate.password',
  'connection.auth.user_directory',
  'connection.auth.user_id',
];

/** Of all types that go through a virtual proxy: the services themselves know no session. */
const DEDICATED = 'connection.auth.dedicated_user';

/** The keys of each type; those of another type have no effect, which is worth a warning. */
const KEYS: Readonly<Record<Stated, readonly string[]>> = {
  header: ['connection.auth.key', 'connection.auth.value', DEDICATED],
  jwt: ['connection.auth.token', 'connection.auth.token_file', 'connection.auth.jwt', DEDICATED],
  certificate: CERTIFICATE_KEYS,
  ticket: [...CERTIFICATE_KEYS, 'connection.auth.proxy_service_url', DEDICATED],
  windows: ['connection.auth.username', 'connection.auth.password', 'connection.auth.method', DEDICATED],
};

const warnOfOthers = (type: Stated, values: Values, problems: Problems): void => {
  const warned = new Set(KEYS[type]);
  for (const [other, keys] of Object.entries(KEYS))
    for (const key of keys) {
      if (warned.has(key) || !filled(values, key)) continue;
      warned.add(key);
      problems.warn(
        'config.suspicious_value',
        values.node(key)?.at,
        `${key} has no effect: the connection logs in by ${type}.`,
        key === DEDICATED
          ? 'Delete the line: without a virtual proxy there are no sessions to log out of.'
          : `Delete the line, or write connection.auth.type = "${other}".`,
      );
    }
};

/** How the connection logs in. Undefined when that is missing or wrong, which is reported. */
export const readAuthentication = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
): Authentication | undefined => {
  const type = authenticationType(values);
  if (type !== undefined && type in KEYS) warnOfOthers(type as Stated, values, problems);
  const at = (values.node('connection.auth') ?? values.node('connection'))?.at;
  switch (type) {
    case 'header':
      return header(values, problems, at);
    case 'jwt':
      return filled(values, 'connection.auth.jwt')
        ? signedToken(values, files, problems, nowMs, at)
        : token(values, files, problems, nowMs, at);
    case 'certificate':
      return readClientCertificate(values, files, problems, nowMs, at);
    case 'ticket':
      return ticketLogin(readClientCertificate(values, files, problems, nowMs, at), values, problems);
    case 'windows':
      return readWindowsLogin(values, problems, at);
    default:
      // A wrong connection.auth.type was reported when it was read.
      if (!filled(values, 'connection.auth.type'))
        problems.error(
          'config.missing_key',
          at,
          'connection.auth does not say how to log in.',
          'Add connection.auth.key and .value (header), .token or .token_file (JWT), .username and .password (Windows), or .certificate.path.',
        );
      return undefined;
  }
};

/** `DIRECTORY\user`, as Qlik names users everywhere it shows one. */
const DIRECTORY_USER = /^[\w.-]{1,64}\\[\w.@ -]{1,128}$/;

const header = (
  values: Values,
  problems: Problems,
  at: Placed<string>['at'] | undefined,
): Authentication | undefined => {
  const key = values.text('connection.auth.key');
  const value = values.text('connection.auth.value');
  if (key === undefined)
    problems.error(
      'config.missing_key',
      values.placeOf('connection.auth.key') ?? at,
      'connection.auth.key is missing: the name of the header.',
      'Add connection.auth.key = "X-Qlik-User", or the header name that the virtual proxy has in the QMC.',
    );
  if (value === undefined)
    problems.error(
      'config.missing_key',
      values.placeOf('connection.auth.value') ?? at,
      'connection.auth.value is missing: the user that the header carries.',
      'Add connection.auth.value = "DOMAIN\\\\user" (two backslashes inside double quotes).',
    );
  if (key === undefined || value === undefined) return undefined;
  const name = key.value.trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || TAKEN.has(name.toLowerCase())) {
    problems.error(
      'config.invalid',
      key.at,
      'connection.auth.key is not a name that a header may have.',
      'Write the header name of the virtual proxy in the QMC, for instance "X-Qlik-User".',
    );
    return undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what no header may hold.
  const control = /[\u0000-\u001f\u007f]/.exec(value.value);
  if (control !== null) {
    if (problems.explained.has('connection.auth.value')) return undefined;
    problems.error(
      'config.invalid',
      value.at,
      `connection.auth.value holds a control character (U+${hex(control[0])}, character ${control.index + 1}), which no header may carry.`,
      'A backslash inside double quotes must be written twice: "DOMAIN\\\\user".',
    );
    return undefined;
  }
  const wide = /[\u0100-\u{10ffff}]/u.exec(value.value);
  if (wide !== null) {
    problems.error(
      'config.invalid',
      value.at,
      `connection.auth.value holds a character that no header can carry (U+${hex(wide[0])}, character ${wide.index + 1}).`,
      'A header can carry Latin-1 only: use a user whose name has no other letters, or log in by JWT or certificate.',
    );
    return undefined;
  }
  // Anything else than the plain name of a user may be a secret that somebody agreed on with a proxy.
  const isUser = DIRECTORY_USER.test(value.value);
  return { type: 'header', header: name, value: new Secret(value.value, { isUser }) };
};

const hex = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');

/** A key to sign tokens with, unless a token is there as well. */
const signedToken = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
  at: Placed<string>['at'] | undefined,
): Authentication | undefined => {
  for (const key of ['connection.auth.token', 'connection.auth.token_file'])
    if (filled(values, key))
      problems.error(
        'config.invalid',
        values.node(key)?.at,
        `${key} and connection.auth.jwt are both there.`,
        'Keep one of them: a ready-made token, or the key to sign tokens with.',
      );
  return readSignedToken(values, files, problems, nowMs, at);
};

const token = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  nowMs: number,
  at: Placed<string>['at'] | undefined,
): Authentication | undefined => {
  const direct = values.text('connection.auth.token');
  const named = values.text('connection.auth.token_file');
  let text = direct;
  if (direct !== undefined && named !== undefined) {
    problems.error(
      'config.invalid',
      named.at,
      'connection.auth.token and connection.auth.token_file are both there.',
      'Keep one of them.',
    );
    return undefined;
  }
  if (named !== undefined) {
    const content = files.readNamed(named.value);
    if (content.type !== 'file') {
      problems.error(
        'config.unreadable',
        named.at,
        `connection.auth.token_file: the file cannot be read: ${content.reason}.`,
        'Check the path: it is relative to the connections folder, or absolute.',
      );
      return undefined;
    }
    text = { value: content.bytes.toString('utf8').replace(/^\uFEFF/, ''), at: named.at };
  }
  if (text === undefined) {
    problems.error(
      'config.missing_key',
      at,
      'connection.auth.token, connection.auth.token_file or connection.auth.jwt is missing.',
    );
    return undefined;
  }
  const value = text.value.trim().replace(/^Bearer\s+/i, '');
  if (!/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(value)) {
    problems.error(
      'config.invalid',
      text.at,
      'The token is not a JSON web token: three parts of letters, digits, - and _ with dots between.',
      'Paste the whole token on one line, in double quotes and without "Bearer".',
    );
    return undefined;
  }
  const expires = tokenEndMs(value);
  if (expires !== undefined && expires <= nowMs)
    problems.warn(
      'config.suspicious_value',
      text.at,
      `The token expired at ${new Date(expires).toISOString()}.`,
      'Put a new token there.',
    );
  return { type: 'jwt', token: new Secret(value) };
};
