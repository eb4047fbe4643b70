/**
 * What a WebSocket carries without any protocol on top: `node raw.ts receive '{"cert":…,"key":…}'` counts the bytes that come
 * and answers when it has them all; `node raw.ts send '{"url":…,"rootPem":…,"file":…}'` sends the messages of a file from its
 * memory and says how long that took.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

export interface SendOptions {
  readonly url: string;
  readonly rootPem: string;
  /** Messages, each behind its length in 4 big-endian bytes. */
  readonly file: string;
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const [role, text = ''] = process.argv.slice(2);
/** As the agent's transport has it. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;

const receive = async ({ cert, key }: { cert: string; key: string }): Promise<void> => {
  const server = createServer({ cert, key });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 1024 * 1024 });
  sockets.on('connection', (socket) => {
    let bytes = 0;
    let expected = Number.POSITIVE_INFINITY;
    socket.on('message', (data, isBinary) => {
      if (isBinary) bytes += (data as Buffer).length;
      else expected = Number(String(data));
      if (bytes < expected) return;
      socket.send(String(bytes));
      bytes = 0;
      expected = Number.POSITIVE_INFINITY;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  say({ ready: true, port: (server.address() as AddressInfo).port });
  await once(process.stdin.resume(), 'end');
  process.exit();
};

const send = async ({ url, rootPem, file }: SendOptions): Promise<void> => {
  const all = readFileSync(file);
  const messages: Buffer[] = [];
  let bytes = 0;
  for (let at = 0; at < all.length; ) {
    const size = all.readUInt32BE(at);
    messages.push(all.subarray(at + 4, at + 4 + size));
    bytes += size;
    at += 4 + size;
  }
  const socket = new WebSocket(url, { ca: rootPem, perMessageDeflate: false });
  await once(socket, 'open');
  let goOn = (): void => {};
  const before = process.cpuUsage();
  const started = performance.now();
  socket.send(String(bytes));
  for (const message of messages) {
    socket.send(message, () => {
      if (socket.bufferedAmount <= LOW_WATER_BYTES) goOn();
    });
    if (socket.bufferedAmount > HIGH_WATER_BYTES)
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
  }
  const [answer] = (await once(socket, 'message')) as [Buffer];
  const ms = performance.now() - started;
  if (Number(String(answer)) !== bytes) throw new Error(`${bytes} bytes were sent, ${String(answer)} came`);
  const { user, system } = process.cpuUsage(before);
  say({ ready: true, ms, cpuSeconds: (user + system) / 1e6 });
  process.exit();
};

if (role === 'receive') await receive(JSON.parse(text));
else await send(JSON.parse(text));
