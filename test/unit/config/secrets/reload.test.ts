import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '#config/secret.ts';
import { FileSecretManager } from '#config/secrets/file-manager.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import type { SecretLookup, SecretManager } from '#config/secrets/manager.ts';
import { seal } from '#config/secrets/sealed.ts';
import { digestKeyOf, noSecrets, type Secrets } from '#config/secrets/secrets.ts';
import { Watched } from '../watching.ts';

let watched: Watched;
const write = (name: string, text: string): Promise<void> => writeFile(join(watched.folder, name), text);
beforeEach(async () => {
  watched = await Watched.make();
  await mkdir(watched.folder);
});
afterEach(() => watched.end());

const file = (code: string, key = code): string => `name = "Site ${code}"
code = ${code}
connector_id = "qlik-sense"
connection {
  url = "https://qlik.example.com/vp"
  auth { username = "CORP\\\\svc", password = $${'{secret_manager.password}'} }
}
secret_manager { enabled = true, key = ${key} }
`;

const password = (code: string): string => {
  const authentication = watched.subject.get(code)?.authentication;
  return authentication?.type === 'windows' ? authentication.password.reveal() : '(none)';
};

/** A manager whose answers the test decides. */
class Decided implements SecretManager {
  readonly name = 'the vault of this test';
  readonly asked: { readonly key: string; readonly fresh: boolean }[] = [];
  answer: (key: string) => SecretLookup | Promise<SecretLookup> = () => ({ type: 'missing', reason: 'it is empty' });
  #waiting: (() => void)[] = [];

  read(key: string, options?: { readonly fresh?: boolean }): Promise<SecretLookup> {
    this.asked.push({ key, fresh: options?.fresh ?? false });
    for (const go of this.#waiting.splice(0)) go();
    return Promise.resolve(this.answer(key));
  }

  /** Resolves when so many questions were asked. */
  async untilAsked(times: number): Promise<void> {
    while (this.asked.length < times) await new Promise<void>((go) => void this.#waiting.push(go));
  }
}

const found = (value: string): SecretLookup => ({ type: 'secret', fields: new Map([['password', new Secret(value)]]) });
const unreachable: SecretLookup = {
  type: 'failed',
  fault: {
    code: 'secrets.unreachable',
    message: 'The vault of this test is down',
    retryable: true,
    advice: 'Start it.',
  },
};
const secretsOf = (manager: SecretManager, more: Partial<Secrets> = {}): Secrets => ({
  ...noSecrets,
  manager,
  cacheMs: 600_000,
  ...more,
});

describe('a secret that changes', () => {
  test('in the file of the secret manager reloads the connections that use it, and says which secret', async () => {
    const path = join(watched.root, 'secrets.conf');
    await writeFile(path, 'a { password = canary-1 }\nb { password = canary-b }\n', { mode: 0o600 });
    await write('a.conf', file('a'));
    await write('b.conf', file('b'));
    await watched.start({ secrets: secretsOf(new FileSecretManager(path)) });
    expect([watched.summary(), password('a'), password('b')]).toEqual([['a ready', 'b ready'], 'canary-1', 'canary-b']);
    await writeFile(`${path}.new`, 'a { password = canary-2 }\nb { password = canary-b }\n', { mode: 0o600 });
    await rename(`${path}.new`, path);
    await watched.until(() => password('a') === 'canary-2');
    expect(watched.journal.slice(2)).toEqual(['reloaded a.conf: secret a changed, connection.auth.password changed']);
  });

  test('in the file of the secret manager for the worse leaves what is in force', async () => {
    const path = join(watched.root, 'secrets.conf');
    await writeFile(path, 'a { password = canary-1 }\n', { mode: 0o600 });
    await write('a.conf', file('a'));
    await watched.start({ secrets: secretsOf(new FileSecretManager(path)), brokenSettleMs: 50, retryMs: 50 });
    await writeFile(path, 'a { password = "canary-2"" }\n');
    const broken = await watched.untilState('a.conf', 'error');
    expect(broken.problems).toMatchObject([{ code: 'secrets.invalid', file: 'a.conf', line: 8 }]);
    expect(password('a')).toBe('canary-1');
    await writeFile(path, 'a { password = "canary-2" }\n');
    await watched.untilState('a.conf', 'ready');
    expect(password('a')).toBe('canary-2');
    expect(watched.journal.join()).not.toContain('canary');
  });

  test('in a vault is taken after its lifetime, long before the next rescan', async () => {
    const manager = new Decided();
    manager.answer = () => found('canary-1');
    await write('a.conf', file('a'));
    await watched.start({ secrets: secretsOf(manager, { cacheMs: 1 }) });
    expect(password('a')).toBe('canary-1');
    manager.answer = () => found('canary-2');
    await watched.until(() => password('a') === 'canary-2');
    expect(watched.journal.at(-1)).toBe('reloaded a.conf: secret a changed, connection.auth.password changed');
  });

  test('in a file that the value names reloads it, and the file is named', async () => {
    await writeFile(join(watched.root, 'pw'), 'canary-1');
    await write(
      'a.conf',
      file('a')
        .replace(/\$\{.*?\}/, '"file:../pw"')
        .replace('enabled = true', 'enabled = false'),
    );
    await watched.start();
    expect(password('a')).toBe('canary-1');
    await writeFile(join(watched.root, 'pw.new'), 'canary-2');
    await rename(join(watched.root, 'pw.new'), join(watched.root, 'pw'));
    await watched.until(() => password('a') === 'canary-2');
    expect(watched.journal.at(-1)).toBe('reloaded a.conf: file pw changed, connection.auth.password changed');
  });

  test('of agent.conf: another manager counts from then on', async () => {
    const [before, after] = [new Decided(), new Decided()];
    before.answer = () => found('canary-1');
    after.answer = () => found('canary-2');
    await write('a.conf', file('a'));
    const subject = await watched.start({ secrets: secretsOf(before) });
    subject.useSecrets(secretsOf(after));
    await watched.until(() => password('a') === 'canary-2');
  });
});

describe('a secret manager that cannot be reached', () => {
  test('leaves connections in force, is asked again with patience and past its cache, and is told', async () => {
    const manager = new Decided();
    manager.answer = () => found('canary-1');
    await write('a.conf', file('a'));
    await watched.start({ secrets: secretsOf(manager), brokenSettleMs: 20, retryMs: 10 });
    const before = watched.subject.get('a');
    manager.answer = () => unreachable;
    watched.subject.rescan();
    const broken = await watched.untilState('a.conf', 'error');
    expect(broken).toMatchObject({
      inForce: before?.contentHash,
      problems: [
        { code: 'secrets.unreachable', file: 'a.conf', line: 8, column: 40, message: 'The vault of this test is down' },
      ],
    });
    expect(watched.subject.get('a')).toBe(before);
    await manager.untilAsked(manager.asked.length + 3);
    expect(manager.asked.at(-1)).toEqual({ key: 'a', fresh: true });
    manager.answer = () => found('canary-2');
    await watched.untilState('a.conf', 'ready');
    expect(password('a')).toBe('canary-2');
    expect(watched.journal).toEqual([
      'loaded a.conf: connection a',
      'a.conf is in error at line 8 (secrets.unreachable); the last good version stays in force',
      'reloaded a.conf: secret a changed, connection.auth.password changed',
    ]);
  });

  test('is asked once in a look, not once for every file', async () => {
    const manager = new Decided();
    manager.answer = () => unreachable;
    for (const code of ['a', 'b', 'c']) await write(`${code}.conf`, file(code));
    await watched.start({ secrets: secretsOf(manager), retryMs: 600_000 });
    expect(watched.summary()).toEqual(['a error', 'b error', 'c error']);
    expect(manager.asked).toEqual([{ key: 'a', fresh: false }]);
  });

  test('at the start gives connections when it is back', async () => {
    const manager = new Decided();
    manager.answer = () => unreachable;
    await write('a.conf', file('a'));
    await watched.start({ secrets: secretsOf(manager), retryMs: 10 });
    expect(watched.subject.states()).toMatchObject([{ code: 'a', name: 'Site a', state: 'error', inForce: null }]);
    manager.answer = () => found('canary-1');
    await watched.untilState('a.conf', 'ready');
  });

  test('in time does not keep other changes waiting, and its late answer counts', async () => {
    const manager = new Decided();
    manager.answer = () => found('canary-1');
    await write('a.conf', file('a'));
    const subject = await watched.start({
      secrets: secretsOf(manager),
      secretWaitMs: 10,
      brokenSettleMs: 0,
      retryMs: 20,
    });
    const { promise: late, resolve: answer } = Promise.withResolvers<SecretLookup>();
    manager.answer = () => late;
    subject.rescan();
    await watched.untilState('a.conf', 'error');
    await write(
      'b.conf',
      file('b')
        .replace(/\$\{.*?\}/, 'canary-b')
        .replace('true', 'false'),
    );
    await watched.untilState('b.conf', 'ready');
    expect(password('a')).toBe('canary-1');
    answer(found('canary-2'));
    await watched.untilState('a.conf', 'ready');
    expect(password('a')).toBe('canary-2');
  });

  test('that breaks its word and throws is one that cannot be reached', async () => {
    const manager = new Decided();
    manager.answer = () => {
      throw new Error('canary');
    };
    await write('a.conf', file('a'));
    await watched.start({ secrets: secretsOf(manager), retryMs: 600_000 });
    expect(watched.subject.states()).toMatchObject([
      {
        problems: [
          { code: 'secrets.unreachable', message: 'the vault of this test: reading a secret failed unexpectedly' },
        ],
      },
    ]);
  });
});

describe('the agent’s key', () => {
  test('may come after the value that it opens', async () => {
    const keys = new KeyFile(join(watched.root, 'state'));
    const stored = keys.obtain();
    if (stored.type !== 'key') throw new Error('no key');
    const away = join(watched.root, 'state', 'away');
    await rename(keys.name, away);
    await write(
      'a.conf',
      file('a')
        .replace(/\$\{.*?\}/, `"${seal(new Secret('canary'), stored.key)}"`)
        .replace('true', 'false'),
    );
    await watched.start({ secrets: { ...noSecrets, keys } });
    expect(watched.subject.states()).toMatchObject([{ state: 'error', problems: [{ code: 'secrets.undecryptable' }] }]);
    await rename(away, keys.name);
    await watched.untilState('a.conf', 'ready');
    expect(password('a')).toBe('canary');
  });

  test('keeps the version that is told the same after a restart, and makes it another for another agent', async () => {
    const versionWith = async (state: string): Promise<string | null | undefined> => {
      const digest = digestKeyOf(new KeyFile(join(watched.root, state)));
      if (digest.type !== 'key') throw new Error('no key');
      await watched.start({ secrets: { ...noSecrets, digestKey: digest.key } });
      return watched.subject.states()[0]?.inForce;
    };
    await write(
      'a.conf',
      file('a')
        .replace(/\$\{.*?\}/, 'weak')
        .replace('true', 'false'),
    );
    const first = await versionWith('one');
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await versionWith('one')).toBe(first);
    expect(await versionWith('two')).not.toBe(first);
    await rm(join(watched.root, 'one'), { recursive: true });
    expect(await versionWith('one')).not.toBe(first);
  });
});

describe('what is told of a connection', () => {
  test('holds no value of a secret, wherever it came from and however it is printed', async () => {
    const keys = new KeyFile(join(watched.root, 'state'));
    const stored = keys.obtain();
    if (stored.type !== 'key') throw new Error('no key');
    const manager = new Decided();
    const fields = ['user', 'password', 'token', 'port', 'store'].map(
      (name) => [name, new Secret(`canary-${name}`)] as const,
    );
    manager.answer = () => ({ type: 'secret', fields: new Map(fields) });
    await writeFile(join(watched.root, 'pw'), 'canary-file');
    const reference = (name: string): string => `$${`{secret_manager.${name}}`}`;
    const wrong: Readonly<Record<string, string>> = {
      port: `proxy { hostname = p.example.com, port = ${reference('port')} }`,
      url: `connection.engine_url = ${reference('store')}`,
      store: `tls.truststore { path = ${reference('store')}, type = ${reference('store')}, password = ${reference('password')} }`,
      flag: `enabled = ${reference('user')}`,
      header: `connection.auth { key = "a b"${reference('user')}, value = "file:../pw" }`,
      token: `connection.auth { type = jwt, token = ${reference('token')} }`,
      sheet: `crawl { sheet_id = ${reference('user')}, app_timeout = ${reference('user')}, engine_sessions = ${reference('user')} }`,
      display: `connection.display_url = ${reference('user')}`,
      host: `proxy { hostname = "x "${reference('user')}, port = 1 }`,
      catalog: `catalog_code = ${reference('user')}`,
      unknown: `${'unknown'} = ${reference('user')}`,
      sealed: `connection.auth { type = jwt, token = "${seal(new Secret('canary-sealed'), stored.key)}" }`,
      nothing: `x = ${reference('nothing')}`,
    };
    for (const [name, line] of Object.entries(wrong)) await write(`${name}.conf`, `${file(name, 'k')}${line}\n`);
    await watched.start({ secrets: { ...secretsOf(manager), keys } });
    const connections = Object.keys(wrong).map((code) => watched.subject.get(code));
    const told = [
      JSON.stringify(watched.subject.states()),
      JSON.stringify(connections),
      inspect(connections, { depth: 10 }),
      watched.journal.join('\n'),
    ].join('\n');
    expect(watched.subject.states().filter(({ problems }) => problems.length > 0).length).toBeGreaterThan(10);
    expect(told).not.toContain('canary');
  });
});
