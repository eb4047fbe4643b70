import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { seal } from '#config/secrets/sealed.ts';
import { loadSettings } from '#config/settings.ts';
import { issue } from '../certificates.ts';
import { head } from '../sample.ts';

let root: string;
let keys: KeyFile;
let sealed: (value: string) => string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'culvert-indirect-'));
  keys = new KeyFile(join(root, 'state'));
  const stored = keys.obtain();
  if (stored.type !== 'key') throw new Error('no key');
  sealed = (value) => seal(new Secret(value), stored.key);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const parse = (text: string, file = 'qlik.conf') =>
  parseConnection(text, file, { folder: root, env: { PASSWORD_FILE: 'file:pw' }, keys });
const windows = (password: string) =>
  parse(`${head}connection.auth { username = "CORP\\\\svc", password = ${password} }\n`);
const password = (written: string): string => {
  const { connection, problems } = windows(written);
  expect(problems).toEqual([]);
  if (connection?.authentication.type !== 'windows') throw new Error('no Windows login');
  return connection.authentication.password.reveal();
};

describe('file: in the value of a secret key', () => {
  test('stands for the content without one line end', () => {
    mkdirSync(join(root, 'a b'));
    writeFileSync(join(root, 'pw'), 'canary one \r\n');
    writeFileSync(join(root, 'a b', 'pw'), '\uFEFFcanary two\n');
    expect(password('"file:pw"')).toBe('canary one ');
    expect(password('"file:a b/pw"')).toBe('canary two');
    expect(password(`"${pathToFileURL(join(root, 'a b', 'pw')).href}"`)).toBe('canary two');
    expect(password(`"file:${join(root, 'pw')}"`)).toBe('canary one ');
    expect(password(`$${'{PASSWORD_FILE}'}`)).toBe('canary one ');
  });

  test('works in YAML, and is read and hashed with the file', () => {
    writeFileSync(join(root, 'pw'), 'canary-1');
    const text = `name: Q\ncode: q\nconnector_id: qlik-sense\nconnection:\n  url: https://q.example.com/vp\n  auth: { username: CORP\\svc, password: "file:pw" }\n`;
    const first = parse(text, 'q.yaml');
    expect(first.connection).toBeDefined();
    expect(first.sideFiles).toContain(join(root, 'pw'));
    writeFileSync(join(root, 'pw'), 'canary-2');
    expect(parse(text, 'q.yaml').contentHash).not.toBe(first.contentHash);
  });

  test.each([
    ['nope', 'does not exist'],
    ['folder', 'it is a folder'],
    ['empty', 'it is empty'],
    ['binary', 'not UTF-8'],
  ])('that names nothing usable (%s) is one problem', (name, why) => {
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'empty'), '\n');
    writeFileSync(join(root, 'binary'), Buffer.from([0xff, 0xfe, 0x00]));
    const { connection, problems } = windows(`"file:${name}"`);
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([
      { code: 'secrets.file_unreadable', line: 5, message: expect.stringContaining(why) },
    ]);
  });

  test('sends no whole file to a proxy', () => {
    writeFileSync(join(root, 'passwd'), 'root:canary\nother:canary\n');
    const { problems } = parse(
      `${head}connection.auth { key = X-User, value = abc }\nproxy { hostname = p.example.com, port = 1, username = u, password = "file:passwd" }\n`,
    );
    expect(problems).toMatchObject([{ code: 'config.invalid', message: expect.stringContaining('control character') }]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  test('stands for itself where no secret is meant', () => {
    writeFileSync(join(root, 'pw'), 'canary');
    const { connection } = parse(
      `${head}description = "file:pw"\nconnection.auth { key = X-User, value = "file:pw" }\n`,
    );
    expect(connection?.description).toBe('file:pw');
    if (connection?.authentication.type !== 'header') throw new Error('no header');
    expect(connection.authentication.value.reveal()).toBe('canary');
  });

  test('in a secret of a secret manager is a value and no name of a file', () => {
    writeFileSync(join(root, 'pw'), 'canary');
    const { connection } = parseConnection(
      `${head}connection.auth { key = X-User, value = $${'{secret_manager.user}'} }\nsecret_manager { enabled = true, key = k }\n`,
      'q.conf',
      {
        folder: root,
        env: {},
        secrets: {
          name: 'm',
          standardKey: undefined,
          files: [],
          lookup: () => ({ type: 'secret', fields: new Map([['user', new Secret('file:pw')]]) }),
        },
      },
    );
    expect(connection?.authentication).toMatchObject({ type: 'header', value: new Secret('file:pw') });
    if (connection?.authentication.type === 'header') expect(connection.authentication.value.reveal()).toBe('file:pw');
  });
});

describe('an encrypted value', () => {
  test('stands in any secret key, in a file that it names, and for PEM text', () => {
    expect(password(`"${sealed('canary #1')}"`)).toBe('canary #1');
    writeFileSync(join(root, 'pw'), `${sealed('canary #2')}\n`);
    expect(password('"file:pw"')).toBe('canary #2');
    const { certificate, key } = issue('client', new Date(0), new Date(Date.UTC(2100, 0)));
    const { connection, problems } = parse(
      `${head}connection.auth { user_directory = D, user_id = u, certificate { path = ${JSON.stringify(certificate)}, key_path = "${sealed(key)}" } }\n`,
    );
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(connection?.authentication.type).toBe('certificate');
  });

  test('that cannot be opened is one problem that names the place', () => {
    const { connection, problems, code } = windows(`"${sealed('canary').slice(0, -4)}AAAA"`);
    expect(connection).toBeUndefined();
    expect(code).toBe('qlik-prod');
    expect(problems).toMatchObject([
      { code: 'secrets.undecryptable', line: 5, message: expect.stringContaining('connection.auth.password') },
    ]);
  });

  test('for a connection opens in a file with its code alone', () => {
    const stored = keys.obtain();
    if (stored.type !== 'key') throw new Error('no key');
    const bound = seal(new Secret('canary'), stored.key, 'qlik-prod');
    expect(password(`"${bound}"`)).toBe('canary');
    const login = `connection.auth { username = "CORP\\\\svc", password = "${bound}" }\n`;
    const { connection, problems } = parse(`${head.replace('qlik-prod', 'other')}${login}`);
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([
      {
        code: 'secrets.undecryptable',
        message: expect.stringContaining('for another connection'),
        advice: expect.stringContaining('--for other'),
      },
    ]);
    writeFileSync(join(root, 'agent.conf'), `proxy { hostname = p, port = 1, username = u, password = "${bound}" }`);
    expect(loadSettings(join(root, 'agent.conf'), {}).problems).toMatchObject([{ code: 'secrets.undecryptable' }]);
  });

  test('waits for its key: another key is another version of the file', () => {
    const text = `${head}connection.auth { username = "CORP\\\\svc", password = "${sealed('canary')}" }\n`;
    const good = parse(text);
    rmSync(join(root, 'state', 'secrets.key'));
    const without = parse(text);
    expect(without.problems).toMatchObject([
      { code: 'secrets.undecryptable', advice: expect.stringContaining('backup') },
    ]);
    expect(without.contentHash).not.toBe(good.contentHash);
    expect(without.sideFiles).toContain(join(root, 'state', 'secrets.key'));
  });

  test('where no secret belongs is refused, since it would be shown', () => {
    expect(
      parse(`${head}environment = "${sealed('canary')}"\nconnection.auth { key = X-User, value = abc }\n`).problems,
    ).toMatchObject([{ code: 'config.invalid', line: 5, message: expect.stringContaining('environment') }]);
  });
});

describe('agent.conf', () => {
  const settings = (text: string) => {
    writeFileSync(join(root, 'agent.conf'), text);
    return loadSettings(join(root, 'agent.conf'), {});
  };

  test('takes file: and encrypted values, too', () => {
    writeFileSync(join(root, 'pw'), 'canary-proxy\n');
    const proxy = (written: string): unknown => {
      const loaded = settings(`proxy { hostname = p, port = 1, username = u, password = "${written}" }`);
      expect(loaded.problems).toEqual([]);
      const choice = loaded.settings?.proxy;
      expect(JSON.stringify(loaded)).not.toContain('canary');
      return choice?.type === 'fixed' ? choice.proxy.password?.reveal() : undefined;
    };
    expect(proxy('file:pw')).toBe('canary-proxy');
    expect(proxy(sealed('canary-sealed'))).toBe('canary-sealed');
  });

  test('looks for the key in the state folder that it names', () => {
    const text = `state = elsewhere\nproxy { hostname = p, port = 1, username = u, password = "${sealed('canary')}" }`;
    const { settings: none, problems, files } = settings(text);
    expect(none).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'secrets.undecryptable', line: 2 }]);
    expect(files).toContain(join(root, 'elsewhere', 'secrets.key'));
  });

  test('can take nothing from the secret manager that it describes', () => {
    const { problems } = settings(
      `proxy.password = $${'{secret_manager.password}'}\nsecret_manager { provider = file, configuration.file_path = s.conf }`,
    );
    expect(problems).toMatchObject([
      { code: 'config.invalid', line: 1, advice: expect.stringContaining('encrypted:') },
    ]);
  });
});
