import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hanging, wrap } from '#config/connection/problem.ts';
import { Fault } from '#protocol/errors.ts';
import { type NewFileAdvice, writeNewFiles } from './new-file.ts';
import { makeSigningPair } from './signing-pair.ts';

const WIDTH = 80;
const KEY_FILE = 'jwt_key.pem';
const CERTIFICATE_FILE = 'jwt_certificate.pem';

export interface JwtOptions {
  readonly out: string;
  readonly prefix: string;
  readonly host: string;
  readonly userDirectory: string;
  readonly userId: string;
  readonly days: string;
}

const MAX_DAYS = 36_500;

/** @throws Fault `config.invalid` for an option that cannot be meant */
const checked = (options: JwtOptions): JwtOptions & { readonly wholeDays: number } => {
  const refuse = (option: string, wanted: string): never => {
    throw new Fault('config.invalid', `--${option} must be ${wanted}`, { advice: 'See: culvert jwt init --help' });
  };
  for (const [option, text] of Object.entries(options))
    if (text.trim() === '' || /\p{Cc}/u.test(text))
      refuse(
        option.replaceAll(/[A-Z]/g, (letter: string) => `-${letter.toLowerCase()}`),
        'a name on one line',
      );
  if (!/^[a-z0-9][a-z0-9_/-]{0,99}$/i.test(options.prefix)) refuse('prefix', 'letters, digits, / _ and -');
  if (!/^[a-z0-9._-]{1,253}$/i.test(options.host)) refuse('host', 'a host name without scheme and port');
  const wholeDays = /^\d{1,5}$/.test(options.days) ? Number(options.days) : 0;
  if (wholeDays < 1 || wholeDays > MAX_DAYS) refuse('days', `a number from 1 to ${MAX_DAYS}`);
  return { ...options, wholeDays };
};

/** A key in use is never overwritten. */
const ADVICE: NewFileAdvice = {
  there: 'Keep it, as a virtual proxy may have its certificate; or name another folder with --out.',
  unwritable: 'Name a folder that can be written with --out.',
};

/** A value in the quotes of HOCON. */
const quoted = (text: string): string => JSON.stringify(text);

/** What to enter in the QMC and in the connection file, in lines of 80 columns; the certificate's own lines are 64. */
const instructions = (options: JwtOptions, certificate: string, validTo: Date): string => {
  const { prefix, host, userDirectory, userId, out } = options;
  const field = (name: string, value: string): string => hanging(`  ${name.padEnd(33)} `, value, WIDTH);
  return [
    hanging('Key:         ', `${join(out, KEY_FILE)} (keep it private; it never leaves this machine)`, WIDTH),
    hanging('Certificate: ', `${join(out, CERTIFICATE_FILE)}, good until ${validTo.toISOString().slice(0, 10)}`, WIDTH),
    '',
    '1. In the QMC, Virtual proxies > Create new, enter:',
    '',
    field('Description', 'Culvert'),
    field('Prefix', prefix),
    field('Session inactivity timeout', '30 minutes'),
    field('Session cookie header name', `X-Qlik-Session-${prefix.replaceAll('/', '-')}`),
    field('Anonymous access mode', 'No anonymous user'),
    field('Authentication method', 'JWT'),
    field('JWT certificate', 'the text below, with its first and last line'),
    field('JWT attribute for user ID', 'userId'),
    field('JWT attribute for user directory', 'userDirectory'),
    field('JWT attribute mapping', 'none'),
    field('Load balancing nodes', 'add the engine nodes, the central node at least'),
    field('Host allow list', host),
    '',
    certificate.trimEnd(),
    '',
    wrap(
      '2. Apply. Then Associated items > Proxies > Link: choose the proxy that serves the host. It restarts its ' +
        'web server: people who are logged in on it may have to log in again.',
      WIDTH,
      '',
    ),
    wrap(
      `3. Give the user ${userDirectory}\\${userId} an access allocation and the security rule that the README lists. ` +
        'The QMC knows the user after the first log-in.',
      WIDTH,
      '',
    ),
    '4. In the connection file, write:',
    '',
    'connection {',
    `  url = ${quoted(`https://${host}/${prefix}`)}`,
    '  auth {',
    '    type = "jwt"',
    '    jwt {',
    `      key_path = ${quoted(join(resolve(out), KEY_FILE))}`,
    `      certificate_path = ${quoted(join(resolve(out), CERTIFICATE_FILE))}`,
    `      user_directory = ${quoted(userDirectory)}`,
    `      user_id = ${quoted(userId)}`,
    '    }',
    '  }',
    '}',
    '',
  ].join('\n');
};

/**
 * Makes a key and a certificate, and prints what to do with them. Nothing is overwritten.
 *
 * @throws Fault `config.invalid` for wrong options and for files that are there already
 */
export const initJwt = async (given: JwtOptions): Promise<void> => {
  const options = checked(given);
  await mkdir(options.out, { recursive: true, mode: 0o700 });
  const pair = await makeSigningPair(`culvert-jwt-${options.prefix}`, options.wholeDays, Date.now());
  await writeNewFiles(
    [
      { path: join(options.out, KEY_FILE), content: pair.key },
      { path: join(options.out, CERTIFICATE_FILE), content: pair.certificate, mode: 0o644 },
    ],
    ADVICE,
  );
  process.stdout.write(instructions(options, pair.certificate, pair.validTo));
};
