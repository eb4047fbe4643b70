import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import { loadIdentity } from '#agent/bridge/identity.ts';
import { type LinkProbe, type LinkProbeOptions, probeLink } from '#agent/bridge/preflight.ts';
import { lockStateFolder } from '#agent/bridge/state-lock.ts';
import { webSocketTransport } from '#agent/bridge/transport-websocket.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { thisMachine } from '#agent/network/probe/system.ts';
import { Secret } from '#config/secret.ts';
import { AGENT_PATH } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { Loopback, quiet, someStatus, until } from '#test/unit/bridge/loopback.ts';
import { faultOf } from '#test/unit/fault-of.ts';
import { MemoryBackend } from '#test/unit/gateway/memory-backend.ts';

const dialer = new Dialer();
let stateFolder: string;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'culvert-preflight-'));
});
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
  rmSync(stateFolder, { recursive: true, force: true });
});

const enrolled = async (gatewayUrl: string, backend: MemoryBackend): Promise<string> => {
  const token = new Secret(backend.newEnrolmentToken());
  const proxy = undefined;
  return (await enrol({ dialer, gatewayUrl, proxy, token, name: 'test', version: '0.0.0', stateFolder })).agentId;
};

const probe = (gatewayUrl: string, more: Partial<LinkProbeOptions> = {}): Promise<LinkProbe> =>
  probeLink({ dialer, gatewayUrl, proxy: undefined, stateFolder, ...more });

const statuses = ({ steps }: LinkProbe): string => steps.map(({ name, status }) => `${name} ${status}`).join(', ');
const step = ({ steps }: LinkProbe, name: string) => steps.find((one) => one.name === name);

/** A server that is no catalog. */
const stranger = async (listener: RequestListener, upgrade?: (socket: Duplex) => void): Promise<string> => {
  const server: Server = createServer(listener);
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => sockets.add(socket));
  if (upgrade !== undefined) server.on('upgrade', (_request, socket) => upgrade(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const answers = (status: number, headers: Record<string, string>, body = ''): Promise<string> => {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return stranger(
    (_request, response) => response.end(),
    (socket) => socket.end(`HTTP/1.1 ${status} Said\r\n${head.join('')}Content-Length: ${body.length}\r\n\r\n${body}`),
  );
};

test('a catalog and an identity pass every step, with the agent that runs left alone', async () => {
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend });
  const agentId = await enrolled(loopback.url, backend);
  using _lock = await lockStateFolder(stateFolder);
  await using bridge = await startBridge({
    settings: { gatewayUrl: loopback.url, proxy: undefined },
    identity: await loadIdentity(stateFolder),
    dialer,
    version: '0.0.0',
    spoolFolder: join(stateFolder, 'spool'),
    status: () => someStatus(),
    handlers: {},
    log: quiet,
  });
  await until(() => bridge.health().state === 'open');
  const { epoch } = bridge.health();
  const told: string[] = [];
  const found = await probe(loopback.url, { onStep: ({ name }) => told.push(name) });
  expect(statuses(found)).toBe('dns skip, tcp pass, proxy skip, tls skip, upgrade pass, enrolment pass');
  expect(told).toEqual(['dns', 'tcp', 'proxy', 'tls', 'upgrade', 'enrolment']);
  expect(step(found, 'enrolment')?.seen).toContain(`Enrolled as agent ${agentId}`);
  expect(step(found, 'enrolment')?.seen).toContain(`(process ${process.pid})`);
  expect(bridge.health()).toMatchObject({ state: 'open', epoch, error: null });
});

test('without an identity the link is fine and the enrolment is what is missing', async () => {
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend });
  const found = await probe(loopback.url);
  expect(statuses(found)).toMatch(/upgrade pass, enrolment fail$/);
  expect(step(found, 'enrolment')?.fault?.code).toBe('bridge.not_enrolled');
  writeFileSync(join(stateFolder, 'identity.json'), '{"privateKey":"canary-key"');
  const damaged = step(await probe(loopback.url), 'enrolment');
  expect(damaged?.fault?.message).toContain('is damaged');
  expect(JSON.stringify(damaged)).not.toContain('canary');
});

test('a clock that is apart from the catalog is told, by how much and which way', async () => {
  const backend = new MemoryBackend({ nowMs: () => performance.now() });
  await using loopback = await Loopback.start({ backend });
  const system = { ...thisMachine, nowMs: () => Date.now() - 3 * 3_600_000 - 60_000 };
  const upgrade = step(await probe(loopback.url, { system }), 'upgrade');
  expect(upgrade).toMatchObject({ status: 'pass', fault: { code: 'network.clock' } });
  expect(upgrade?.seen).toContain('3 hours behind');
});

test('nobody at the port fails once, and the identity is still looked at', async () => {
  const gone = await stranger((_request, response) => response.end());
  await Promise.all(closers.splice(0).map((close) => close()));
  const found = await probe(gone);
  expect(statuses(found)).toBe('dns skip, tcp fail, proxy skip, tls skip, upgrade skip, enrolment fail');
  expect(step(found, 'tcp')?.fault?.code).toBe('network.refused');
});

const dialledByAgent = (url: string): Promise<Fault> =>
  new Promise((resolve) => {
    const nothing = (): void => undefined;
    const listener = { opened: nothing, text: nothing, binary: nothing, activity: nothing, closed: nothing };
    webSocketTransport(dialer, `${url}${AGENT_PATH}`, undefined, undefined).connect({ ...listener, failed: resolve });
  });

test.each([
  [
    302,
    { Location: 'https://portal.example/login?token=canary' },
    '',
    'bridge.upgrade_refused',
    'https://portal.example',
  ],
  [404, {}, '{"code":"api.not_found"}', 'bridge.upgrade_blocked', 'Upgrade header did not reach it'],
  [404, { 'Content-Type': 'text/html' }, '<h1>no</h1>', 'bridge.upgrade_refused', '/v1/agent'],
  [200, { 'Content-Type': 'text/html' }, '<h1>hi</h1>', 'bridge.upgrade_refused', 'web page'],
  [200, { 'Content-Type': 'application/json' }, '{}', 'bridge.upgrade_blocked', 'without the Upgrade header'],
  [426, {}, '', 'bridge.upgrade_blocked', 'without the Upgrade header'],
  [421, {}, '', 'bridge.upgrade_refused', 'does not go by this name'],
  [403, {}, '', 'bridge.upgrade_refused', '403'],
  [407, {}, '', 'proxy.auth_required', 'log-in of its own'],
  [502, {}, '', 'bridge.unreachable', 'does not reach it'],
  [503, { 'Retry-After': '5' }, '', 'bridge.unreachable', 'no room'],
] as const)('HTTP %s to the upgrade (%o, %s) is %s', async (status, headers, body, code, text) => {
  const url = await answers(status, headers, body);
  const upgrade = step(await probe(url), 'upgrade');
  expect(upgrade).toMatchObject({ status: 'fail', fault: { code } });
  expect(upgrade?.seen).toContain(text);
  // And the log of an agent says the same.
  expect((await dialledByAgent(url)).toJSON()).toEqual(upgrade?.fault?.toJSON());
  expect(JSON.stringify(upgrade)).not.toContain('canary');
});

test('an upgrade that is stalled or cut is blocked on the way', async () => {
  const stalled = step(
    await probe(
      await stranger(
        (_request, response) => response.end(),
        () => undefined,
      ),
      { timeoutMs: 500 },
    ),
    'upgrade',
  );
  expect(stalled).toMatchObject({ status: 'fail', fault: { code: 'bridge.upgrade_blocked' } });
  const cut = step(
    await probe(
      await stranger(
        (_request, response) => response.end(),
        (socket) => socket.destroy(),
      ),
    ),
    'upgrade',
  );
  expect(cut).toMatchObject({ status: 'fail', fault: { code: 'bridge.upgrade_blocked' } });
});

const webSockets = async (
  greet: (send: (text: string) => void, close: () => void) => void,
  protocol = true,
): Promise<string> => {
  const server = createServer();
  const sockets = new WebSocketServer({ server, ...(protocol ? {} : { handleProtocols: () => false }) });
  sockets.on('connection', (socket) =>
    greet(
      (text) => socket.send(text),
      () => socket.close(4001),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('another WebSocket server is none of a catalog; silence after the upgrade is blocked; bye is told', async () => {
  const bye = { type: 'bye', code: 4001, message: 'the gateway drains', advice: 'Nothing has to be done.' };
  const hello = { type: 'hello', nonce: 'AA==', serverTime: new Date().toISOString() };
  const limits = { controlBytes: 1, dataBytes: 1, batchRecords: 1 };
  const old = { ...hello, protocol: { min: 2, max: 3 }, limits };
  for (const [url, code, text] of [
    [await webSockets((send) => send('{"hi":1}')), 'bridge.upgrade_refused', 'not that of a catalog'],
    [await webSockets((_send, close) => close()), 'bridge.upgrade_refused', '4001'],
    [await webSockets(() => undefined, false), 'bridge.upgrade_refused', 'does not know culvert.v1'],
    [await webSockets(() => undefined), 'bridge.upgrade_blocked', 'no message'],
    [await webSockets((send) => send(JSON.stringify(bye))), 'bridge.unreachable', 'the gateway drains'],
    [await webSockets((send) => send(JSON.stringify(old))), 'bridge.protocol', 'versions 2 to 3'],
  ] as const) {
    // Only the one that says nothing is to be late.
    const timeoutMs = text === 'no message' ? 500 : 20_000;
    const upgrade = step(await probe(url, { timeoutMs }), 'upgrade');
    expect(upgrade).toMatchObject({ status: 'fail', fault: { code } });
    expect(upgrade?.seen).toContain(text);
  }
});

test('an abort ends it with its reason', async () => {
  const stop = new AbortController();
  const reason = new Fault('job.cancelled', 'stop');
  const url = await stranger(
    (_request, response) => response.end(),
    () => stop.abort(reason),
  );
  expect(await faultOf(probe(url, { signal: stop.signal }))).toBe(reason);
});
