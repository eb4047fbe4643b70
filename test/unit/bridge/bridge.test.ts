import { cp, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Identity, loadIdentity, newKeyPair } from '#agent/bridge/identity.ts';
import type { TransportListener } from '#agent/bridge/transport.ts';
import { webSocketTransport } from '#agent/bridge/transport-websocket.ts';
import { AGENT_PATH, CREDIT } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, until } from './loopback.ts';
import { dialer, machineOfEachTest } from './machine.ts';
import { siteHandler } from './site.ts';

const machine = machineOfEachTest();

describe('a crawl over a real WebSocket', () => {
  test('publishes exactly the records that were written', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const site = { apps: 20, assetsPerApp: 60, bulkBytes: 400 };
    const job = machine.backend.addJob(identity.agentId);
    await using bridge = await machine.bridgeTo(loopback.url, identity, { handlers: { crawl: siteHandler(site) } });
    await until(() => job.state === 'published');
    machine.expectPublished(site);
    expect(bridge.health()).toMatchObject({ state: 'open', healthy: true, error: null });
    await until(() => bridge.health().spoolBytes === 0);
  });

  test('is exact although the link is cut again and again', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const site = { apps: 12, assetsPerApp: 400, bulkBytes: 300 };
    const job = machine.backend.addJob(identity.agentId);
    await using _bridge = await machine.bridgeTo(loopback.url, identity, { handlers: { crawl: siteHandler(site) } });
    let cuts = 0;
    for (const at of [1, 3, 4, 6]) {
      await until(() => machine.backend.counts.stored >= at || job.state === 'published');
      if (loopback.cut() > 0) cuts += 1;
    }
    await until(() => job.state === 'published');
    expect(cuts).toBe(4);
    expect(machine.backend.agent(identity.agentId).epoch).toBeGreaterThanOrEqual(4);
    machine.expectPublished(site);
  });

  test('goes on from its spool in a new process, without reading complete scopes again', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const site = { apps: 10, assetsPerApp: 100, bulkBytes: 300 };
    const job = machine.backend.addJob(identity.agentId);
    // The first process hangs in the sixth app; the disk as it then is goes to a second one.
    const hang = Promise.withResolvers<void>();
    const first: string[] = [];
    const pace = (scope: string) => (scope === 'site/app-5' ? hang.promise : Promise.resolve());
    const old = await machine.bridgeTo(loopback.url, identity, {
      handlers: { crawl: siteHandler(site, { ran: first, pace }) },
    });
    await until(() => machine.backend.published.size === 5);
    const spoolFolder = join(machine.folder, 'after-crash');
    await cp(join(machine.folder, 'spool'), spoolFolder, { recursive: true });
    loopback.cut();
    const closing = old.close();
    hang.reject(new Error('the process is gone'));
    await closing;
    const second: string[] = [];
    await using _bridge = await machine.bridgeTo(loopback.url, identity, {
      spoolFolder,
      handlers: { crawl: siteHandler(site, { ran: second }) },
    });
    await until(() => job.state === 'published');
    expect(job.attempt).toBe(1);
    expect(second).toEqual(['site/app-5', 'site/app-6', 'site/app-7', 'site/app-8', 'site/app-9']);
    machine.expectPublished(site);
  });

  test('fills the spool while the catalog is away and delivers it when it returns', async () => {
    const identity = await (async () => {
      await using loopback = await Loopback.start({ backend: machine.backend });
      return await machine.enrolAt(loopback.url);
    })();
    const site = { apps: 6, assetsPerApp: 50, bulkBytes: 200 };
    const job = machine.backend.addJob(identity.agentId);
    const gate = Promise.withResolvers<void>();
    const loopback = await Loopback.start({ backend: machine.backend });
    let target = loopback.url;
    const transport = {
      connect: (listener: TransportListener) =>
        webSocketTransport(dialer, `${target.replace('http', 'ws')}${AGENT_PATH}`, undefined, undefined).connect(
          listener,
        ),
    };
    let done = false;
    const handler = siteHandler(site, { pace: () => gate.promise });
    await using bridge = await machine.bridgeTo('http://127.0.0.1', identity, {
      transport: {
        connect: (listener) => transport.connect(listener),
      },
      // The challenge names the address of the settings, the gateway its own: here they are made one.
      identity: new Proxy(identity, {
        get: (own, name) => {
          if (name === 'signChallenge')
            return (_host: string, nonce: string, bootId: string) =>
              own.signChallenge(new URL(target).host, nonce, bootId);
          const value: unknown = Reflect.get(own, name);
          return typeof value === 'function' ? value.bind(own) : value;
        },
      }),
      handlers: {
        crawl: {
          run: async (...values) => {
            await handler.run(...values);
            done = true;
          },
        },
      },
    });
    await until(() => bridge.health().running.length === 1);
    await loopback[Symbol.asyncDispose]();
    gate.resolve();
    await until(() => done && bridge.health().running.length === 0);
    expect(machine.backend.published.size).toBe(0);
    await using again = await Loopback.start({ backend: machine.backend });
    target = again.url;
    await until(() => job.state === 'published');
    machine.expectPublished(site);
  });

  test('never has more on the wire than the credit of a stream', async () => {
    const gate = Promise.withResolvers<void>();
    let unconsumed = 0;
    let most = 0;
    machine.backend = new MemoryBackend({ nowMs: () => performance.now(), consuming: () => gate.promise });
    const store = machine.backend.storeBatch.bind(machine.backend);
    machine.backend.storeBatch = async (session, lease, batch) => {
      unconsumed += batch.payload.length;
      most = Math.max(most, unconsumed);
      return await store(session, lease, batch);
    };
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const site = { apps: 4, assetsPerApp: 500, bulkBytes: 1000 };
    const job = machine.backend.addJob(identity.agentId);
    await using bridge = await machine.bridgeTo(loopback.url, identity, { handlers: { crawl: siteHandler(site) } });
    await until(() => bridge.health().running.length === 1);
    await until(() => bridge.health().running.length === 0 && unconsumed > CREDIT.streamBytes / 2);
    expect(bridge.health().spoolBytes).toBeGreaterThan(CREDIT.streamBytes);
    expect(most).toBeLessThanOrEqual(CREDIT.streamBytes);
    gate.resolve();
    await until(() => job.state === 'published');
    expect(machine.backend.agent(identity.agentId).epoch).toBe(1);
    machine.expectPublished(site);
  });
});

describe('endings', () => {
  test('a cancelled job keeps what was published and tells so', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const hang = Promise.withResolvers<void>();
    const site = { apps: 3, assetsPerApp: 10, bulkBytes: 10 };
    const job = machine.backend.addJob(identity.agentId);
    const pace = (scope: string) => (scope === 'site/app-1' ? hang.promise : Promise.resolve());
    await using bridge = await machine.bridgeTo(loopback.url, identity, {
      handlers: {
        crawl: {
          run: async (spec, sink, context) => {
            context.signal.addEventListener('abort', () => hang.reject(context.signal.reason));
            await siteHandler(site, { pace }).run(spec, sink, context);
          },
        },
      },
    });
    await until(() => machine.backend.published.size === 1);
    machine.backend.cancelJob(job);
    await until(() => job.state === 'cancelled');
    expect(job.error).toMatchObject({ code: 'job.cancelled' });
    expect([...machine.backend.published.keys()]).toEqual(['site/app-0']);
    await until(() => bridge.health().spoolBytes === 0);
  });

  test('a lost lease stops the crawl and deletes its spool', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const job = machine.backend.addJob(identity.agentId);
    let reason: unknown;
    await using bridge = await machine.bridgeTo(loopback.url, identity, {
      handlers: {
        crawl: {
          run: async (_spec, sink, { signal }) => {
            await sink.write({ t: 'scope', scope: 'site/app-0', kind: 'app', name: 'one' });
            await new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                reason = signal.reason;
                reject(signal.reason);
              });
            });
          },
        },
      },
    });
    await until(() => job.durableSeq === 1);
    job.leaseToken = 'somebody else';
    loopback.cut();
    await until(() => reason !== undefined && bridge.health().spoolBytes === 0);
    expect(reason).toMatchObject({ code: 'bridge.lease_lost' });
    await until(() => bridge.health().running.length === 0);
    expect(await readdir(join(machine.folder, 'spool'))).toEqual([]);
  });

  test('a handler that fails ends the job with its error', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const job = machine.backend.addJob(identity.agentId);
    const fault = new Fault('qlik.unauthorized', 'the site refused the token');
    await using _bridge = await machine.bridgeTo(loopback.url, identity, {
      handlers: { crawl: { run: () => Promise.reject(fault) } },
    });
    await until(() => job.state === 'failed');
    expect(job.error).toEqual(fault.toJSON());
  });

  test('a job of an unknown kind is rejected', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const job = machine.backend.addJob(identity.agentId, { kind: 'shell' });
    await using _bridge = await machine.bridgeTo(loopback.url, identity, { handlers: { crawl: siteHandler(NO_SITE) } });
    await until(() => job.state === 'failed');
    expect(job.error).toMatchObject({ code: 'job.unknown_kind' });
  });
});

const NO_SITE = { apps: 0, assetsPerApp: 0, bulkBytes: 0 };

describe('trust', () => {
  test('the identity is stored for this user only and the token is used up', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const token = machine.backend.newEnrolmentToken();
    const identity = await machine.enrolAt(loopback.url, token);
    const path = join(machine.folder, 'identity.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).not.toContain(token);
    expect((await loadIdentity(machine.folder)).agentId).toBe(identity.agentId);
    expect(JSON.stringify(identity)).not.toMatch(/PRIVATE/);
    await expect(machine.enrolAt(loopback.url, token)).rejects.toMatchObject({ code: 'bridge.enrolment_refused' });
    // The refusal left the first identity as it was.
    expect((await loadIdentity(machine.folder)).agentId).toBe(identity.agentId);
  });

  test('without an identity nothing starts', async () => {
    await expect(loadIdentity(machine.folder)).rejects.toMatchObject({ code: 'bridge.not_enrolled' });
  });

  test('a catalog that is not there is named', async () => {
    const url = await (async () => {
      await using loopback = await Loopback.start({ backend: machine.backend });
      return loopback.url;
    })();
    await expect(machine.enrolAt(url)).rejects.toMatchObject({ code: 'bridge.unreachable', retryable: true });
  });

  test('a job that another key signed is rejected and never run', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const stranger = new MemoryBackend({ nowMs: () => 0 });
    const forged = stranger.addJob('agent');
    const job = machine.backend.addJob(identity.agentId, { signature: forged.signature });
    const ran: string[] = [];
    const site = { apps: 1, assetsPerApp: 1, bulkBytes: 1 };
    await using _bridge = await machine.bridgeTo(loopback.url, identity, {
      handlers: { crawl: siteHandler(site, { ran }) },
    });
    await until(() => job.state === 'failed' || job.state === 'published');
    expect(job.error).toMatchObject({ code: 'bridge.job_signature' });
    expect(ran).toEqual([]);
  });

  test.each([
    ['was signed for another agent', { signedFor: 'another-agent' }, 'bridge.job_signature', 'another agent'],
    ['comes under another lease', { names: 'an-older-job' }, 'bridge.job_signature', 'another job'],
  ])('a genuine job that %s is rejected and never run', async (_, changes, code, text) => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    const job = machine.backend.addJob(identity.agentId, changes);
    const ran: string[] = [];
    const site = { apps: 1, assetsPerApp: 1, bulkBytes: 1 };
    await using _bridge = await machine.bridgeTo(loopback.url, identity, {
      handlers: { crawl: siteHandler(site, { ran }) },
    });
    await until(() => job.error !== undefined || job.state === 'published');
    expect(job.error).toMatchObject({ code, message: expect.stringContaining(text) });
    expect(ran).toEqual([]);
  });

  test('a signature for another host is refused with 4505, and the agent says what to do', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    await using bridge = await machine.bridgeTo('http://localhost:1', identity, {
      transport: webSocketTransport(dialer, `${loopback.url.replace('http', 'ws')}${AGENT_PATH}`, undefined, undefined),
    });
    await until(() => bridge.health().error !== null);
    expect(bridge.health().error).toMatchObject({ code: 'bridge.identity_refused' });
    expect(machine.backend.agent(identity.agentId).epoch).toBe(0);
  });

  test('a key that the catalog does not know is refused', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const { agentId, keyId, organisation } = await machine.enrolAt(loopback.url);
    const { privateKey } = newKeyPair();
    const thief = new Identity({ agentId, keyId, organisation, privateKey, catalogKey: machine.backend.catalogKey });
    await using bridge = await machine.bridgeTo(loopback.url, thief);
    await until(() => bridge.health().error !== null);
    expect(bridge.health()).toMatchObject({ healthy: false, error: { code: 'bridge.identity_refused' } });
  });

  test('plain text is for this machine only', async () => {
    await using loopback = await Loopback.start({ backend: machine.backend });
    const identity = await machine.enrolAt(loopback.url);
    await expect(machine.bridgeTo('http://catalog.example', identity)).rejects.toMatchObject({
      code: 'config.invalid',
    });
  });
});
