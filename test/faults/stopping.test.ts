import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AGENT_PATH, SUBPROTOCOL } from '#protocol/constants.ts';
import { POLLING_HEADERS, POLLING_PATHS } from '#protocol/polling.ts';
import { openTestDatabase, type TestDatabase } from '#test/catalog/database.ts';
import { Authority } from '#test/unit/network/authority.ts';
import { SilencedLine } from './stopping/silenced-line.ts';

/** A service host waits for half a minute, then it kills. */
const PATIENCE_MS = 30_000;
const CATALOG = join(import.meta.dirname, '..', '..', 'catalog', 'main.ts');

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-stopping-'));
  database = await openTestDatabase();
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

let running: ChildProcess | undefined;
const peers: Socket[] = [];
afterEach(() => {
  running?.kill('SIGKILL');
  for (const peer of peers.splice(0)) peer.destroy();
});

/** A catalog in a process of its own. */
const serve = async (
  databaseUrl: string,
  ...more: string[]
): Promise<{ address: URL; stop(): Promise<unknown>; log(): string }> => {
  const child = spawn(process.execPath, [CATALOG, 'serve', '--port', '0', '--json', '--log-level', 'warn', ...more], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const gone = once(child, 'close');
  const [ready] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const stop = async (): Promise<unknown> => {
    child.kill('SIGTERM');
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, ['it does not end']));
    const [how] = (await Promise.race([gone, late])) as [unknown];
    return how;
  };
  return { address: new URL((JSON.parse(ready) as { address: string }).address), stop, log: () => log };
};

/** Says this and then nothing for ever: it neither reads on nor ends. @returns what was answered until then */
const peer = async (address: URL, said: string, answers = 0): Promise<string> => {
  const socket = connect({ host: address.hostname, port: Number(address.port), allowHalfOpen: true });
  peers.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (said !== '') await new Promise((resolve) => socket.write(said, resolve));
  let heard = '';
  for (let n = 0; n < answers; n++) heard += String((await once(socket, 'data'))[0]);
  socket.pause();
  return heard;
};

const head = (address: URL, first: string, headers: Readonly<Record<string, string>>): string =>
  [
    `${first} HTTP/1.1`,
    `Host: ${address.host}`,
    ...Object.entries(headers).map((pair) => pair.join(': ')),
    '',
    '',
  ].join('\r\n');
const upgrade = (address: URL, path: string): string =>
  head(address, `GET ${path}`, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
  });
const openPolling = async (address: URL): Promise<Readonly<Record<string, string>>> => {
  const opened = await fetch(new URL(POLLING_PATHS.open, address), { method: 'POST' });
  const { session } = (await opened.json()) as { session: string };
  return { Authorization: `Bearer ${session}` };
};

const PEERS: Readonly<Record<string, (address: URL) => Promise<unknown>>> = {
  'says nothing': (address) => peer(address, ''),
  'sends half a request': (address) => peer(address, `GET / HTTP/1.1\r\nHost: ${address.host}\r\n`),
  'never sends the body that it announced': (address) =>
    peer(
      address,
      `${head(address, 'POST /api/v1/login', { 'Content-Length': '50', 'Content-Type': 'application/json' })}{"one`,
    ),
  'keeps a connection that was answered': (address) => peer(address, head(address, 'GET /livez', {}), 1),
  'is an agent that falls silent after the upgrade': (address) => peer(address, upgrade(address, AGENT_PATH), 1),
  'asks for another upgrade, and never hangs up': (address) => peer(address, upgrade(address, '/elsewhere'), 1),
  'is an agent that polls no more': openPolling,
  'is an agent whose poll is held': async (address) => {
    const session = await openPolling(address);
    const poll = { ...session, 'Content-Length': '0', [POLLING_HEADERS.received]: '0' };
    await peer(address, head(address, `POST ${POLLING_PATHS.poll}`, poll), 1);
    await peer(address, head(address, `POST ${POLLING_PATHS.poll}`, { ...poll, [POLLING_HEADERS.received]: '1' }));
  },
  'is an agent that stalls in what it sends': async (address) => {
    const more = { ...(await openPolling(address)), 'Content-Length': '500', [POLLING_HEADERS.first]: '1' };
    await peer(address, `${head(address, `POST ${POLLING_PATHS.send}`, more)}half`);
  },
};

test('the catalog stops, in order, whatever its peers keep open', async () => {
  const { address, stop, log } = await serve(database.url);
  for (const play of Object.values(PEERS)) await play(address);
  expect(await stop()).toBe(0);
  expect(log()).not.toContain('not closed');
});

test('the catalog stops when one never ends its TLS handshake', async () => {
  const { certificate, key } = Authority.selfSigned({ name: 'localhost', addresses: ['127.0.0.1'] });
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const { address, stop, log } = await serve(database.url, '--tls-cert', certificateFile, '--tls-key', keyFile);
  // The head of a record that never comes.
  await peer(address, '\x16\x03\x01\x02\x00');
  expect(await stop()).toBe(0);
  expect(log()).not.toContain('not closed');
});

test('the catalog stops when its database falls silent', async () => {
  await using line = await SilencedLine.start(Number(new URL(database.url).port));
  const through = new URL(database.url);
  through.port = String(line.port);
  const { address, stop } = await serve(through.href);
  await peer(address, upgrade(address, AGENT_PATH), 1);
  line.silence();
  // Queries are under way that never come back.
  expect((await fetch(new URL('/readyz', address))).status).toBe(503);
  expect(await stop()).toBe(0);
});
