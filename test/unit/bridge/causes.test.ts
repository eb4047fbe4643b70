import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBridge } from '#agent/bridge/bridge.ts';
import { Identity, newKeyPair } from '#agent/bridge/identity.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, someStatus, until } from './loopback.ts';

test('the log says what caused a failure, without the secrets that a library wrote into its message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-causes-'));
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend });
  const { publicKey, privateKey } = newKeyPair();
  const agentId = backend.addAgent(publicKey);
  const { catalogKey } = backend;
  const identity = new Identity({ agentId, keyId: 'key-1', organisation: 'org-1', privateKey, catalogKey });
  const logged: object[] = [];
  const keep = (fields: object, message: string): void => void logged.push({ ...fields, message });
  const root = new Error('connect ECONNRESET https://ann:canary-password@qlik.example');
  const cause = new Error('the socket was cut', { cause: root });
  const job = backend.addJob(agentId);
  try {
    await using _bridge = await startBridge({
      settings: { gatewayUrl: loopback.url, proxy: undefined },
      identity,
      dialer: new Dialer(),
      version: '0.0.0',
      spoolFolder: join(folder, 'spool'),
      status: () => someStatus(),
      handlers: {
        crawl: {
          run: () =>
            Promise.reject(new Fault('qlik.engine_failed', 'Sent: https://ann:canary-too@qlik.example', { cause })),
        },
      },
      log: { info: keep, warn: keep, error: keep },
    });
    await until(() => job.error !== undefined || logged.some((entry) => 'causes' in entry));
    expect(logged.find((entry) => 'causes' in entry)).toMatchObject({
      code: 'qlik.engine_failed',
      message: 'Sent: https://[redacted]@qlik.example',
      causes: ['the socket was cut', 'connect ECONNRESET https://[redacted]@qlik.example'],
    });
    expect(JSON.stringify(logged)).not.toContain('canary');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
