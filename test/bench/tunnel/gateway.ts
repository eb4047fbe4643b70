/**
 * The gateway's end of the benchmark, in a process of its own: `node gateway.ts '<options as JSON>'`. It serves TLS on a free
 * port of this machine and says so in one line; then, with `store` none, in one line each when the agent's session began
 * and when its job was finished.
 */
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCatalog } from '#catalog/catalog.ts';
import type { GatewayBackend } from '#catalog/gateway/backend.ts';
import { Gateway } from '#catalog/gateway/gateway.ts';
import { readLines } from '#catalog/jobs/decode.ts';
import { readRecord } from '#catalog/jobs/record.ts';
import { challenge, type Lease } from '#protocol/messages.ts';

export interface GatewayOptions {
  readonly cert: string;
  readonly key: string;
  readonly store: /** A whole catalog. */
    | { readonly databaseUrl: string }
    /** Nothing but the checks: for one agent and its one job. With `decode`, what was acknowledged is unpacked and parsed. */
    | { readonly publicKey: string; readonly lease: Lease; readonly decode: boolean };
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const { cert, key, store } = JSON.parse(process.argv[2] ?? '') as GatewayOptions;

const untilStopped = async (): Promise<void> => {
  await Promise.race([once(process, 'SIGTERM'), once(process.stdin.resume(), 'end')]);
};

/** Checks what a store would check, and keeps nothing: epoch, lease, sequence, and at the end count and checksum. */
const checkingBackend = (publicKey: string, lease: Lease, decode: boolean): GatewayBackend => {
  const agentKey = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  const crcs = createHash('sha256');
  let epoch = 0;
  let durableSeq = 0;
  let records = 0;
  let decoded = Promise.resolve();
  const holds = (other: Lease): boolean =>
    other.jobId === lease.jobId && other.attempt === lease.attempt && other.leaseToken === lease.leaseToken;
  return {
    enrol: () => Promise.reject(new Error('not asked')),
    authenticate: async (auth, { host, nonce }) => {
      const text = challenge(host, nonce, auth.agentId, auth.bootId);
      if (!verify(null, Buffer.from(text), agentKey, Buffer.from(auth.signature, 'base64')))
        return { refused: { closeCode: 4505, message: 'wrong signature', advice: '' } };
      epoch += 1;
      const session = { organisationId: 'bench', agentId: auth.agentId, sessionId: randomUUID(), epoch };
      say({ event: 'begin' });
      const verdict = { verdict: 'continue' as const, durableSeq, publishedScopes: [], cancel: false };
      return { session, jobs: auth.jobs.filter(holds).map(({ jobId, attempt }) => ({ jobId, attempt, ...verdict })) };
    },
    rotateKey: () => Promise.reject(new Error('not asked')),
    claim: async () => undefined,
    accept: async () => 'lost',
    reject: async () => {},
    renew: async (session) => ({ lost: [], cancelled: [], current: session.epoch === epoch }),
    storeBatch: async (session, of, batch) => {
      const consumed = Promise.resolve();
      if (session.epoch !== epoch || !holds(of)) return { result: 'lost', durableSeq, consumed };
      if (batch.seq !== durableSeq + 1)
        return { result: batch.seq <= durableSeq ? 'duplicate' : 'gap', durableSeq, consumed };
      durableSeq = batch.seq;
      records += batch.records;
      const crc = Buffer.alloc(4);
      crc.writeUInt32BE(batch.crc32);
      crcs.update(crc);
      if (!decode) return { result: 'stored', durableSeq, consumed };
      decoded = decoded.then(async () => {
        for (const line of await readLines(batch)) readRecord(line);
      });
      return { result: 'stored', durableSeq, consumed: decoded };
    },
    progress: async () => {},
    finish: async (session, finish) => {
      if (session.epoch !== epoch || !holds(finish)) return { result: 'lost', durableSeq };
      if (durableSeq < finish.lastSeq) return { result: 'gap', durableSeq };
      await decoded;
      if (records !== finish.records || crcs.digest('hex') !== finish.sha256)
        throw new Error('what came is not what was sent');
      say({ event: 'end' });
      return { result: 'closed', durableSeq };
    },
    status: async () => {},
    disconnected: async () => {},
    onWake: () => () => {},
  };
};

if ('databaseUrl' in store) {
  const log = { ...silent, error: (fields: object, message: string) => say({ event: 'error', message, ...fields }) };
  const catalog = await createCatalog({ databaseUrl: store.databaseUrl, tls: { cert, key }, log });
  say({ ready: true, port: Number(new URL(catalog.address).port) });
  await untilStopped();
  await catalog.close();
} else {
  const backend = checkingBackend(store.publicKey, store.lease, store.decode);
  const gateway = new Gateway({ backend, log: { ...silent, error: (fields) => say({ event: 'error', ...fields }) } });
  const server = createServer({ cert, key });
  server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  say({ ready: true, port: (server.address() as AddressInfo).port });
  await untilStopped();
  await gateway.close(100);
  server.close();
}
