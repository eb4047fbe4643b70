import { join } from 'node:path';
import { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import type { Surroundings } from '../surroundings.ts';
import type { AwsCredentials } from './signature.ts';

/** What the shared files of AWS's tools say of one profile: `config`, overridden by `credentials`. */
export interface Profile {
  readonly name: string;
  /** The files that were read, for messages. */
  readonly files: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

type Sections = Map<string, Map<string, string>>;

/** `[section]`, `key = value`, comments from `#` or `;` at the start of a line, or after a space. */
const parseIni = (text: string): Sections => {
  const sections: Sections = new Map();
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]*)\]/.exec(line);
    if (header !== null) {
      const name = (header[1] ?? '').trim().replace(/\s+/g, ' ');
      current = sections.get(name) ?? new Map<string, string>();
      sections.set(name, current);
      continue;
    }
    // Lines that start with a space belong to a nested setting (of s3, say).
    const pair = /^([^\s=#;[][^=]*)=(.*)$/.exec(line);
    if (pair !== null)
      current?.set(
        (pair[1] ?? '').trimEnd().toLowerCase(),
        (pair[2] ?? '')
          .trim()
          .replace(/\s[#;].*$/, '')
          .trim(),
      );
  }
  return sections;
};

/**
 * The profile `name` (else `AWS_PROFILE`, else `default`) of `~/.aws/config` and `~/.aws/credentials`, or of the files that
 * `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name; undefined when no file has it. Read anew each time.
 */
export const readProfile = ({ env, read, homeFolder }: Surroundings, name?: string): Profile | undefined => {
  const wanted = name ?? env['AWS_PROFILE'] ?? 'default';
  const files = [
    {
      path: env['AWS_CONFIG_FILE'] ?? join(homeFolder, '.aws', 'config'),
      prefix: wanted === 'default' ? '' : 'profile ',
    },
    { path: env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homeFolder, '.aws', 'credentials'), prefix: '' },
  ];
  const values = new Map<string, string>();
  let found = false;
  for (const { path, prefix } of files) {
    const content = read(path);
    if (content.type !== 'file') continue;
    const sections = parseIni(content.bytes.toString().replace(/^\uFEFF/, ''));
    const section =
      sections.get(`${prefix}${wanted}`) ?? (wanted === 'default' ? sections.get('profile default') : undefined);
    if (section === undefined) continue;
    found = true;
    for (const [key, value] of section) values.set(key, value);
  }
  return found ? { name: wanted, files: files.map(({ path }) => path), values } : undefined;
};

/** What a profile may say that only AWS's own programs can do. */
const FOREIGN = [
  'sso_session',
  'sso_start_url',
  'credential_process',
  'source_profile',
  'credential_source',
  'mfa_serial',
];

/**
 * The keys of a profile; undefined when it has none.
 * @throws Fault `secrets.refused` when it wants a way to credentials that Culvert does not go
 */
export const keysOf = ({ name, values, files }: Profile): AwsCredentials | undefined => {
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  const sessionToken = values.get('aws_session_token');
  if (accessKeyId !== undefined && secretAccessKey !== undefined && !values.has('role_arn'))
    return {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      sessionToken: sessionToken === undefined ? undefined : new Secret(sessionToken),
    };
  const foreign = FOREIGN.find((key) => values.has(key));
  if (foreign === undefined) return undefined;
  throw new Fault('secrets.refused', `The profile “${name}” of AWS (${files.join(', ')}) uses ${foreign}`, {
    advice:
      'Use a profile with aws_access_key_id and aws_secret_access_key or with role_arn and web_identity_token_file, or the role of the instance or container.',
  });
};
