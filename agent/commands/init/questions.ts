import { bareValue, textValue, type WrittenValue } from '#config/writing/value.ts';
import { CODE_PATTERN } from '#protocol/keys.ts';

/** The ways to log in that can be asked for. */
export const WAYS = ['jwt', 'certificate', 'windows', 'header', 'ticket', 'token'] as const;
export type Way = (typeof WAYS)[number];

export const WAY_TEXTS: Readonly<Record<Way, string>> = {
  jwt: 'tokens that the agent signs itself: a virtual proxy (recommended)',
  certificate: 'client certificates from the QMC, straight to 4242 and 4747',
  windows: 'a Windows user: a virtual proxy with Windows authentication',
  header: 'a header that a virtual proxy trusts',
  ticket: 'tickets, which the certificates from the QMC ask for',
  token: 'a ready-made JWT',
};

/** Answers so far, by the name of their question. */
export type Answers = ReadonlyMap<string, string>;

export interface Question {
  /** Also the name of the option of the command line. */
  readonly name: string;
  readonly text: string;
  /** Taken when nothing is answered; undefined: an answer is needed. */
  readonly standard?: (answers: Answers) => string;
  /** False: it is not asked. */
  readonly when?: (answers: Answers) => boolean;
  /** The keys that an answer gives. A text: why it cannot be. */
  readonly keys: (answer: string) => readonly (readonly [path: string, value: WrittenValue])[] | string;
}

const way = (...ways: readonly Way[]): { readonly when: (answers: Answers) => boolean } => ({
  when: (answers) => ways.some((one) => one === answers.get('auth')),
});
const text = (path: string) => ({ keys: (answer: string) => [[path, textValue(answer)]] as const });

const hostOf = (answers: Answers): string => {
  const url = answers.get('url') ?? '';
  return URL.canParse(url) ? new URL(url).hostname : '';
};

const ENVIRONMENT = /^env:([A-Za-z_]\w*)$/;
const WHERE = 'env:NAME (a variable of the agent), file:PATH, or what culvert encrypt printed';

/** A secret is never taken itself: only where it is. */
const secret = (path: string) => ({
  keys: (answer: string) => {
    const variable = ENVIRONMENT.exec(answer)?.[1];
    if (variable !== undefined) return [[path, { pieces: [{ reference: `\${${variable}}` }], bare: false }]] as const;
    if (/^file:.+/.test(answer) || /^encrypted:v\d+:[\w-]+$/.test(answer)) return [[path, textValue(answer)]] as const;
    return `That is not where a secret is. Write ${WHERE}. The secret itself is not taken: it would stand in the file for everybody who may read it.`;
  },
});

/** The variable of the environment that an answer names. */
export const variableOf = (answer: string): string | undefined => ENVIRONMENT.exec(answer)?.[1];

const proxyKeys = (answer: string) => {
  const match = /^(?:(https?|socks5|socks4a):\/\/)?(?:([^@/:]+)@)?([^@/:]+|\[[^\]]+\]):(\d+)\/?$/i.exec(answer);
  if (match === null)
    return 'Write http://proxy.example.com:3128, without a password; the user may stand before it: http://user@proxy.example.com:3128.';
  const [, scheme = 'http', user, host = '', port = ''] = match;
  return [
    ['proxy.scheme', textValue(scheme.toLowerCase())],
    ['proxy.hostname', textValue(host)],
    ['proxy.port', bareValue(port)],
    ...(user === undefined ? [] : [['proxy.username', textValue(user)] as const]),
  ] as const;
};

/** Everything that is asked, in this order. */
export const QUESTIONS: readonly Question[] = [
  {
    name: 'auth',
    text: 'How does it log in?',
    standard: () => 'jwt',
    keys: (answer) =>
      WAYS.some((one) => one === answer)
        ? [['connection.auth.type', textValue(answer === 'token' ? 'jwt' : answer)]]
        : `Write one of ${WAYS.join(', ')}.`,
  },
  {
    name: 'url',
    text: 'Address of the site, with the prefix of the virtual proxy (https://host/prefix)',
    ...way('jwt', 'windows', 'header', 'ticket', 'token'),
    ...text('connection.url'),
  },
  {
    name: 'url',
    text: 'Address of the repository (https://host:4242)',
    ...way('certificate'),
    ...text('connection.url'),
  },
  {
    name: 'name',
    text: 'Name, as people shall see it',
    standard: (answers) => `Qlik ${hostOf(answers)}`,
    ...text('name'),
  },
  {
    name: 'code',
    text: 'Code: first part of the key of every asset, for ever',
    standard: (answers) => (hostOf(answers).split('.')[0] ?? '').replaceAll(/[^A-Za-z0-9._-]/g, '') || 'qlik',
    keys: (answer) =>
      CODE_PATTERN.test(answer)
        ? [['code', textValue(answer)]]
        : 'A code has letters, digits, . _ and - only, 64 at most.',
  },
  {
    name: 'key-path',
    text: 'Private key that signs the tokens (culvert jwt init makes one)',
    standard: () => 'jwt/jwt_key.pem',
    ...way('jwt'),
    ...text('connection.auth.jwt.key_path'),
  },
  {
    name: 'certificate',
    text: 'Certificates: the folder with client.pem, client_key.pem and root.pem, or a PFX',
    standard: () => 'certificates',
    ...way('certificate', 'ticket'),
    ...text('connection.auth.certificate.path'),
  },
  {
    name: 'user-directory',
    text: 'User directory that it speaks for',
    standard: () => 'CULVERT',
    ...way('jwt'),
    ...text('connection.auth.jwt.user_directory'),
  },
  {
    name: 'user-id',
    text: 'User that it speaks for',
    standard: () => 'culvert',
    ...way('jwt'),
    ...text('connection.auth.jwt.user_id'),
  },
  {
    name: 'user-directory',
    text: 'User directory that it speaks for',
    standard: () => 'INTERNAL',
    ...way('certificate', 'ticket'),
    ...text('connection.auth.user_directory'),
  },
  {
    name: 'user-id',
    text: 'User that it speaks for',
    standard: () => 'sa_api',
    ...way('certificate', 'ticket'),
    ...text('connection.auth.user_id'),
  },
  {
    name: 'username',
    text: 'Windows user (DOMAIN\\user or user@domain)',
    ...way('windows'),
    ...text('connection.auth.username'),
  },
  {
    name: 'password-from',
    text: `Where is the password? ${WHERE}`,
    standard: () => 'env:QLIK_PASSWORD',
    ...way('windows'),
    ...secret('connection.auth.password'),
  },
  {
    name: 'header',
    text: 'Name of the header, as the virtual proxy has it',
    standard: () => 'X-Qlik-User',
    ...way('header'),
    ...text('connection.auth.key'),
  },
  {
    name: 'header-value',
    text: 'User that the header carries (DOMAIN\\user)',
    ...way('header'),
    ...text('connection.auth.value'),
  },
  {
    name: 'token-file',
    text: 'File that holds the token',
    standard: (answers) => `${answers.get('code') ?? 'qlik'}.jwt`,
    ...way('token'),
    ...text('connection.auth.token_file'),
  },
  {
    name: 'truststore',
    text: 'File with the authority of the site, if it is a private one (PEM, PKCS12, JKS)',
    standard: () => '',
    ...text('tls.truststore.path'),
  },
  {
    name: 'truststore-password-from',
    text: `Where is its password? ${WHERE}`,
    standard: () => 'env:TRUSTSTORE_PASSWORD',
    when: (answers) => /\.(?:p12|pfx|pkcs12|jks|keystore)$/i.test(answers.get('truststore') ?? ''),
    ...secret('tls.truststore.password'),
  },
  {
    name: 'proxy',
    text: 'Proxy on the way to Qlik, if there is one (http://host:3128)',
    standard: () => '',
    keys: proxyKeys,
  },
  {
    name: 'proxy-password-from',
    text: `Where is its password? ${WHERE}`,
    standard: () => 'env:PROXY_PASSWORD',
    when: (answers) => answers.get('proxy')?.includes('@') === true,
    ...secret('proxy.password'),
  },
];
