import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '#config/connection/connection.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { type ConnectionChange, ConnectionFolder } from '#config/folder.ts';
import { OPENMETADATA_KEYS } from '#config/openmetadata/keys.ts';
import { Secret } from '#config/secret.ts';
import { byPath, escaped, ingestion, pair, user } from './openmetadata.ts';

const client = pair();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-openmetadata-'));
  writeFileSync(join(folder, 'client.pem'), client.certificate);
  writeFileSync(join(folder, 'client_key.pem'), client.key);
  writeFileSync(join(folder, 'root.pem'), client.certificate);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const parse = (text: string, file = 'om.yaml', env: Record<string, string> = {}) =>
  parseConnection(text, file, { folder, env });
const direct = ['hostPort: wss://qlik.example.com:4747', ...byPath, ...user, 'validateHostName: true'];
const told = (text: string, file?: string) =>
  parse(text, file).problems.map(({ severity, line, message }) => `${severity} ${line}: ${message}`);
const errors = (text: string) => told(text).filter((line) => line.startsWith('error'));

/** The key of a connection as text, to compare connections. */
const login = (connection: Connection | undefined): unknown => {
  if (connection?.authentication.type !== 'certificate') throw new Error('no certificate');
  const { key, ...rest } = connection.authentication;
  return { ...rest, key: key.reveal() };
};

describe('an ingestion file of OpenMetadata', () => {
  test('speaks to the services directly, and says where it takes the repository to be', () => {
    const { connection, problems, code, name } = parse(
      ingestion([...direct, 'displayUrl: https://portal.example.com/hub']),
    );
    expect(connection).toMatchObject({
      code: 'local_qliksense',
      name: 'local_qliksense',
      origin: 'https://qlik.example.com:4242',
      engineUrl: 'wss://qlik.example.com:4747',
      displayUrl: 'https://portal.example.com',
      prefix: '',
      repositoryAssumed: true,
      authentication: { type: 'certificate', userDirectory: 'INTERNAL', userId: 'sa_api' },
      tls: { verifyHostName: true },
    });
    expect([code, name]).toEqual(['local_qliksense', 'local_qliksense']);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('taken to be at https://qlik.example.com:4242'),
    );
  });

  test('a connection of our own does not say that its repository is a guess', () => {
    const text = `name = a\ncode = a\nconnector_id = "qlik-sense"\nconnection { url = "https://q.example.com:4242", auth { type = certificate, certificate.path = "${folder}", user_directory = a, user_id = b } }`;
    expect(parse(text, 'own.conf').connection).toMatchObject({ origin: 'https://q.example.com:4242' });
    expect(parse(text, 'own.conf').connection).not.toHaveProperty('repositoryAssumed');
  });

  const texts = (names: readonly [string, string, string], of: (pem: string) => string, indent = '  '): string[] => [
    `${indent}${names[0]}: ${of(client.certificate)}`,
    `${indent}${names[1]}: ${of(client.key)}`,
    `${indent}${names[2]}: ${of(client.certificate)}`,
  ];
  const block = (pem: string): string => `|\n${pem.trimEnd().replaceAll(/^/gm, '              ')}`;
  const quoted = (pem: string): string => JSON.stringify(pem);
  const older = ['clientCertificateData', 'clientKeyCertificateData', 'rootCertificateData'] as const;
  const current = ['sslCertificate', 'sslKey', 'caCertificate'] as const;
  test.each([
    ['by value with two-character line ends', ['certificates:', ...texts(older, escaped)]],
    [
      'by value, quoted, with two-character line ends',
      ['certificates:', ...texts(older, (pem) => `'${escaped(pem)}'`)],
    ],
    ['by value in blocks', ['certificates:', ...texts(older, block)]],
    ['by value, quoted, with real line ends', ['certificates:', ...texts(older, quoted)]],
    ['by value with a staging folder', ['certificates:', ...texts(older, escaped), '  stagingDir: /tmp/stage']],
    ['by value in the current schema', ['certificates:', '  sslConfig:', ...texts(current, escaped, '    ')]],
  ])('takes certificates %s', (_, certificates) => {
    const { connection } = parse(ingestion(['hostPort: wss://qlik.example.com:4747', ...certificates, ...user]));
    expect(login(connection)).toEqual(login(parse(ingestion(direct)).connection));
  });

  test('works as JSON', () => {
    const config = {
      type: 'QlikSense',
      hostPort: 'wss://qlik.example.com:4747',
      certificates: {
        clientCertificateData: escaped(client.certificate),
        clientKeyCertificateData: client.key,
        rootCertificateData: client.certificate,
      },
      userDirectory: 'INTERNAL',
      userId: '$QLIK_USER',
      validateHostName: true,
    };
    const text = JSON.stringify(
      { source: { type: 'qliksense', serviceName: 'x', serviceConnection: { config } } },
      null,
      2,
    );
    const { connection, problems } = parse(text, 'om.json', { QLIK_USER: 'sa_api' });
    expect(login(connection)).toEqual(login(parse(ingestion(direct)).connection));
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('names the engine only')]);
  });

  test.each([
    ['wss://qlik.example.com', 'https://qlik.example.com', '', 'wss://qlik.example.com'],
    ['wss://qlik.example.com/om', 'https://qlik.example.com', 'om', 'wss://qlik.example.com/om'],
    ['wss://qlik.example.com:8443/a/b/app/', 'https://qlik.example.com:8443', 'a/b', 'wss://qlik.example.com:8443/a/b'],
  ])('through a virtual proxy (%s) sends the header that OpenMetadata sends', (hostPort, origin, prefix, engineUrl) => {
    const { connection, problems } = parse(ingestion([`hostPort: ${hostPort}`, ...byPath, ...user]));
    expect(connection).toMatchObject({
      origin,
      prefix,
      engineUrl,
      authentication: { type: 'header', header: 'X-Qlik-User' },
    });
    expect(connection).not.toHaveProperty('repositoryAssumed');
    const { authentication, tls } = connection ?? {};
    expect(authentication?.type === 'header' && authentication.value.reveal()).toBe(
      'UserDirectory=INTERNAL; UserId=sa_api',
    );
    expect(tls?.extraAuthorities.length).toBe(1);
    expect(problems.map(({ message }) => message)).toContainEqual(expect.stringContaining('through a virtual proxy'));
  });

  test('through a virtual proxy a root certificate by value is trusted, too', () => {
    const lines = ['hostPort: wss://q.example.com/om', 'certificates:', ...texts(older, block), ...user];
    expect(parse(ingestion(lines)).connection?.tls.extraAuthorities.length).toBe(1);
  });

  test.each([
    ['qliksense', 'qliksense', false],
    ['Qlik Prod (EU)', 'Qlik-Prod-EU', true],
    ['Zürich', 'Zurich', true],
    ['東京', 'qlik-130016b2', true],
  ])('serviceName %s becomes the code %s', (service, code, said) => {
    const { connection, problems } = parse(ingestion(direct).replace('local_qliksense', service));
    expect(connection).toMatchObject({ code, name: service });
    expect(problems.some(({ message }) => message.includes(`The code of the connection is ${code}`))).toBe(said);
  });

  test('fills in variables of the environment as the loader of OpenMetadata does', () => {
    const text = ingestion([
      'hostPort: wss://$QLIK_HOST:4747',
      ...byPath,
      `userDirectory: "$\{DIRECTORY}"`,
      'userId: a$UNSET',
    ]);
    const { connection } = parse(text, 'om.yaml', { QLIK_HOST: 'q.example.com', DIRECTORY: 'CORP' });
    expect(connection).toMatchObject({
      origin: 'https://q.example.com:4242',
      authentication: { userDirectory: 'CORP', userId: 'a$UNSET' },
    });
    expect(parse(text, 'om.yaml', { QLIK_HOST: 'q' }).problems[0]).toMatchObject({
      severity: 'error',
      message: 'userDirectory: the environment variable DIRECTORY is not set.',
    });
  });

  test('warns that host names are not checked, which is the standard there', () => {
    const lines = direct.slice(0, -1);
    for (const more of [[], ['validateHostName: false']]) {
      const { connection, problems } = parse(ingestion([...lines, ...more]));
      expect(connection?.tls.verifyHostName).toBe(false);
      expect(problems.some(({ message }) => message.startsWith('validateHostName is'))).toBe(true);
    }
    expect(told(ingestion(direct)).some((line) => line.includes('validateHostName'))).toBe(false);
  });
});

test('values may come from a secret manager, and are then not looked at for variables', () => {
  const text = `${ingestion([...direct.slice(0, -2), `userId: $\{secret_manager.id}`])}secret_manager: { enabled: true, key: qlik }\n`;
  const fields = new Map([['id', new Secret('canary$HOME')]]);
  const secrets = {
    name: 'a vault',
    standardKey: undefined,
    files: [],
    lookup: () => ({ type: 'secret', fields }) as const,
  };
  const { connection, problems } = parseConnection(text, 'om.yaml', { folder, env: { HOME: 'x' }, secrets });
  expect(connection?.authentication).toMatchObject({ userDirectory: 'INTERNAL', userId: 'canary$HOME' });
  expect(JSON.stringify(problems)).not.toContain('canary');
  const without = parseConnection(text, 'om.yaml', { folder, env: {} }).problems;
  expect(without[0]).toMatchObject({ severity: 'error', code: 'secrets.not_configured' });
});

test('a broken edit leaves the last good version in force, and the journal calls options as the file does', async () => {
  const own = mkdtempSync(join(folder, 'life-'));
  for (const name of ['client.pem', 'client_key.pem', 'root.pem'])
    writeFileSync(join(own, name), name === 'client_key.pem' ? client.key : client.certificate);
  const text = ingestion(direct);
  writeFileSync(join(own, 'a.yaml'), text);
  const watched = new ConnectionFolder({ folder: own, brokenSettleMs: 50, settleMs: 50 });
  await watched.start();
  const edit = (now: string) =>
    new Promise<readonly ConnectionChange[]>((resolve) => {
      const end = watched.onChange((changes) => {
        end();
        resolve(changes);
      });
      writeFileSync(join(own, 'a.yaml'), now);
    });
  expect((await edit(text.replace('userId: sa_api', 'x: 1')))[0]?.journal).toContain(
    'the last good version stays in force',
  );
  expect(watched.get('local_qliksense')?.origin).toBe('https://qlik.example.com:4242');
  expect((await edit(text.replace('INTERNAL', 'CORP')))[0]?.journal).toBe(
    'reloaded a.yaml: source.serviceConnection.config.userDirectory changed',
  );
  await watched.close();
});

describe('options of OpenMetadata without effect', () => {
  const OFF = ['true', 'false', 'anything'];
  test.each(OPENMETADATA_KEYS.filter(({ status }) => status === 'tolerated').map((key) => [key.path, key] as const))(
    '%s is named in one sentence, and the file works',
    (path, key) => {
      const same = key.remark?.same ?? [];
      const value = OFF.find((word) => !same.includes(word)) ?? 'anything';
      const text = JSON.stringify(withOption(path, value), null, 2);
      const { connection, problems } = parse(text, 'om.json');
      expect(connection).toBeDefined();
      const about = problems.filter(({ message }) => message === key.remark?.message);
      expect(about).toMatchObject([{ severity: 'warning', code: 'config.unknown_key' }]);
      expect(about[0]?.message.match(/[.] /g)?.length ?? 0).toBe(0);
      for (const word of same)
        expect(
          parse(JSON.stringify(withOption(path, word)), 'om.json').problems.map(({ message }) => message),
        ).not.toContain(key.remark?.message);
    },
  );

  const withOption = (path: string, value: unknown): unknown => {
    const root: Record<string, unknown> = {
      source: {
        type: 'qliksense',
        serviceName: 'x',
        serviceConnection: {
          config: {
            hostPort: 'wss://q.example.com:4747',
            certificates: { clientCertificate: 'client.pem', clientKeyCertificate: 'client_key.pem' },
            userDirectory: 'a',
            userId: 'b',
          },
        },
      },
    };
    let at = root;
    const parts = path.split('.');
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[parts.at(-1) ?? ''] = value;
    return root;
  };

  test('a misspelt one is named with the right one', () => {
    expect(told(ingestion(direct, ['includeDraftDashbord: false']))).toContainEqual(
      expect.stringContaining('Did you mean source.sourceConfig.config.includeDraftDashboard?'),
    );
  });

  test('the token of the OpenMetadata server and keys by value are never shown', () => {
    const text = ingestion([
      'hostPort: wrong',
      'certificates:',
      `  clientKeyCertificateData: canary-key`,
      '  clientCertificateData: secret:/canary-path',
      ...user,
    ]);
    const shown = parse(text)
      .problems.map((problem) => formatProblem(problem))
      .join('\n');
    expect(shown).not.toContain('canary-');
    expect(shown).toContain('hostPort: wrong');
  });
});

describe('a file of OpenMetadata that cannot be used says what to do', () => {
  const connection = (...lines: string[]) => errors(ingestion(lines));
  test.each([
    ['no user', [direct[0] ?? '', ...byPath], 'userDirectory and userId are missing'],
    ['no user directory', [direct[0] ?? '', ...byPath, 'userId: CORP\\svc'], 'userDirectory is missing'],
    ['no user id', [direct[0] ?? '', ...byPath, 'userDirectory: CORP'], 'userId is missing'],
    ['no certificates', [direct[0] ?? '', ...user], 'certificates is missing'],
    ['no key', [direct[0] ?? '', ...byPath.slice(0, 2), ...user], 'certificates.clientKeyCertificate is missing'],
    ['no address', [...byPath, ...user], 'hostPort is missing'],
    ['no scheme', ['hostPort: q.example.com:4747', ...byPath, ...user], 'hostPort must begin with wss://.'],
    ['the page', ['hostPort: https://q.example.com', ...byPath, ...user], 'not https://.'],
    ['credentials', ['hostPort: wss://a:canary@q:4747', ...byPath, ...user], 'holds a user or a password'],
    ['no TLS', ['hostPort: ws://q.example.com:4747', ...byPath, ...user], 'can be shown only over TLS'],
    ['a reference', [direct[0] ?? '', ...byPath, 'userDirectory: A', 'userId: secret:/a/b'], 'hybrid runner'],
    [
      'a missing file',
      [direct[0] ?? '', ...byPath.map((l) => l.replace('root.pem', 'no.pem')), ...user],
      'root certificate cannot be read',
    ],
    ['a list', [direct[0] ?? '', ...byPath, 'userDirectory: A', 'userId: [a]'], 'userId must be a text, not a list'],
    ['an odd user', [direct[0] ?? '', ...byPath, 'userDirectory: A', 'userId: 東京'], 'userId holds a character'],
  ])('%s', (_, lines, message) => {
    expect(connection(...lines)).toEqual([expect.stringContaining(message)]);
  });

  test('another connector', () => {
    const text = ingestion(direct)
      .replace('type: qliksense', 'type: tableau')
      .replace('type: QlikSense', 'type: Tableau');
    expect(told(text)).toEqual([expect.stringContaining('for another source than Qlik Sense')]);
  });
});

describe('the published sample with options at the left margin', () => {
  const sample = `source:
  type: qliksense
  serviceName: local_qliksense
  serviceConnection:
    config:
      type: QlikSense
hostPort: wss://localhost:4747
displayUrl: https://localhost
certificates:
        # pass certificate paths
        clientCertificate: /path/to/client.pem
        clientKeyCertificate: /path/to/client_key.pem
        rootCertificate: /path/to/root.pem
        # stagingDir: /tmp/stage
userId: user_id
userDirectory: user_dir
  sourceConfig:
    config:
      type: DashboardMetadata
sink:
  type: metadata-rest
`;
  test.each([
    ['LF', sample],
    ['CRLF and a byte order mark', `\uFEFF${sample.replaceAll('\n', '\r\n')}`],
    ['with sourceConfig first', sample.replace(/ {2}sourceConfig:[\s\S]*?Metadata\n/, '')],
  ])('gets one message with lines and indentation (%s)', (_, text) => {
    const { connection, problems } = parse(text);
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([
      {
        line: 7,
        message: expect.stringContaining(
          'hostPort, displayUrl, certificates and others (lines 7 to 16) stand at the left',
        ),
        advice:
          'Put 6 spaces before each of the lines 7 to 16: they belong below config, in one column with its type: QlikSense.',
      },
    ]);
  });

  test('after following the advice the file is read as it was meant', () => {
    const [problem] = parse(sample).problems;
    const [, spaces, from, to] =
      /Put (\d+) spaces before each of the lines (\d+) to (\d+)/.exec(problem?.advice ?? '') ?? [];
    const mended = sample
      .split('\n')
      .map((line, i) => (i + 1 >= Number(from) && i + 1 <= Number(to) ? ' '.repeat(Number(spaces)) + line : line))
      .join('\n')
      .replaceAll('/path/to/', '');
    expect(parse(mended).connection).toMatchObject({ origin: 'https://localhost:4242' });
  });

  test('what stands right between them is not moved along', () => {
    const text = sample
      .replace(/userId:[\s\S]*?(?= {2}sourceConfig)/, '')
      .replace('sink:', 'userId: a\nuserDirectory: b\n\nsink:');
    const [problem, ...more] = parse(text).problems;
    expect(more).toEqual([]);
    expect(problem?.advice).toContain('Put 6 spaces before each of the lines 7 to 13 and 18 to 19:');
  });

  test('a single line is named as one', () => {
    const text = ingestion(direct.slice(1)).replace('sink:', 'hostPort: wss://q:4747\nsink:');
    expect(errors(text)).toEqual([
      expect.stringMatching(/hostPort \(line \d+\) stands at the left margin, so it belongs/),
    ]);
  });
});
