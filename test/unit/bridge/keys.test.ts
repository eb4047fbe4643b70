import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditLog } from '#agent/audit/audit-log.ts';
import { readAudit } from '#agent/audit/verify.ts';
import { type Bridge, type BridgeOptions, startBridge } from '#agent/bridge/bridge.ts';
import { Identity, loadIdentity, newKeyPair } from '#agent/bridge/identity.ts';
import { storeIdentity } from '#agent/bridge/identity-file.ts';
import { systemClock } from '#agent/bridge/link-clock.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { CLOSE } from '#protocol/constants.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, quiet, someStatus, until } from './loopback.ts';
import { siteHandler } from './site.ts';

const DAY_MS = 86_400_000;
const MADE = '2026-01-01T00:00:00.000Z';
const dialer = new Dialer();
/** As the real one, but nothing is waited for long. */
const eager = {
  ...systemClock,
  after: (ms: number, call: () => void) => systemClock.after(ms > 60_000 ? ms : Math.min(ms, 5), call),
  random: () => 0.001,
};

let folder: string;
let backend: MemoryBackend;
let loopback: Loopback;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-keys-'));
  backend = new MemoryBackend({ nowMs: () => performance.now() });
  loopback = await Loopback.start({ backend });
});
afterEach(async () => {
  await loopback[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** An enrolled agent whose key is as old as the test wants. */
const enrolled = async (): Promise<Identity> => {
  const { publicKey, privateKey } = newKeyPair();
  const agentId = backend.addAgent(publicKey);
  await storeIdentity(folder, {
    agentId,
    keyId: 'key-1',
    organisation: 'org-1',
    privateKey,
    keyMadeAt: MADE,
    catalogKey: backend.catalogKey,
  });
  return await loadIdentity(folder);
};
const told = async (): Promise<readonly object[]> => {
  const all: object[] = [];
  for await (const { entry } of readAudit(join(folder, 'audit'))) if (entry) all.push(entry);
  return all;
};
const start = (identity: Identity, options: Partial<BridgeOptions> = {}): Promise<Bridge> =>
  startBridge({
    settings: { gatewayUrl: loopback.url, proxy: undefined },
    identity,
    dialer,
    version: '0.0.0',
    spoolFolder: join(folder, 'spool'),
    seenJobsFile: join(folder, 'seen-jobs.json'),
    status: () => someStatus(),
    handlers: {},
    log: quiet,
    clock: eager,
    wallMs: () => Date.parse(MADE),
    ...options,
  });

describe('the agent’s key', () => {
  test('is renewed over the live session when the catalog asks; the next session signs with the new one', async () => {
    const identity = await enrolled();
    await using audit = await AuditLog.open(join(folder, 'audit'));
    await using bridge = await start(identity, { audit });
    await until(() => bridge.health().state === 'open');
    backend.tell(identity.agentId, { ask: { type: 'key.renew' } });
    await until(() => backend.rotations.length === 1 && identity.keyId === backend.rotations[0]);
    backend.agent(identity.agentId).keys.delete('key-1');
    await bridge.close();
    await audit.close();
    expect(await told()).toMatchObject([{ event: 'keyRotated', key: backend.rotations[0] }]);
    const again = await loadIdentity(folder);
    expect(again.keyId).toBe(backend.rotations[0]);
    await using next = await start(again);
    await until(() => next.health().state === 'open');
  });

  test.each([
    [44, false],
    [55, true],
  ])('that is %i days old is renewed: %s', async (days, renewed) => {
    const identity = await enrolled();
    let looked = false;
    await using bridge = await start(identity, {
      wallMs: () => {
        looked = true;
        return Date.parse(MADE) + days * DAY_MS;
      },
    });
    await until(() => bridge.health().state === 'open' && looked);
    if (renewed) await until(() => identity.keyId === backend.rotations[0]);
    expect(identity.hasNextKey || backend.rotations.length > 0).toBe(renewed);
  });

  test('whose successor’s answer was lost: the same successor is told again, and no third is made', async () => {
    const identity = await enrolled();
    const { publicKey } = await identity.proveNextKey('a session that broke', MADE);
    await using bridge = await start(await loadIdentity(folder));
    await until(() => backend.rotations.length > 0);
    const known = [...backend.agent(identity.agentId).keys.values()].map((key) =>
      key.export({ format: 'der', type: 'spki' }).toString('base64'),
    );
    expect(known).toContain(publicKey);
    expect(bridge.health().state).toBe('open');
  });

  test('that the catalog knows no more gives way to the successor that it knows', async () => {
    const identity = await enrolled();
    const { agentId } = identity;
    await using bridge = await start(identity);
    await until(() => bridge.health().state === 'open');
    backend.tell(agentId, { ask: { type: 'key.renew' } });
    await until(() => backend.rotations.length === 1);
    await bridge.close();
    // As if the process had died before it heard the answer, and a day had gone by.
    const [next = ''] = backend.rotations;
    const stale = new Identity({
      agentId,
      keyId: 'key-1',
      organisation: 'org-1',
      privateKey: newKeyPair().privateKey,
      keyMadeAt: MADE,
      next: { privateKey: await privateKeyNow(), madeAt: MADE },
      catalogKey: backend.catalogKey,
    });
    backend.agent(agentId).keys.delete('key-1');
    const hurried = { ...eager, after: (_ms: number, call: () => void) => systemClock.after(5, call) };
    await using audit = await AuditLog.open(join(folder, 'audit'));
    await using later = await start(stale, { clock: hurried, audit });
    await until(() => later.health().state === 'open');
    expect(stale.keyId).toBe(next);
    await audit.append([]);
    // The key of before was refused first: that is told, too.
    expect(await told()).toMatchObject([{ event: 'sessionRefused' }, { event: 'keyRotated', key: next }]);
  });

  const privateKeyNow = async (): Promise<string> => {
    const { readIdentity } = await import('#agent/bridge/identity-file.ts');
    return (await readIdentity(folder)).privateKey;
  };
});

describe('the catalog’s key', () => {
  test('a succession told before a job: the job is taken, and the new key is on the disk before it begins', async () => {
    const identity = await enrolled();
    backend.asks = [backend.succeed()];
    let pinnedAtStart: string | undefined;
    const site = siteHandler({ apps: 1, assetsPerApp: 1, bulkBytes: 1 });
    const job = backend.addJob(identity.agentId);
    await using audit = await AuditLog.open(join(folder, 'audit'));
    await using _bridge = await start(identity, {
      audit,
      handlers: {
        crawl: {
          run: async (...values) => {
            const { readIdentity } = await import('#agent/bridge/identity-file.ts');
            pinnedAtStart = (await readIdentity(folder)).catalogKey;
            await site.run(...values);
          },
        },
      },
    });
    await until(() => job.state === 'published');
    expect(pinnedAtStart).toBe(backend.catalogKey);
    const key = createHash('sha256').update(Buffer.from(backend.catalogKey, 'base64')).digest('hex').slice(0, 32);
    expect((await told())[0]).toMatchObject({ event: 'catalogKeyChanged', key });
  });
});

describe('a session', () => {
  test('that the catalog ends because the agent was disabled is not opened again soon', async () => {
    const identity = await enrolled();
    await using audit = await AuditLog.open(join(folder, 'audit'));
    await using bridge = await start(identity, { audit });
    await until(() => bridge.health().state === 'open');
    backend.agent(identity.agentId).disabled = true;
    backend.tell(identity.agentId, {
      end: { closeCode: CLOSE.agentDisabled, message: 'This agent is disabled.', advice: 'Ask.' },
    });
    await until(() => bridge.health().error?.code === 'bridge.identity_refused');
    expect(bridge.health().error).toMatchObject({ message: 'This agent is disabled.', retryable: false });
    await audit.append([]);
    expect(await told()).toMatchObject([
      { event: 'sessionRefused', code: CLOSE.agentDisabled, reason: 'This agent is disabled.' },
    ]);
  });

  test('a job that was done before is not run again, though its signature is genuine', async () => {
    const identity = await enrolled();
    const ran: string[] = [];
    const site = { apps: 1, assetsPerApp: 1, bulkBytes: 1 };
    const job = backend.addJob(identity.agentId);
    await using bridge = await start(identity, { handlers: { crawl: siteHandler(site, { ran }) } });
    await until(() => job.state === 'published' && bridge.health().spoolAttempts === 0);
    // Whoever stands between offers it as it was.
    for (const attempt of [job.attempt, job.attempt + 1]) {
      job.error = undefined;
      backend.replay(job, attempt);
      await until(() => job.error !== undefined);
      expect(job.error).toMatchObject({ code: 'bridge.job_replayed' });
    }
    expect(ran).toEqual(['site/app-0']);
  });
});
