import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startBridge } from '#agent/bridge/bridge.ts';
import { Identity, newKeyPair } from '#agent/bridge/identity.ts';
import { systemClock } from '#agent/bridge/link-clock.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { AGENT_PATH, CLOSE, SUBPROTOCOL } from '#protocol/constants.ts';
import { decodeFrame } from '#protocol/frame.ts';
import { Loopback, quiet, someStatus, until } from '../bridge/loopback.ts';
import { siteHandler } from '../bridge/site.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';

/**
 * What stands between an agent and its catalog and reads both sides in clear, as a proxy does whose authority the machine
 * trusts. It may change what passes, and keeps a copy.
 */
class Between implements AsyncDisposable {
  readonly #server = createServer();
  readonly #sockets = new WebSocketServer({
    server: this.#server,
    path: AGENT_PATH,
    handleProtocols: () => SUBPROTOCOL,
  });
  readonly texts: string[] = [];
  readonly frames: Uint8Array[] = [];
  /** What the agent gets instead of a message of the gateway. */
  toAgent: (text: string) => string = (text) => text;

  /** `host` is what the gateway is told that it was dialled as. */
  static async start(gatewayUrl: string, host: () => string): Promise<Between> {
    const between = new Between();
    between.#sockets.on('connection', (agent) => {
      const gateway = new WebSocket(`${gatewayUrl.replace('http', 'ws')}${AGENT_PATH}`, SUBPROTOCOL, {
        headers: { host: host() },
      });
      const waiting: (() => void)[] = [];
      gateway.on('open', () => {
        for (const send of waiting.splice(0)) send();
      });
      agent.on('message', (data, binary) => {
        if (binary) between.frames.push(new Uint8Array(data as Buffer));
        else between.texts.push(String(data));
        const send = (): void => gateway.send(data as Buffer, { binary });
        if (gateway.readyState === gateway.OPEN) send();
        else waiting.push(send);
      });
      gateway.on('message', (data) => {
        between.texts.push(String(data));
        agent.send(between.toAgent(String(data)));
      });
      const closing = (other: WebSocket) => (code: number, reason: Buffer) =>
        other.close(code >= 4000 ? code : 1000, reason);
      gateway.on('close', closing(agent));
      agent.on('close', closing(gateway));
      for (const socket of [gateway, agent]) socket.on('error', () => undefined);
    });
    between.#server.listen(0, '127.0.0.1');
    await once(between.#server, 'listening');
    return between;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-between-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An agent that dials the proxy, and a catalog behind it. `passesOn`: the name that the proxy gives the gateway. */
const scene = async (passesOn: 'the name that was dialled' | 'its own') => {
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  const gateway = await Loopback.start({ backend });
  let between: Between;
  between = await Between.start(gateway.url, () => (passesOn === 'its own' ? new URL(gateway.url).host : between.host));
  const { publicKey, privateKey } = newKeyPair();
  const agentId = backend.addAgent(publicKey);
  const identity = new Identity({
    agentId,
    keyId: 'key-1',
    organisation: 'org-1',
    privateKey,
    keyMadeAt: new Date().toISOString(),
    catalogKey: backend.catalogKey,
  });
  const ran: string[] = [];
  const bridge = await startBridge({
    settings: { gatewayUrl: `http://${between.host}`, proxy: undefined },
    identity,
    dialer: new Dialer(),
    version: '0.0.0',
    spoolFolder: join(folder, 'spool'),
    status: () => someStatus(),
    handlers: { crawl: siteHandler({ apps: 1, assetsPerApp: 1, bulkBytes: 1 }, { ran }) },
    log: quiet,
    clock: { ...systemClock, random: () => 0.001 },
  });
  const stack = new AsyncDisposableStack();
  stack.use(gateway);
  stack.use(between);
  stack.use(bridge);
  return { backend, between, bridge, agentId, ran, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('a proxy that reads the link sees the records: its honesty is part of the trust', async () => {
  await using here = await scene('the name that was dialled');
  const job = here.backend.addJob(here.agentId);
  await until(() => job.state === 'published');
  const seen = here.between.frames.map((bytes) => {
    const frame = decodeFrame(bytes);
    return frame.codec === 'zstd'
      ? zstdDecompressSync(frame.payload).toString()
      : Buffer.from(frame.payload).toString();
  });
  expect(seen.join('')).toContain('"t":"asset"');
});

test('it never sees a key of either side', async () => {
  await using here = await scene('the name that was dialled');
  await until(() => here.bridge.health().state === 'open');
  // The agent's session opens a moment before the gateway listens for what it is to be told.
  await until(() => {
    if (here.backend.rotations.length === 0) here.backend.tell(here.agentId, { ask: { type: 'key.renew' } });
    return here.backend.rotations.length > 0;
  });
  expect(here.between.texts.join('\n')).toContain('key.rotate');
  expect(here.between.texts.join('\n')).not.toMatch(/PRIVATE|privateKey/);
});

test('it cannot change a job or make one up', async () => {
  await using here = await scene('the name that was dialled');
  here.between.toAgent = (text) => text.replace('\\"connection\\":\\"site\\"', '\\"connection\\":\\"other\\"');
  const job = here.backend.addJob(here.agentId);
  await until(() => job.error !== undefined);
  expect(job.error).toMatchObject({ code: 'bridge.job_signature' });
  expect(here.ran).toEqual([]);
});

test('it cannot have a job run again that it kept', async () => {
  await using here = await scene('the name that was dialled');
  const job = here.backend.addJob(here.agentId);
  await until(() => job.state === 'published' && here.bridge.health().spoolAttempts === 0);
  const offer = here.between.texts.find((text) => text.includes('"job.offer"')) ?? '';
  expect(JSON.parse(offer)).toMatchObject({ jobId: job.jobId });
  const first = here.ran.length;
  // In place of another job's offer; then the true one comes to nothing, and the session goes on.
  here.between.toAgent = (text) => (text.includes('"job.offer"') ? offer : text);
  const next = here.backend.addJob(here.agentId);
  await until(() => here.between.texts.some((text) => text.includes('bridge.job_replayed')));
  expect(here.ran.length).toBe(first);
  expect(next.state).not.toBe('published');
});

test('it cannot hand the agent over to another signing key', async () => {
  await using here = await scene('the name that was dialled');
  await until(() => here.bridge.health().state === 'open');
  const stranger = new MemoryBackend({ nowMs: () => 0 });
  const forged = stranger.succeed();
  const job = here.backend.addJob(here.agentId);
  here.between.toAgent = (text) => text;
  here.backend.tell(here.agentId, { ask: forged });
  await until(() => job.state === 'published');
  // A job of the stranger is still not taken.
  const theirs = stranger.addJob(stranger.addAgent(newKeyPair().publicKey), { signedFor: here.agentId });
  const mine = here.backend.addJob(here.agentId, { signature: theirs.signature });
  await until(() => mine.error !== undefined);
  expect(mine.error).toMatchObject({ code: 'bridge.job_signature' });
});

test('what the agent signed for its name opens no session at the catalog under another', async () => {
  await using here = await scene('its own');
  await until(() => here.bridge.health().error?.code === 'bridge.identity_refused');
  expect(here.between.texts.join('\n')).toContain(`"code":${CLOSE.badSignature}`);
  expect(here.backend.agent(here.agentId).epoch).toBe(0);
});
