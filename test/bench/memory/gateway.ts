/**
 * The gateway with nothing behind it, for many agents that have nothing to do: `node gateway.ts '<options as JSON>'`. A second
 * port, for the benchmark, answers every request with what the process holds after a full collection.
 */
import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GatewayBackend, WakeUp } from '#catalog/gateway/backend.ts';
import { Gateway } from '#catalog/gateway/gateway.ts';
import { challenge } from '#protocol/messages.ts';

export interface IdleGatewayOptions {
  /** Certificate and key; without them agents come without TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** The key that all agents have (SPKI, base64 DER). */
  readonly publicKey: string;
}

export interface Held {
  readonly sessions: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Buffers and what else lies outside of the heap that V8 knows of. */
  readonly externalBytes: number;
}

const { tls, publicKey } = JSON.parse(process.argv[2] ?? '') as IdleGatewayOptions;
const agentKey = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

const wakes = new Map<string, (what: WakeUp) => void>();
const unasked = (): Promise<never> => Promise.reject(new Error('an idle agent does not ask for this'));
const backend: GatewayBackend = {
  enrol: unasked,
  authenticate: async (auth, { host, nonce }) => {
    const text = challenge(host, nonce, auth.agentId, auth.bootId);
    if (!verify(null, Buffer.from(text), agentKey, Buffer.from(auth.signature, 'base64')))
      return { refused: { closeCode: 4505, message: 'wrong signature', advice: '' } };
    const session = { organisationId: randomUUID(), agentId: auth.agentId, sessionId: randomUUID(), epoch: 1 };
    return { session, jobs: [] };
  },
  rotateKey: unasked,
  claim: async () => undefined,
  accept: unasked,
  reject: unasked,
  renew: async () => ({ lost: [], cancelled: [], current: true }),
  storeBatch: unasked,
  progress: unasked,
  finish: unasked,
  status: async () => {},
  disconnected: async () => {},
  onWake: (session, wake) => {
    wakes.set(session.agentId, wake);
    return () => wakes.delete(session.agentId);
  },
};

// The benchmark comes from one address and as fast as it can.
const most = 100_000;
const gateway = new Gateway({
  backend,
  log: silent,
  maxConnections: most,
  handshakesPerSecond: most,
  maxUnauthenticated: most,
  maxUnauthenticatedPerAddress: most,
});

/** A collection frees what the one before let go of; what the allocator gives back comes a little later. */
const held = async (): Promise<Held> => {
  for (let n = 0; n < 4; n++) {
    collect();
    await sleep(100);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { sessions: gateway.sessions.length, rssBytes: rss, heapBytes: heapUsed, externalBytes: external };
};

const listen = async (server: Server): Promise<number> => {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const server = tls === undefined ? createServer() : createSecureServer(tls);
server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
const control = createServer((_, response) => void held().then((found) => response.end(JSON.stringify(found))));
process.stdout.write(
  `${JSON.stringify({ ready: true, port: await listen(server), control: await listen(control) })}\n`,
);
await once(process.stdin.resume(), 'end');
process.exit();
