// Records the messages of sessions between a real agent and a real gateway, each type at least once. Run directly, it
// freezes them for good: `node test/unit/protocol/corpus/record.ts 2026-11-22` makes a folder of that name. What lies in a folder is never
// changed: it is what peers of that day say.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBridge } from '#agent/bridge/bridge.ts';
import { enrol } from '#agent/bridge/enrol.ts';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { type LinkClock, systemClock } from '#agent/bridge/link-clock.ts';
import { webSocketTransport } from '#agent/bridge/transport-websocket.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { AgentSession, Batch } from '#catalog/gateway/backend.ts';
import { Secret } from '#config/secret.ts';
import { AGENT_PATH } from '#protocol/constants.ts';
import type { Lease } from '#protocol/messages.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { Loopback, quiet, someStatus, until } from '../../bridge/loopback.ts';
import { scopeRecords } from '../../bridge/site.ts';
import { tapped } from '../../bridge/tapped.ts';
import { MemoryBackend } from '../../gateway/memory-backend.ts';

export interface Recording {
  /** Texts as they were on the wire, in order. */
  readonly toAgent: string[];
  readonly toGateway: string[];
  readonly frames: Uint8Array[];
}

/** A store that loses sight of one batch, so that a nack is heard. */
class ForgetfulBackend extends MemoryBackend {
  #forget = false;

  forgetNext(): void {
    this.#forget = true;
  }

  override async storeBatch(session: AgentSession, lease: Lease, batch: Batch) {
    if (!this.#forget) return await super.storeBatch(session, lease, batch);
    this.#forget = false;
    return { result: 'gap' as const, durableSeq: batch.seq - 1, consumed: Promise.resolve() };
  }
}

/** A link that is dialled again at once, and whose first heartbeat comes at once. */
const eager: LinkClock = { ...systemClock, random: () => 0.001 };

/** A script that takes parts, and hardly any room when it is compressed. */
const largeScope = (scope: string): StreamRecord[] => {
  const text = 'LOAD * FROM [lib://Files/sales.qvd] (qvd);\n'.repeat(40_000);
  const script = {
    t: 'asset',
    scope,
    key: `${scope}/script`,
    kind: 'script',
    name: 'Script',
    attributes: { text },
  } as const;
  const sha256 = createHash('sha256')
    .update(`${JSON.stringify(script)}\n`)
    .digest('hex');
  return [
    { t: 'scope', scope, kind: 'app', name: scope },
    script,
    { t: 'outcome', scope, outcome: 'complete', records: 1, sha256 },
  ];
};

/** Does as each job's connection is called. */
const handler = (waiting: Set<() => void>): JobHandler => ({
  run: async ({ connection }, sink, { signal, onProgress }) => {
    const [scope, ...rest] =
      connection === 'large' ? largeScope(`${connection}/app`) : scopeRecords(`${connection}/app`, 3, 50);
    if (!scope) return;
    await sink.write(scope);
    onProgress({ scopesDone: 0, scopesTotal: 1, records: 0, current: ['App "A"'] });
    if (connection.startsWith('slow')) {
      await sink.flush();
      await new Promise<void>((resolve, reject) => {
        waiting.add(resolve);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    for (const record of rest) await sink.write(record);
  },
});

/** Plays every part of a session, over sockets of this machine. */
export const recordSessions = async (): Promise<Recording> => {
  const recording: Recording = { toAgent: [], toGateway: [], frames: [] };
  const folder = await mkdtemp(join(tmpdir(), 'culvert-corpus-'));
  const backend = new ForgetfulBackend({ nowMs: () => performance.now() });
  const dialer = new Dialer();
  const waiting = new Set<() => void>();
  const heard = (type: string, from = 0): boolean =>
    recording.toAgent.slice(from).some((text) => (JSON.parse(text) as { type: string }).type === type);
  const said = (type: string, from = 0): boolean =>
    recording.toGateway.slice(from).some((text) => (JSON.parse(text) as { type: string }).type === type);
  const loopback = await Loopback.start({ backend });
  try {
    const { url } = loopback;
    const identity = await enrol({
      dialer,
      gatewayUrl: url,
      proxy: undefined,
      token: new Secret(backend.newEnrolmentToken()),
      name: 'corpus',
      version: '0.0.0',
      stateFolder: folder,
    });
    const { agentId } = identity;
    let status = someStatus();
    const socket = webSocketTransport(dialer, `${url.replace('http', 'ws')}${AGENT_PATH}`, undefined, undefined);
    const bridge = await startBridge({
      settings: { gatewayUrl: url, proxy: undefined },
      identity,
      dialer,
      version: '0.0.0',
      spoolFolder: join(folder, 'spool'),
      status: () => status,
      handlers: { crawl: handler(waiting) },
      log: quiet,
      clock: eager,
      transport: tapped(socket, {
        toAgent: (text) => {
          recording.toAgent.push(text);
          return text;
        },
        toGateway: (text) => {
          recording.toGateway.push(text);
          return text;
        },
        frame: (bytes) => void recording.frames.push(Uint8Array.from(bytes)),
      }),
    });
    await until(() => heard('heartbeat.ok'));
    // Keys and the log, said to an agent that names these capabilities.
    backend.tell(agentId, { ask: { type: 'log.level', level: 'debug', forMs: 60_000 } });
    backend.tell(agentId, { ask: { type: 'key.renew' } });
    await until(() => heard('key.rotated'));
    backend.tell(agentId, { ask: backend.succeed() });
    await until(() => heard('catalog.key') && heard('log.level'));
    // A crawl, one of whose batches has to be sent twice; then one with records in parts.
    backend.forgetNext();
    for (const connection of ['site', 'large']) {
      const job = backend.addJob(agentId, { connection });
      await until(() => job.state === 'published');
    }
    // An offer that is refused, and a change of the status.
    const unknown = backend.addJob(agentId, { kind: 'paint' });
    await until(() => unknown.state === 'failed');
    status = someStatus({ faults: [{ code: 'spool.full', message: 'full', retryable: true, advice: 'Make room.' }] });
    bridge.statusChanged();
    await until(() => said('status'));
    // A cancel.
    const cancelled = backend.addJob(agentId, { connection: 'slow-1' });
    await until(() => waiting.size > 0);
    backend.cancelJob(cancelled);
    await until(() => cancelled.state === 'cancelled');
    // A job that somebody else has now.
    waiting.clear();
    const lost = backend.addJob(agentId, { connection: 'slow-2' });
    await until(() => waiting.size > 0 && lost.durableSeq > 0);
    lost.leaseToken = 'canary-of-another';
    for (const go of waiting) go();
    await until(() => heard('job.lost'));
    lost.state = 'failed';
    // A cut in the middle of a job, which goes on.
    waiting.clear();
    const resumed = backend.addJob(agentId, { connection: 'slow-3' });
    await until(() => waiting.size > 0 && resumed.durableSeq > 0);
    loopback.cut();
    await until(() => said('job.resume'));
    for (const go of waiting) go();
    await until(() => resumed.state === 'published' && bridge.health().state === 'open');
    // The end of a session by each side.
    const before = recording.toAgent.length;
    backend.tell(agentId, {
      end: { closeCode: 4000, message: 'The store failed.', advice: 'Nothing has to be done.' },
    });
    await until(() => heard('bye', before) && bridge.health().state === 'open');
    await bridge.close();
    const again = await startBridge({
      settings: { gatewayUrl: url, proxy: undefined },
      identity,
      dialer,
      version: '0.0.0',
      spoolFolder: join(folder, 'spool'),
      status: () => status,
      handlers: {},
      log: quiet,
      clock: eager,
      transport: tapped(socket, {
        toAgent: (text) => {
          recording.toAgent.push(text);
          return text;
        },
        toGateway: (text) => {
          recording.toGateway.push(text);
          return text;
        },
      }),
    });
    await until(() => again.health().state === 'open');
    await loopback.gateway.close();
    await until(() => heard('drain'));
    await again.close();
    return recording;
  } finally {
    await loopback[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
};

/** The files of a recording. */
export const filesOf = ({ toAgent, toGateway, frames }: Recording): Readonly<Record<string, string>> => ({
  'to-agent.jsonl': toAgent.map((text) => `${text}\n`).join(''),
  'to-gateway.jsonl': toGateway.map((text) => `${text}\n`).join(''),
  'frames.base64': frames.map((bytes) => `${Buffer.from(bytes).toString('base64')}\n`).join(''),
});

if (import.meta.main) {
  const day = process.argv[2] ?? '';
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new Error('name the day: node record.ts 2026-11-22');
  const folder = join(import.meta.dirname, day);
  await mkdir(folder);
  for (const [name, text] of Object.entries(filesOf(await recordSessions()))) await writeFile(join(folder, name), text);
}
