import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newKeyPair } from '#agent/bridge/identity.ts';
import { storeIdentity } from '#agent/bridge/identity-file.ts';
import { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { filesBelow } from './files-below.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-stolen-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the key of the agent lies there in clear, for its user alone: whoever has the disk is the agent until it is revoked', async () => {
  const { privateKey } = newKeyPair();
  await storeIdentity(folder, {
    agentId: 'agent-1',
    keyId: 'key-1',
    organisation: 'Acme',
    privateKey,
    catalogKey: newKeyPair().publicKey,
  });
  const path = join(folder, 'identity.json');
  expect(JSON.parse(await readFile(path, 'utf8')).privateKey).toBe(privateKey);
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.skipIf(process.platform === 'win32')(
  'what was crawled and not delivered lies there unencrypted, for its user alone',
  async () => {
    const spool = await Spool.open(join(folder, 'spool'));
    const attempt = await spool.create({
      jobId: 'job',
      attempt: 1,
      leaseToken: 'lease',
      stream: 1,
      spec: '{}',
      signature: '',
      acceptedAt: '2026-01-01T00:00:00.000Z',
    });
    const writer = new SpoolWriter(attempt, new AbortController().signal, () => undefined);
    await writer.write({ t: 'scope', scope: 'site', kind: 'site', name: 'Site' });
    await writer.flush();
    await spool.close();
    const files = await filesBelow(folder);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect((await stat(file)).mode & 0o077, file).toBe(0);
  },
);
