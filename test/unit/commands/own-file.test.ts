import { lchownSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Identity, newKeyPair } from '#agent/bridge/identity.ts';
import { flagsToWrite, writeOwnFile } from '#agent/commands/own-file.ts';
import { PackageFile } from '#agent/commands/package-file.ts';
import { RecordFile } from '#agent/commands/record-file.ts';

const NEIGHBOUR = 65_534;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-own-file-'));
  writeFileSync(join(folder, 'victim'), 'untouched');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const untouched = (): void => expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('untouched');
const header = {
  connection: { code: 'prod', name: 'Production', url: 'https://qlik.example' },
  agentVersion: '1.0.0',
  createdAt: '2026-11-22T08:00:00.000Z',
};
const identity = (): Identity => {
  const { publicKey, privateKey } = newKeyPair();
  return new Identity({ agentId: 'a', keyId: 'k', organisation: 'o', catalogKey: publicKey, privateKey });
};

test('a package follows no link that lies where it is written, and is for this user alone', async () => {
  const path = join(folder, 'package');
  symlinkSync(join(folder, 'victim'), `${path}.part`);
  await using file = await PackageFile.open(path, identity(), header);
  expect(statSync(`${path}.part`).mode & 0o777).toBe(0o600);
  symlinkSync(join(folder, 'victim'), path);
  await file.close();
  untouched();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a text takes the place of an own file and is for this user alone', () => {
  const path = join(folder, 'report');
  writeFileSync(path, 'before', { mode: 0o644 });
  writeOwnFile(path, 'after');
  expect(readFileSync(path, 'utf8')).toBe('after');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('where nothing is, nothing that comes meanwhile is written to', () => {
  expect(flagsToWrite(join(folder, 'new'))).toBe('wx');
});

// Only root can lay out what another user would.
describe.skipIf(process.getuid?.() !== 0)('in a folder where a neighbour may write', () => {
  test('records go neither into a file of his nor through a link of his', () => {
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, '');
    symlinkSync(join(folder, 'victim'), link);
    for (const path of [file, link]) {
      lchownSync(path, NEIGHBOUR, NEIGHBOUR);
      expect(() => new RecordFile(path)).toThrow('of another user');
      expect(() => writeOwnFile(path, 'x')).toThrow('of another user');
    }
    untouched();
  });
});
