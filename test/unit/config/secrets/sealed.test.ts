import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import type { KeyStore } from '#config/secrets/key-store.ts';
import { derivedKey, looksSealed, seal, unseal } from '#config/secrets/sealed.ts';
import { digestKeyOf } from '#config/secrets/secrets.ts';

const storeOf = (key: Uint8Array): KeyStore => ({
  name: 'the key of this test',
  files: [],
  read: () => ({ type: 'key', key }),
  obtain: () => ({ type: 'key', key }),
});
const KEY = new Uint8Array(32).fill(7);
const VALUE = 'canary-ä€"\\ \n𝄞';
const opened = (text: string, keys: KeyStore | undefined = storeOf(KEY)) => {
  const result = unseal(text, keys);
  return result.type === 'value' ? result.value.reveal() : result.reason;
};

describe('an encrypted value', () => {
  test('gives the value back, and is another text each time', () => {
    const first = seal(new Secret(VALUE), KEY);
    expect(first).toMatch(/^encrypted:v1:[\w-]+$/);
    expect(opened(` ${first}\n`)).toBe(VALUE);
    expect(seal(new Secret(VALUE), KEY)).not.toBe(first);
    expect(opened(seal(new Secret(''), KEY))).toBe('');
    expect(looksSealed(first)).toBe(true);
    expect(looksSealed('encrypted:abc')).toBe(false);
  });

  test('for one connection opens in no other, and in no agent.conf', () => {
    const bound = seal(new Secret(VALUE), KEY, 'qlik-prod');
    expect(bound).toMatch(/^encrypted:v1:[\w-]+$/);
    const inCode = (code?: string, text = bound) => unseal(text, storeOf(KEY), code);
    const value = inCode('qlik-prod');
    expect(value.type === 'value' && value.value.reveal()).toBe(VALUE);
    expect(inCode('qlik-test')).toMatchObject({
      reason: expect.stringContaining('another connection'),
      advice: expect.stringContaining('--for qlik-test'),
    });
    expect(inCode()).toMatchObject({ reason: expect.stringContaining('another connection') });
    expect(inCode('qlik-prod', seal(new Secret(VALUE), KEY))).toMatchObject({ type: 'value' });
    // No byte of the header says for whom it is without the rest agreeing.
    const bytes = Buffer.from(bound.slice('encrypted:v1:'.length), 'base64url');
    const other = Buffer.from(seal(new Secret('x'), KEY, 'qlik-test').slice('encrypted:v1:'.length), 'base64url');
    const plain = Buffer.from(seal(new Secret('x'), KEY).slice('encrypted:v1:'.length), 'base64url');
    const forged = [
      Buffer.concat([other.subarray(0, 8), bytes.subarray(8)]),
      Buffer.concat([plain.subarray(0, 4), bytes.subarray(8)]),
    ];
    for (const one of forged)
      expect(inCode('qlik-test', `encrypted:v1:${one.toString('base64url')}`)).toMatchObject({ type: 'failed' });
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(inCode('qlik-prod', `encrypted:v1:${changed.toString('base64url')}`), `byte ${i}`).toMatchObject({
        type: 'failed',
      });
    }
  });

  test('opens on no other machine', () => {
    expect(opened(seal(new Secret(VALUE), KEY), storeOf(new Uint8Array(32).fill(8)))).toContain('another key');
  });

  test('is refused when any byte of it was changed', () => {
    const sealed = Buffer.from(seal(new Secret('canary'), KEY).slice('encrypted:v1:'.length), 'base64url');
    for (let i = 0; i < sealed.length; i += 1) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(unseal(`encrypted:v1:${changed.toString('base64url')}`, storeOf(KEY)), `byte ${i}`).toMatchObject({
        type: 'failed',
      });
    }
    expect(opened(`encrypted:v1:${sealed.subarray(0, 20).toString('base64url')}`)).toContain('damaged');
    expect(opened('encrypted:v1:')).toContain('damaged');
    expect(opened('encrypted:v1:a b=c')).toContain('damaged');
  });

  test('cannot be passed off as one of another version', () => {
    expect(opened(seal(new Secret(VALUE), KEY).replace(':v1:', ':v2:'))).toContain('version');
  });

  test('says what is missing when there is no key', () => {
    expect(unseal(seal(new Secret(VALUE), KEY), undefined)).toMatchObject({
      advice: expect.stringContaining('--config'),
    });
  });
});

describe('the file of the key', () => {
  let state: string;
  let path: string;
  beforeEach(() => {
    state = join(mkdtempSync(join(tmpdir(), 'culvert-key-')), 'state');
    path = join(state, 'secrets.key');
  });
  afterEach(() => rmSync(join(state, '..'), { recursive: true, force: true }));

  test('is made on first use, for its owner alone, and then stays', () => {
    const keys = new KeyFile(state);
    expect(keys.read()).toEqual({ type: 'missing', reason: 'it does not exist' });
    const made = keys.obtain();
    expect(made.type).toBe('key');
    expect(keys.obtain()).toEqual(made);
    expect(new KeyFile(state).read()).toEqual(made);
    expect(readFileSync(path)).toHaveLength(32);
    expect(readdirSync(state)).toEqual(['secrets.key']);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is one file, however many make it at the same time', async () => {
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { KeyFile } = await import(workerData.module);
      Atomics.wait(workerData.gate, 0, 0);
      parentPort.postMessage(Buffer.from(new KeyFile(workerData.state).obtain().key).toString('hex'));`;
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const module = new URL('../../../../config/secrets/key-file.ts', import.meta.url).href;
    const workers = Array.from(
      { length: 4 },
      () =>
        new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
          workerData: { gate, state, module },
        }),
    );
    const keys = workers.map(
      (worker) => new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject)),
    );
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on('online', resolve))));
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expect(new Set(await Promise.all(keys)).size).toBe(1);
    expect(readdirSync(state)).toEqual(['secrets.key']);
  });

  test.skipIf(process.platform === 'win32').each([0o644, 0o640, 0o602])(
    'that others can reach (%o) is refused',
    (mode) => {
      new KeyFile(state).obtain();
      chmodSync(path, mode);
      expect(new KeyFile(state).read()).toMatchObject({
        type: 'unusable',
        reason: expect.stringContaining('chmod 600'),
      });
      expect(new KeyFile(state).obtain()).toMatchObject({ type: 'unusable' });
      expect(unseal(seal(new Secret(VALUE), KEY), new KeyFile(state))).toMatchObject({ type: 'failed' });
    },
  );

  test('that is damaged is never overwritten', () => {
    new KeyFile(state).obtain();
    writeFileSync(path, 'short');
    expect(new KeyFile(state).obtain()).toMatchObject({
      type: 'unusable',
      reason: expect.stringContaining('32 bytes'),
    });
    expect(readFileSync(path, 'utf8')).toBe('short');
  });

  test('gives a key for content hashes that is the same after a restart, and is not the key itself', () => {
    const first = digestKeyOf(new KeyFile(state));
    expect(digestKeyOf(new KeyFile(state))).toEqual(first);
    const stored = new KeyFile(state).read();
    if (first.type !== 'key' || stored.type !== 'key') throw new Error('no key');
    expect(Buffer.from(first.key)).not.toEqual(Buffer.from(stored.key));
    expect(first.key).not.toEqual(derivedKey(stored.key, 'encrypted:v1'));
  });
});
