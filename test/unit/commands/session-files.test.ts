import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SessionFiles } from '#agent/commands/session-files.ts';
import type { KeptSession } from '#agent/qlik/auth/session-store.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { connectionTo } from '../qlik/fake-site.ts';

let state: string;
let warnings: string[];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'culvert-session-files-'));
  warnings = [];
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const filesIn = (folder: string): SessionFiles =>
  new SessionFiles(folder, new KeyFile(folder), { ...SILENT, warn: (_, message) => warnings.push(message) });
const connection = connectionTo('https://qlik.example.com');
const session = (value = 'canary-cookie'): KeptSession => ({
  cookies: [['X-Qlik-Session', value]],
  usedAtMs: Date.now(),
  refused: undefined,
});
const only = (): string => {
  const [name = '', ...more] = readdirSync(join(state, 'sessions'));
  expect(more).toEqual([]);
  return join(state, 'sessions', name);
};

describe('sessions in files', () => {
  test('are read by the next process, and by nobody else', async () => {
    const refused = { message: 'refused', untilMs: 7, contentHash: '0' };
    await filesIn(state).keep(connection, { ...session(), refused });
    expect(await filesIn(state).read(connection)).toEqual({ ...session(), usedAtMs: expect.any(Number), refused });
    expect(readFileSync(only()).toString('latin1')).not.toContain('canary');
    if (process.platform !== 'win32') expect(statSync(only()).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['another host', { origin: 'https://other.example.com' }],
    ['another virtual proxy', { prefix: 'other' }],
    ['another alias', { aliasHost: 'qlik.corp.example' }],
    ['another token', { authentication: { type: 'jwt' as const, token: new Secret('canary-other') } }],
    [
      'a user who logs in otherwise',
      { authentication: { type: 'header' as const, header: 'X', value: new Secret('u') } },
    ],
    ['another connection', { code: 'other' }],
  ])('are none for %s', async (_, changes) => {
    await filesIn(state).keep(connection, session());
    expect(await filesIn(state).read({ ...connection, ...changes })).toBeUndefined();
    expect(await filesIn(state).read(connection)).toBeDefined();
  });

  test('outlive an edit that changes neither user nor host', async () => {
    await filesIn(state).keep(connection, session());
    expect(await filesIn(state).read({ ...connection, contentHash: '1'.repeat(64), name: 'Other' })).toBeDefined();
  });

  test('are none with another key, and when any byte was changed', async () => {
    await filesIn(state).keep(connection, session());
    const good = readFileSync(only());
    for (const at of [0, 12, good.length - 1]) {
      const spoilt = Buffer.from(good);
      spoilt.writeUInt8(good.readUInt8(at) ^ 1, at);
      writeFileSync(only(), spoilt);
      expect(await filesIn(state).read(connection)).toBeUndefined();
    }
    for (const bytes of [good.subarray(0, 20), Buffer.alloc(0), Buffer.alloc(2 * 1024 * 1024)]) {
      writeFileSync(only(), bytes);
      expect(await filesIn(state).read(connection)).toBeUndefined();
    }
    writeFileSync(only(), good);
    expect(await filesIn(state).read(connection)).toBeDefined();
    rmSync(join(state, 'secrets.key'));
    expect(await filesIn(state).read(connection)).toBeUndefined();
    new KeyFile(state).obtain();
    expect(await filesIn(state).read(connection)).toBeUndefined();
  });

  test('are written one after the other, and the last one stays', async () => {
    const files = filesIn(state);
    await Promise.all(Array.from({ length: 50 }, (_, at) => files.keep(connection, session(`s${at}`))));
    expect((await files.read(connection))?.cookies).toEqual([['X-Qlik-Session', 's49']]);
    await files.keep(connection, { ...session(), cookies: [] });
    expect(readdirSync(join(state, 'sessions'))).toEqual([]);
  });

  test('are no reason to stop when they cannot be kept, which is said once', async () => {
    writeFileSync(join(state, 'secrets.key'), 'too short', { mode: 0o600 });
    chmodSync(join(state, 'secrets.key'), 0o600);
    const files = filesIn(state);
    await files.keep(connection, session());
    await files.keep(connection, session());
    expect(await files.read(connection)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('cannot be kept')]);
  });

  test('of connections that are no more are deleted', async () => {
    await filesIn(state).keep({ ...connection, code: 'gone' }, session());
    utimesSync(only(), new Date(0), new Date(0));
    await filesIn(state).keep(connection, session());
    expect(await filesIn(state).read(connection)).toBeDefined();
    only();
  });

  test('are swept by their own names alone', async () => {
    await filesIn(state).keep(connection, session());
    const left = `${only()}.4711`;
    for (const path of [join(state, 'sessions', 'important'), left]) {
      writeFileSync(path, 'canary');
      utimesSync(path, new Date(0), new Date(0));
    }
    await filesIn(state).keep(connection, session());
    expect(readdirSync(join(state, 'sessions')).sort()).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), 'important']);
  });

  test.skipIf(process.platform === 'win32').each(['a link', 'open to others'])(
    'are not kept in a folder that is %s',
    async (what) => {
      const elsewhere = mkdtempSync(join(tmpdir(), 'culvert-elsewhere-'));
      try {
        if (what === 'a link') symlinkSync(elsewhere, join(state, 'sessions'));
        else {
          mkdirSync(join(state, 'sessions'));
          chmodSync(join(state, 'sessions'), 0o777);
        }
        await filesIn(state).keep(connection, session());
        expect(warnings).toEqual([expect.stringContaining('cannot be kept')]);
        expect(readdirSync(elsewhere)).toEqual([]);
        expect(readdirSync(join(state, 'sessions'))).toEqual([]);
      } finally {
        rmSync(elsewhere, { recursive: true, force: true });
      }
    },
  );
});

describe.runIf(process.getuid?.() === 0)('root in the state folder of another user', () => {
  const OTHER = 12_345;

  test('keeps no session, makes no key and changes no owner', async () => {
    new KeyFile(state).obtain();
    const target = mkdtempSync(join(tmpdir(), 'culvert-of-root-'));
    try {
      writeFileSync(join(target, 'of-root'), 'canary');
      utimesSync(join(target, 'of-root'), new Date(0), new Date(0));
      symlinkSync(target, join(state, 'sessions'));
      chownSync(state, OTHER, OTHER);
      chownSync(join(state, 'secrets.key'), OTHER, OTHER);
      // What the user encrypted can still be read.
      expect(new KeyFile(state).obtain().type).toBe('key');
      await filesIn(state).keep(connection, session());
      expect(warnings).toEqual([expect.stringContaining('cannot be kept')]);
      expect(readdirSync(target)).toEqual(['of-root']);
      expect(lstatSync(target).uid).toBe(0);
      rmSync(join(state, 'secrets.key'));
      expect(new KeyFile(state).obtain()).toMatchObject({
        type: 'unusable',
        reason: expect.stringContaining('runuser'),
      });
      expect(readdirSync(state)).toEqual(['sessions']);
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  });

  test('does not make the folder either where another user made its place, and follows no link of his', () => {
    const own = mkdtempSync(join(tmpdir(), 'culvert-of-root-'));
    try {
      chownSync(state, OTHER, OTHER);
      expect(new KeyFile(join(state, 'new')).obtain()).toMatchObject({ type: 'unusable' });
      symlinkSync(own, join(state, 'link'));
      chownSync(state, 0, 0);
      expect(new KeyFile(join(state, 'link')).obtain().type).toBe('key');
      rmSync(join(own, 'secrets.key'));
      lchownSync(join(state, 'link'), OTHER, OTHER);
      expect(new KeyFile(join(state, 'link')).obtain()).toMatchObject({ type: 'unusable' });
      expect(readdirSync(own)).toEqual([]);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});
