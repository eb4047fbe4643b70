import type { KeySpec } from './key-spec.ts';

const key = (path: string, type: KeySpec['type'], description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path: `connection.auth.${path}`,
  type,
  status: 'used',
  description,
  ...more,
});

/** Keys of Windows users, tickets, and tokens that the agent signs itself. */
export const LOGIN_KEYS: readonly KeySpec[] = [
  key(
    'username',
    'string',
    'Windows user: DOMAIN\\user, user@domain, or .\\user of the server itself; in double quotes a backslash is written twice.',
    { oneLine: true, fromSecret: true },
  ),
  key('password', 'string', 'Password of the Windows user.', { secret: true }),
  key('method', 'string', 'NTLM, the login form, or (auto) the form where NTLM is not to be had.', {
    values: ['auto', 'ntlm', 'forms'],
    standard: 'auto',
  }),
  key(
    'dedicated_user',
    'boolean',
    "True: the user is the agent's alone, so that it may log out at its stop, which ends all sessions of the user.",
    { standard: false },
  ),
  key(
    'proxy_service_url',
    'string',
    "The proxy service's own API, which gives tickets; by default https://host:4243.",
    {
      oneLine: true,
    },
  ),
  key(
    'jwt.key_path',
    'string',
    'Private RSA key that signs the tokens (culvert jwt init makes one): file or PEM text.',
    { pem: true },
  ),
  key('jwt.key_password', 'string', 'Password of an encrypted private key.', { secret: true }),
  key('jwt.certificate_path', 'string', 'Certificate that the virtual proxy has, to check that the key belongs to it.'),
  key('jwt.user_id', 'string', 'User that the tokens speak for.', { fromSecret: true }),
  key('jwt.user_directory', 'string', 'Directory of that user.', { fromSecret: true }),
  key('jwt.user_id_claim', 'string', '"JWT attribute for user ID" of the virtual proxy.', { standard: 'userId' }),
  key('jwt.user_directory_claim', 'string', '"JWT attribute for user directory" of the virtual proxy.', {
    standard: 'userDirectory',
  }),
  key('jwt.claims', 'any', 'Further claims, for attribute mapping: texts, numbers, flags and lists of them.', {
    secret: true,
  }),
  key('jwt.lifetime', 'duration', 'How long a token is good.', {
    minimum: 30_000,
    maximum: 3_600_000,
    standard: '5m',
  }),
];
