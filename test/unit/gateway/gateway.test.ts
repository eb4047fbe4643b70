import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { hostCheck } from '#catalog/api/guard.ts';
import type { GatewayOptions } from '#catalog/gateway/gateway.ts';
import { AGENT_PATH, CLOSE, LIMITS, SUBPROTOCOL } from '#protocol/constants.ts';
import { challenge } from '#protocol/messages.ts';
import { POLLING_PATHS } from '#protocol/polling.ts';
import { Loopback, someStatus, until } from '../bridge/loopback.ts';
import { MemoryBackend } from './memory-backend.ts';

type Message = { type: string; [field: string]: unknown };

/** An agent by hand: says what the test tells it to, and keeps what it heard. */
class HandAgent {
  readonly socket: WebSocket;
  readonly heard: Message[] = [];
  code: number | undefined;

  constructor(url: string, protocols: readonly string[] = [SUBPROTOCOL], headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url.replace('http', 'ws') + AGENT_PATH, [...protocols], { headers });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => this.heard.push(JSON.parse(String(data)) as Message));
    this.socket.on('close', (code) => {
      this.code = code;
    });
  }

  /** The next message of this type, also one that came already. */
  async hear(type: string): Promise<Message> {
    await until(() => this.heard.some((message) => message.type === type));
    return this.heard.find((message) => message.type === type) as Message;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  async authenticate(agentId: string, key: KeyObject, host: string): Promise<Message> {
    const { nonce } = await this.hear('hello');
    const text = challenge(host, String(nonce), agentId, 'boot-1');
    this.say({
      type: 'auth',
      agentId,
      keyId: 'key-1',
      bootId: 'boot-1',
      version: '0.0.0',
      capabilities: [],
      signature: sign(null, Buffer.from(text), key).toString('base64'),
      jobs: [],
      status: someStatus(),
    });
    return await this.hear('welcome');
  }
}

const keys = generateKeyPairSync('ed25519');
const open: HandAgent[] = [];
afterEach(() => {
  for (const agent of open.splice(0)) agent.socket.terminate();
});

const setUp = async (
  options: Partial<GatewayOptions> = {},
  backend = new MemoryBackend({ nowMs: () => performance.now() }),
) => {
  const loopback = await Loopback.start({ backend, ...options });
  const agentId = backend.addAgent(keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'));
  const host = new URL(loopback.url).host;
  const dial = (...more: [(readonly string[])?, Record<string, string>?]): HandAgent => {
    const agent = new HandAgent(loopback.url, ...more);
    open.push(agent);
    return agent;
  };
  return { loopback, backend, agentId, host, dial, [Symbol.asyncDispose]: () => loopback[Symbol.asyncDispose]() };
};

/** The status that an upgrade was refused with, and when to come back. */
const refusal = async (socket: WebSocket): Promise<{ status: number; retryAfter: string | undefined }> => {
  const opened = once(socket, 'open').then(() => {
    throw new Error('the upgrade was not refused');
  });
  const [, response] = (await Promise.race([once(socket, 'unexpected-response'), opened])) as [
    unknown,
    import('node:http').IncomingMessage,
  ];
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
};

describe('an upgrade', () => {
  test('without the subprotocol, from a page, or for another path is refused', async () => {
    await using bench = await setUp();
    expect((await refusal(bench.dial([]).socket)).status).toBe(426);
    expect((await refusal(bench.dial(['culvert.v2']).socket)).status).toBe(426);
    expect((await refusal(bench.dial([SUBPROTOCOL], { origin: 'https://page.example' }).socket)).status).toBe(403);
    expect((await refusal(bench.dial([SUBPROTOCOL], { host: 'a|b' }).socket)).status).toBe(400);
    const elsewhere = new WebSocket(`${bench.loopback.url.replace('http', 'ws')}/v1/other`, [SUBPROTOCOL]);
    elsewhere.on('error', () => undefined);
    expect((await refusal(elsewhere)).status).toBe(404);
  });

  test('by another name is refused: a look-alike cannot pass on what agents sign for its own name', async () => {
    await using bench = await setUp({ answersTo: hostCheck({ loopbackOnly: true }) });
    await bench.dial().hear('hello');
    expect((await refusal(bench.dial([SUBPROTOCOL], { host: 'look-alike.example' }).socket)).status).toBe(421);
  });

  test('beyond the room there is gets 503 and a time to come back', async () => {
    await using bench = await setUp({ maxUnauthenticated: 1 });
    await bench.dial().hear('hello');
    const { status, retryAfter } = await refusal(bench.dial().socket);
    expect(status).toBe(503);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(5);
    expect(Number(retryAfter)).toBeLessThanOrEqual(15);
  });

  test('from one address that has too many under way is refused, from others not', async () => {
    await using bench = await setUp({ maxUnauthenticatedPerAddress: 1, behindProxy: true });
    const from = (address: string) => bench.dial([SUBPROTOCOL], { 'x-forwarded-for': address });
    await from('203.0.113.5').hear('hello');
    expect((await refusal(from('203.0.113.5').socket)).status).toBe(503);
    // What a client writes before the proxy's own entry counts for nothing.
    expect((await refusal(from('198.51.100.1, 203.0.113.5').socket)).status).toBe(503);
    await from('203.0.113.6').hear('hello');
    await from('2001:db8::1').hear('hello');
    expect((await refusal(from('2001:db8::2').socket)).status).toBe(503);
    await from('2001:db8:0:1::1').hear('hello');
  });

  test('from one address that knocks and leaves again and again is refused, and others come in', async () => {
    await using bench = await setUp({ maxUnauthenticatedPerAddress: 3, behindProxy: true, handshakesPerSecond: 5 });
    const from = (address: string) => bench.dial([SUBPROTOCOL], { 'x-forwarded-for': address });
    for (let n = 0; n < 3; n += 1) {
      const agent = from('203.0.113.5');
      await agent.hear('hello');
      agent.socket.terminate();
      await until(() => bench.loopback.gateway.connections === 0);
    }
    for (let n = 0; n < 20; n += 1) expect((await refusal(from('203.0.113.5').socket)).status).toBe(503);
    // Refusals cost nothing of what there is for all.
    const other = from('203.0.113.6');
    await other.authenticate(bench.agentId, keys.privateKey, bench.host);
  });

  test('is counted by its own address when no proxy is known of', async () => {
    await using bench = await setUp({ maxUnauthenticatedPerAddress: 1 });
    await bench.dial([SUBPROTOCOL], { 'x-forwarded-for': '203.0.113.5' }).hear('hello');
    expect((await refusal(bench.dial([SUBPROTOCOL], { 'x-forwarded-for': '203.0.113.6' }).socket)).status).toBe(503);
  });

  test('comes at most as often as the gateway allows', async () => {
    await using bench = await setUp({ handshakesPerSecond: 1 });
    await bench.dial().hear('hello');
    await bench.dial().hear('hello');
    expect(await refusal(bench.dial().socket)).toEqual({ status: 503, retryAfter: '1' });
  });

  test('is counted by what came of it, as is one that polls', async () => {
    const told: string[] = [];
    await using bench = await setUp({
      maxUnauthenticated: 1,
      answersTo: hostCheck({ loopbackOnly: true }),
      onAsked: (transport, result) => told.push(`${transport} ${result}`),
      onSession: (transport) => told.push(`${transport} session`),
    });
    const first = bench.dial();
    await first.authenticate(bench.agentId, keys.privateKey, bench.host);
    await bench.dial().hear('hello');
    await refusal(bench.dial().socket);
    await refusal(bench.dial([SUBPROTOCOL], { host: 'look-alike.example' }).socket);
    const post = async (headers: Record<string, string> = {}) =>
      (await fetch(bench.loopback.url + POLLING_PATHS.open, { method: 'POST', headers })).status;
    expect(await post()).toBe(503);
    expect(await post({ origin: 'https://page.example' })).toBe(403);
    // Neither is a link that somebody asks for.
    expect((await fetch(bench.loopback.url + POLLING_PATHS.poll, { method: 'POST' })).status).toBe(410);
    expect(told).toEqual([
      'websocket admitted',
      'websocket session',
      'websocket admitted',
      'websocket 503',
      'websocket 421',
      'polling 503',
      'polling 403',
    ]);
  });

  test('offers no compression', async () => {
    await using bench = await setUp();
    const agent = bench.dial();
    await agent.hear('hello');
    expect(agent.socket.extensions).toBe('');
    expect(agent.socket.protocol).toBe(SUBPROTOCOL);
  });
});

describe('a session', () => {
  test('answers pings', async () => {
    await using bench = await setUp();
    const agent = bench.dial();
    await agent.hear('hello');
    agent.socket.ping('canary');
    const [answer] = (await once(agent.socket, 'pong')) as [Buffer];
    expect(String(answer)).toBe('canary');
  });

  test('is the newest: the older one of the same agent is ended', async () => {
    await using bench = await setUp();
    const first = bench.dial();
    await first.authenticate(bench.agentId, keys.privateKey, bench.host);
    const second = bench.dial();
    expect(await second.authenticate(bench.agentId, keys.privateKey, bench.host)).toMatchObject({ epoch: 2 });
    first.say({ type: 'heartbeat', leases: [] });
    await until(() => first.code !== undefined);
    expect(first.code).toBe(CLOSE.superseded);
    expect(await first.hear('bye')).toMatchObject({ code: CLOSE.superseded, advice: expect.any(String) });
    second.say({ type: 'heartbeat', leases: [] });
    expect(await second.hear('heartbeat.ok')).toMatchObject({ lost: [] });
  });

  test('ends with 4000 when the store fails, and the next one works', async () => {
    const backend = new MemoryBackend({ nowMs: () => performance.now() });
    await using bench = await setUp({}, backend);
    const renew = backend.renew.bind(backend);
    backend.renew = () => Promise.reject(new Error('canary-password in a message of the database'));
    const agent = bench.dial();
    await agent.authenticate(bench.agentId, keys.privateKey, bench.host);
    agent.say({ type: 'heartbeat', leases: [] });
    await until(() => agent.code !== undefined);
    expect(agent.code).toBe(CLOSE.internal);
    // What the store said is for the log of the catalog, not for the other end.
    expect(JSON.stringify(agent.heard)).not.toContain('canary');
    backend.renew = renew;
    const next = bench.dial();
    expect(await next.authenticate(bench.agentId, keys.privateKey, bench.host)).toMatchObject({ epoch: 2 });
  });

  test('ends when a message is larger than may be', async () => {
    await using bench = await setUp();
    const text = bench.dial();
    await text.hear('hello');
    text.socket.send('x'.repeat(LIMITS.controlBytes + 1));
    await until(() => text.code !== undefined);
    expect(text.code).toBe(CLOSE.badMessage);
    const data = bench.dial();
    await data.hear('hello');
    data.socket.send(Buffer.alloc(LIMITS.dataBytes + 1));
    await until(() => data.code !== undefined);
    expect(data.code).toBe(1009);
  });

  test('asks the store for one status at a time, however many come', async () => {
    const backend = new MemoryBackend({ nowMs: () => performance.now() });
    const gate = Promise.withResolvers<void>();
    const asked: string[] = [];
    backend.status = async (_session, status) => {
      asked.push((status as { hostname: string }).hostname);
      await gate.promise;
    };
    await using bench = await setUp({}, backend);
    const agent = bench.dial();
    await agent.authenticate(bench.agentId, keys.privateKey, bench.host);
    for (let n = 1; n <= 50; n += 1) agent.say({ type: 'status', status: someStatus({ hostname: `host-${n}` }) });
    agent.say({ type: 'heartbeat', leases: [] });
    await agent.hear('heartbeat.ok');
    expect(asked).toEqual(['host-1']);
    gate.resolve();
    await until(() => asked.length === 2);
    expect(asked).toEqual(['host-1', 'host-50']);
  });

  test('is told to leave when the gateway closes, and cut off when it stays', async () => {
    await using bench = await setUp();
    const agent = bench.dial();
    await agent.authenticate(bench.agentId, keys.privateKey, bench.host);
    expect(bench.loopback.gateway.sessions).toMatchObject([{ agentId: bench.agentId, epoch: 1 }]);
    const closing = bench.loopback.gateway.close(50, 700);
    expect(await agent.hear('drain')).toMatchObject({ reconnectAfterMs: 700 });
    expect((await refusal(bench.dial().socket)).status).toBe(503);
    await closing;
    await until(() => agent.code !== undefined);
    expect(agent.code).toBe(CLOSE.draining);
    expect(bench.loopback.gateway.sessions).toEqual([]);
  });
});
