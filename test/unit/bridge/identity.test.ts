import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Identity, loadIdentity, newKeyPair } from '#agent/bridge/identity.ts';
import { type StoredIdentity, storeIdentity } from '#agent/bridge/identity-file.ts';
import { nameMachine } from '#agent/bridge/machine.ts';
import { catalogKeyText, challenge, keyProof } from '#protocol/messages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-identity-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const publicOf = (key: KeyObject): string => key.export({ format: 'der', type: 'spki' }).toString('base64');
const catalog = generateKeyPairSync('ed25519');
const stored = (changes: Partial<StoredIdentity> = {}): StoredIdentity => ({
  agentId: 'agent-1',
  keyId: 'key-1',
  organisation: 'Acme',
  privateKey: newKeyPair().privateKey,
  catalogKey: publicOf(catalog.publicKey),
  ...changes,
});

/** An identity whose file is read again, as after a crash. */
const onDisk = async (changes?: Partial<StoredIdentity>): Promise<Identity> => {
  await storeIdentity(folder, stored(changes));
  return await loadIdentity(folder);
};

/** The successor of a signing key, as the catalog tells of it. */
const successor = (signer: KeyObject, organisation = 'Acme') => {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = publicOf(pair.publicKey);
  const text = Buffer.from(catalogKeyText(organisation, publicKey));
  return { ...pair, told: [publicKey, sign(null, text, signer).toString('base64')] as const };
};
const signedBy = (key: KeyObject, text: string): string => sign(null, Buffer.from(text), key).toString('base64');

describe('the agent’s next key', () => {
  test('is on the disk before anybody is told of it, and the same after a crash', async () => {
    const identity = await onDisk();
    const { publicKey, proof } = await identity.proveNextKey('nonce', '2026-01-01T00:00:00.000Z');
    const key = { key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' } as const;
    expect(verify(null, Buffer.from(keyProof('agent-1', 'nonce', publicKey)), key, Buffer.from(proof, 'base64'))).toBe(
      true,
    );
    const again = await loadIdentity(folder);
    expect(again.hasNextKey).toBe(true);
    // Until it is known that the catalog took it the first one signs.
    expect(again.keyId).toBe('key-1');
    expect((await again.proveNextKey('other nonce', '2026-02-01T00:00:00.000Z')).publicKey).toBe(publicKey);
  });

  test('counts once the catalog named it, and the old one is gone from the disk', async () => {
    const identity = await onDisk();
    await identity.proveNextKey('nonce', '2026-01-01T00:00:00.000Z');
    const before = JSON.parse(await readFile(join(folder, 'identity.json'), 'utf8'));
    expect(identity.keyRotated('another')).toBe(false);
    const next = new Identity({ ...stored(), ...before, privateKey: before.next.privateKey }).keyId;
    expect(next).toBe('key-1');
    // The id is the one that the catalog computes from the public key.
    identity.keyRefused();
    const { keyId } = identity;
    expect(keyId).toMatch(/^[0-9a-f]{32}$/);
    expect(identity.keyRotated(keyId)).toBe(true);
    await identity.settled();
    const after = JSON.parse(await readFile(join(folder, 'identity.json'), 'utf8'));
    expect(after).toMatchObject({ keyId, privateKey: before.next.privateKey, keyMadeAt: '2026-01-01T00:00:00.000Z' });
    expect(after).not.toHaveProperty('next');
    expect(JSON.stringify(after)).not.toContain(JSON.stringify(before.privateKey).slice(1, -1));
  });

  test('is tried when the catalog knows the first one no more: the answer was lost, and a day went by', async () => {
    await (await onDisk()).proveNextKey('nonce', '2026-01-01T00:00:00.000Z');
    const identity = await loadIdentity(folder);
    identity.signChallenge('host', 'nonce', 'boot');
    identity.keyRefused();
    expect(identity.keyId).not.toBe('key-1');
    identity.signChallenge('host', 'nonce', 'boot');
    identity.keyRefused();
    expect(identity.keyId).toBe('key-1');
    identity.signChallenge('host', 'nonce', 'boot');
    identity.keyRefused();
    identity.signChallenge('host', 'nonce', 'boot');
    identity.keyAccepted();
    await identity.settled();
    expect((await loadIdentity(folder)).keyId).toBe(identity.keyId);
    expect(identity.hasNextKey).toBe(false);
  });

  test('is told to nobody when it cannot be stored', async () => {
    const identity = new Identity(stored(), () => Promise.reject(new Error('disk full')));
    await expect(identity.proveNextKey('nonce', 'now')).rejects.toMatchObject({ code: 'spool.failed' });
  });

  test('neither key prints', async () => {
    const identity = await onDisk({ privateKey: newKeyPair().privateKey });
    await identity.proveNextKey('nonce', '2026-01-01T00:00:00.000Z');
    expect(inspect(identity, { depth: 5, showHidden: true }) + JSON.stringify(identity)).not.toContain('PRIVATE');
    if (process.platform !== 'win32') expect((await stat(join(folder, 'identity.json'))).mode & 0o777).toBe(0o600);
  });
});

describe('the catalog’s key', () => {
  test('a successor that the pinned one signed is pinned, also in a chain; jobs on the disk stay genuine', async () => {
    const identity = await onDisk();
    const second = successor(catalog.privateKey);
    const third = successor(second.privateKey);
    const old = signedBy(catalog.privateKey, 'job');
    expect(identity.pin(...second.told)).toBe('pinned');
    expect(identity.pin(...third.told)).toBe('pinned');
    expect(identity.pin(...second.told)).toBe('known');
    // Within this session the catalog may still sign with the key before.
    expect(identity.verifyJob('job', old)).toBe(true);
    // In the next one only with the newest, also when the process is the same.
    identity.signChallenge('host', 'nonce', 'boot');
    expect(identity.verifyJob('job', old)).toBe(false);
    await identity.settled();
    const later = await loadIdentity(folder);
    later.signChallenge('host', 'nonce', 'boot');
    expect(later.verifyJob('job', signedBy(third.privateKey, 'job'))).toBe(true);
    expect(later.verifyJob('job', old)).toBe(false);
    expect(later.verifyHeldJob('job', old)).toBe(true);
    expect(later.verifyHeldJob('other job', old)).toBe(false);
  });

  test('whatever the pinned key did not sign for this organisation is refused', async () => {
    const identity = await onDisk();
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const second = successor(catalog.privateKey);
    const third = successor(second.privateKey);
    for (const told of [
      successor(stranger).told,
      successor(catalog.privateKey, 'Other').told,
      // A link of the chain is missing.
      third.told,
      ['no key', second.told[1]] as const,
      [second.told[0], ''] as const,
    ])
      expect(identity.pin(...told)).toBe('refused');
    expect(identity.verifyJob('job', signedBy(stranger, 'job'))).toBe(false);
  });
});

describe('the machine', () => {
  const machine = (id: string) =>
    nameMachine({
      platform: 'linux',
      read: async (path) => (path === '/etc/machine-id' ? `${id}\n` : ''),
      run: async () => '',
    });
  const [one, other] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];

  test('an identity of before is bound; a copy on another machine is noticed', async () => {
    const identity = await onDisk();
    expect(identity.bind(await machine(one))).toBe('same');
    await identity.settled();
    const again = await loadIdentity(folder);
    expect(again.bind(await machine(one))).toBe('same');
    expect(again.bind(await machine(other))).toBe('other');
    // It stays so until somebody says what happened.
    expect((await loadIdentity(folder)).bind(await machine(other))).toBe('other');
  });

  test('a machine without an id binds nothing', async () => {
    for (const id of ['', 'uninitialized']) {
      expect(await machine(id)).toBeUndefined();
      expect((await onDisk({ machine: 'bound' })).bind(await machine(id))).toBe('same');
    }
  });

  test('is named by MachineGuid and the UUID of the platform elsewhere, and not by the same for two agents', async () => {
    const calls: string[] = [];
    const on = (platform: string, answer: string) =>
      nameMachine({
        platform,
        systemRoot: 'C:\\Windows',
        read: () => Promise.reject(new Error('none')),
        run: async (file, args) => {
          calls.push([file, ...args].join(' '));
          return answer;
        },
      });
    const windows = await on('win32', '\r\n    MachineGuid    REG_SZ    0a1b2c3d-0000-1111-2222-333344445555\r\n');
    const mac = await on('darwin', '    "IOPlatformUUID" = "0A1B2C3D-0000-1111-2222-333344445555"\n');
    expect(windows?.('agent')).toBe(mac?.('agent'));
    expect(windows?.('agent')).not.toBe(windows?.('other'));
    expect(calls[0]).toContain('C:\\Windows\\System32\\reg.exe query HKLM');
    expect(calls[1]).toContain('/usr/sbin/ioreg');
    expect(await on('win32', 'ERROR')).toBeUndefined();
  });
});

test('a damaged identity says so without its content', async () => {
  await storeIdentity(folder, stored({ privateKey: 'canary-key' }));
  const error: unknown = await loadIdentity(folder).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'bridge.not_enrolled', advice: expect.stringContaining('reset-identity') });
  expect(inspect(error)).not.toContain('canary-key');
});

test('a signature holds for one host, one nonce and one start', async () => {
  const pair = newKeyPair();
  const identity = new Identity(stored({ privateKey: pair.privateKey }));
  const signature = Buffer.from(identity.signChallenge('Catalog.example.com', 'nonce', 'boot'), 'base64');
  const key = { key: Buffer.from(pair.publicKey, 'base64'), format: 'der', type: 'spki' } as const;
  const holds = (host: string, nonce: string, boot: string): boolean =>
    verify(null, Buffer.from(challenge(host, nonce, 'agent-1', boot)), key, signature);
  expect(holds('catalog.example.com', 'nonce', 'boot')).toBe(true);
  for (const [host, nonce, boot] of [
    ['evil.example.com', 'nonce', 'boot'],
    ['catalog.example.com:8443', 'nonce', 'boot'],
    ['catalog.example.com', 'other', 'boot'],
    ['catalog.example.com', 'nonce', 'other'],
  ] as const)
    expect(holds(host, nonce, boot)).toBe(false);
});
