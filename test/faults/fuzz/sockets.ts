import { once } from 'node:events';
import { connect } from 'node:net';
import WebSocket from 'ws';
import { AGENT_PATH, SUBPROTOCOL } from '#protocol/constants.ts';
import { encodeEntry, POLLING_HEADERS, POLLING_PATHS } from '#protocol/polling.ts';
import { Loopback } from '#test/unit/bridge/loopback.ts';
import { MemoryBackend } from '#test/unit/gateway/memory-backend.ts';
import type { Random } from '../simulation/random.ts';
import { someMessage } from './messages.ts';
import { lyingFrame, mutateBytes, mutateJson } from './mutate.ts';

/** A real gateway on a real port, which has to go on answering whatever comes. */
export class SocketTarget implements AsyncDisposable {
  readonly #loopback: Loopback;

  private constructor(loopback: Loopback) {
    this.#loopback = loopback;
  }

  static async start(): Promise<SocketTarget> {
    const backend = new MemoryBackend({ nowMs: () => performance.now() });
    // Sessions that poll and say nothing stay for ten seconds each; how many may is tried elsewhere.
    const many = {
      maxConnections: 1e6,
      maxUnauthenticated: 1e6,
      maxUnauthenticatedPerAddress: 1e6,
      handshakesPerSecond: 1e6,
    };
    return new SocketTarget(await Loopback.start({ backend, ...many, pollHoldMs: 20 }));
  }

  async try(random: Random, seen: Set<string>): Promise<void> {
    const what = random.next();
    if (what < 0.5) await this.#webSocket(random, seen);
    else if (what < 0.7) await this.#bytes(random);
    else await this.#polling(random, seen);
    await this.#answers();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loopback[Symbol.asyncDispose]();
  }

  /** A well-behaved agent still gets its hello. */
  async #answers(): Promise<void> {
    const socket = new WebSocket(this.#loopback.url.replace('http', 'ws') + AGENT_PATH, [SUBPROTOCOL]);
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    const [data] = (await Promise.race([once(socket, 'message'), closed])) as [unknown];
    if (!Buffer.isBuffer(data) || (JSON.parse(String(data)) as { type: string }).type !== 'hello')
      throw new Error('the gateway does not say hello any more');
    socket.terminate();
    await closed;
  }

  async #webSocket(random: Random, seen: Set<string>): Promise<void> {
    const socket = new WebSocket(this.#loopback.url.replace('http', 'ws') + AGENT_PATH, [SUBPROTOCOL]);
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    await Promise.race([once(socket, 'message'), closed]);
    for (let times = random.int(1, 6); times > 0 && socket.readyState === WebSocket.OPEN; times -= 1) {
      const message = someMessage('gateway', random, random.chance(0.3) ? 'auth' : undefined);
      seen.add(`gateway ${String(message['type'])}`);
      if (random.chance(0.4)) socket.send(lyingFrame(random).subarray(0, 2_000_000));
      else socket.send(random.chance(0.5) ? JSON.stringify(message) : mutateJson(message, random));
    }
    if (random.chance(0.5)) socket.terminate();
    else socket.close();
    await closed;
  }

  /** An upgrade that is none, and what follows one that is. */
  async #bytes(random: Random): Promise<void> {
    const { hostname, port } = new URL(this.#loopback.url);
    const request =
      `GET ${AGENT_PATH} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;
    const masked = Buffer.concat([Buffer.from([0x82, 0xfe, 0x01, 0x00, 1, 2, 3, 4]), Buffer.alloc(256, 7)]);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.resume();
    const closed = once(socket, 'close');
    if (random.chance(0.5)) socket.write(mutateBytes(Buffer.from(request), random));
    else {
      socket.write(request);
      socket.write(mutateBytes(masked, random));
    }
    socket.end();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 50))]);
    socket.destroy();
    await closed;
  }

  async #polling(random: Random, seen: Set<string>): Promise<void> {
    const { url } = this.#loopback;
    const post = async (path: string, headers: Record<string, string>, body: Uint8Array): Promise<Response> => {
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: Buffer.from(body) });
      return response;
    };
    const opened = await post(POLLING_PATHS.open, {}, new Uint8Array());
    const session = opened.ok ? String(((await opened.json()) as { session: unknown }).session) : 'x'.repeat(43);
    for (let times = random.int(1, 3); times > 0; times -= 1) {
      const headers = {
        authorization: random.chance(0.9) ? `Bearer ${session}` : 'Bearer x',
        [POLLING_HEADERS.first]: random.pick(['1', '2', '0', '-1', '99999999999999', 'x']) ?? '1',
        [POLLING_HEADERS.received]: random.pick(['0', '1', '7', 'x']) ?? '0',
      };
      const message = someMessage('gateway', random);
      seen.add(`gateway ${String(message['type'])}`);
      const body = encodeEntry({ kind: 'text', text: JSON.stringify(message) });
      const path = random.chance(0.6) ? POLLING_PATHS.send : POLLING_PATHS.poll;
      const response = await post(path, headers, random.chance(0.5) ? mutateBytes(body, random) : body);
      await response.arrayBuffer();
      if (response.status >= 500 && response.status !== 503) throw new Error(`${path} answered ${response.status}`);
    }
  }
}
