import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scanFolder } from '#config/folder.ts';
import { Fault } from '#protocol/errors.ts';
import { connectionFile, Watched } from './watching.ts';

let watched: Watched;
const write = (name: string, text: string): Promise<void> => writeFile(join(watched.folder, name), text);

beforeEach(async () => {
  watched = await Watched.make();
  await mkdir(watched.folder);
});
afterEach(() => watched.end());

describe("a connection's life", () => {
  test('with another code it is another connection, and the old one is absent', async () => {
    await write('a.conf', connectionFile('old'));
    const subject = await watched.start();
    await write('a.conf', connectionFile('new'));
    await watched.until((states) => states.some(({ code }) => code === 'new'));
    expect(watched.summary()).toEqual(['new ready', 'old absent']);
    expect(subject.get('old')).toBeUndefined();
    expect(watched.journal.at(-1)).toBe('reloaded a.conf: code changed from old to new, a new connection');
  });

  test('two files with one code are both named; the older stays in force until it goes', async () => {
    await write('z.conf', connectionFile('same'));
    const subject = await watched.start();
    await write('a.conf', connectionFile('same', 'environment = second'));
    const second = await watched.untilState('a.conf', 'error');
    expect(second).toMatchObject({
      inForce: null,
      problems: [{ severity: 'error', code: 'config.duplicate_code', message: expect.stringContaining('z.conf') }],
    });
    expect(subject.states().find(({ file }) => file === 'z.conf')).toMatchObject({
      state: 'ready',
      problems: [{ severity: 'warning', code: 'config.duplicate_code', message: expect.stringContaining('a.conf') }],
    });
    expect(subject.get('same')?.environment).toBeUndefined();
    await rm(join(watched.folder, 'z.conf'));
    await watched.untilState('a.conf', 'ready');
    expect(subject.get('same')?.environment).toBe('second');
    expect(watched.summary()).toEqual(['same ready']);
  });

  test('a file that takes the code of another keeps its last good version', async () => {
    await write('a.conf', connectionFile('a'));
    await write('b.conf', connectionFile('b'));
    const subject = await watched.start();
    await write('b.conf', connectionFile('a'));
    await watched.untilState('b.conf', 'error');
    expect(subject.get('a')?.file).toBe('a.conf');
    expect(subject.get('b')?.file).toBe('b.conf');
    await write('b.conf', connectionFile('b'));
    await watched.untilState('b.conf', 'ready');
    expect(watched.summary()).toEqual(['a ready', 'b ready']);
  });

  test('outlasts a restart as a name, never with a secret', async () => {
    const stateFolder = join(watched.root, 'state');
    await write('a.conf', connectionFile('a'));
    await write('b.conf', connectionFile('b'));
    await watched.start({ stateFolder });
    await rm(join(watched.folder, 'b.conf'));
    await watched.start({ stateFolder });
    expect(watched.summary()).toEqual(['a ready', 'b absent']);
    // The older of two files is known after a restart, too.
    await write('0.conf', connectionFile('a', 'environment = other'));
    const subject = await watched.start({ stateFolder });
    expect(subject.get('a')?.file).toBe('a.conf');
    const kept = await readFile(join(stateFolder, 'connections.json'), 'utf8');
    expect(kept).not.toContain('canary');
    expect(JSON.parse(kept)).toEqual({
      version: 1,
      connections: [
        { code: 'a', name: 'Site a', file: 'a.conf' },
        { code: 'b', name: 'Site b', file: 'b.conf' },
      ],
    });
    await writeFile(join(stateFolder, 'connections.json'), '{ damaged');
    expect((await watched.start({ stateFolder })).states().map(({ state }) => state)).toContain('ready');
  });

  test('a state folder that cannot be written does no harm', async () => {
    await writeFile(join(watched.root, 'state'), 'a file where a folder should be');
    await write('a.conf', connectionFile('a'));
    const troubles: string[] = [];
    await watched.start({ stateFolder: join(watched.root, 'state'), onTrouble: (message) => troubles.push(message) });
    expect(watched.summary()).toEqual(['a ready']);
    expect(troubles[0]).toContain('state folder');
  });

  test('the journal names keys and no values', async () => {
    await write('a.conf', connectionFile('a', 'environment = one\naccess_notes = x'));
    await watched.start();
    await write('a.conf', connectionFile('a', 'environment = two\ndescription = y').replace('canary-a', 'canary-b'));
    await watched.until((states) => states[0]?.environment === 'two');
    expect(watched.journal.at(-1)).toBe(
      'reloaded a.conf: connection.auth.value changed, environment changed, access_notes removed, description added',
    );
  });
});

describe('files beside a connection', () => {
  const jwt = (id: string): string => `${Buffer.from(`{"id":"${id}"}`).toString('base64url')}.e30.c2ln`;
  const byToken = (path: string): string =>
    `name = T\ncode = t\nconnector_id = "qlik-sense"\nconnection { url = "https://qlik.example.com", auth.token_file = "${path}" }`;
  const token = (): string => {
    const authentication = watched.subject.get('t')?.authentication;
    return authentication?.type === 'jwt' ? authentication.token.reveal() : '';
  };

  test('are read again when they change: a token outside the folder, replaced atomically', async () => {
    const secrets = join(watched.root, 'secrets');
    await mkdir(secrets);
    await writeFile(join(secrets, 'token'), jwt('1'));
    await write('t.conf', byToken(join(secrets, 'token')));
    await watched.start();
    expect(token()).toBe(jwt('1'));
    await writeFile(join(secrets, 'token.new'), jwt('2'));
    await rename(join(secrets, 'token.new'), join(secrets, 'token'));
    await watched.until(() => token() === jwt('2'));
    expect(watched.journal.at(-1)).toBe('reloaded t.conf: file token changed');
  });

  test('that take the place of others in the same folder are watched, too', async () => {
    const secrets = join(watched.root, 'secrets');
    await mkdir(secrets);
    await writeFile(join(secrets, 'one'), jwt('1'));
    await writeFile(join(secrets, 'two'), jwt('2'));
    await write('t.conf', byToken(join(secrets, 'one')));
    await watched.start();
    await write('t.conf', byToken(join(secrets, 'two')));
    await watched.until(() => token() === jwt('2'));
    await writeFile(join(secrets, 'two'), jwt('3'));
    await watched.until(() => token() === jwt('3'));
  });

  test('may be a Secret of Kubernetes, where a link named ..data is swapped', async () => {
    const secrets = join(watched.root, 'secrets');
    const version = async (name: string, id: string): Promise<void> => {
      await mkdir(join(secrets, name), { recursive: true });
      await writeFile(join(secrets, name, 'token'), jwt(id));
      await symlink(name, join(secrets, '..data_tmp'));
      await rename(join(secrets, '..data_tmp'), join(secrets, '..data'));
    };
    await version('..2026_01', '1');
    await symlink(join('..data', 'token'), join(secrets, 'token'));
    await write('t.conf', byToken(join(secrets, 'token')));
    await watched.start();
    await version('..2026_02', '2');
    await rm(join(secrets, '..2026_01'), { recursive: true });
    await watched.until(() => token() === jwt('2'));
  });

  test('that come later are noticed, in a folder of their own below', async () => {
    await mkdir(join(watched.folder, 'secrets'));
    await write('t.conf', byToken('secrets/token'));
    await watched.start();
    expect(watched.subject.states()).toMatchObject([
      { state: 'error', problems: [{ code: 'config.unreadable', line: 4 }] },
    ]);
    await write('secrets/token', jwt('1'));
    await watched.untilState('t.conf', 'ready');
  });

  test('that are included are no connections, and their changes count', async () => {
    await write('shared.conf', 'environment = one');
    await write('a.conf', `include "shared"\n${connectionFile('a')}`);
    await watched.start();
    expect(watched.summary()).toEqual(['a ready']);
    await write('shared.conf', 'environment = two');
    await watched.until((states) => states[0]?.environment === 'two');
    expect(watched.summary()).toEqual(['a ready']);
    expect(watched.journal.at(-1)).toBe('reloaded a.conf: file shared.conf changed, environment changed');
  });
});

describe('scanFolder', () => {
  test('reads everything once', async () => {
    await write('a.conf', connectionFile('a'));
    await write('b.conf', connectionFile('a'));
    await write('c.conf', 'name = ');
    const { states, connections } = await scanFolder(watched.folder, { env: {} });
    expect(states.map(({ file, state }) => [file, state])).toEqual([
      ['a.conf', 'ready'],
      ['b.conf', 'error'],
      ['c.conf', 'error'],
    ]);
    expect(connections.map(({ file }) => file)).toEqual(['a.conf']);
  });

  test('says what is wrong with the folder', async () => {
    await expect(scanFolder(join(watched.root, 'nope'))).rejects.toThrow(Fault);
    await expect(scanFolder(join(watched.root, 'nope'))).rejects.toMatchObject({ code: 'config.unreadable' });
  });
});
