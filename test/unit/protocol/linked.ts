import { generateKeyPairSync, sign } from 'node:crypto';
import type { GatewayBackend, AgentSession as StoredSession } from '#catalog/gateway/backend.ts';
import type { AgentEffect, AgentEvent, HeldAttempt } from '#protocol/agent-events.ts';
import { attemptKey, leaseOf } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { decodeFrame } from '#protocol/frame.ts';
import type { GatewayEffect, GatewayEvent } from '#protocol/gateway-events.ts';
import { GatewaySession } from '#protocol/gateway-session.ts';
import { challenge } from '#protocol/messages.ts';
import { someStatus } from '../bridge/loopback.ts';
import { scopeRecords } from '../bridge/site.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { append, type Disk, sealOf } from './linked-disk.ts';

const HOST = 'catalog.test';

type Wire =
  | { readonly to: 'agent' | 'gateway'; readonly connection: number; readonly text: string }
  | { readonly to: 'gateway'; readonly connection: number; readonly bytes: Uint8Array };

/**
 * Both machines joined in memory under one virtual clock: every message is a step, so that a test can cut the link, or
 * take a side away, at each of them. The crawl is a fixed list of records, a batch of `batch` each time it may write.
 */
export class Linked {
  nowMs = 1_000;
  readonly backend: MemoryBackend;
  readonly agentId: string;
  readonly #key = generateKeyPairSync('ed25519');
  readonly #lines: readonly string[];
  readonly #batch: number;
  readonly #wire: Wire[] = [];
  readonly #disks = new Map<string, Disk>();
  readonly closes: number[] = [];
  /** Messages that were delivered. */
  steps = 0;
  /** How often the agent was told to forget what the catalog did not have. */
  trimmedBelowDurable = 0;
  /** What the other end hears of a text: a peer of another release says other things. */
  via: (to: 'agent' | 'gateway', text: string) => readonly string[] = (_, text) => [text];
  agent: AgentSession;
  #gateway: GatewaySession | undefined;
  #session: StoredSession | undefined;
  #connection = 0;
  #holed = -1;
  #dialAtMs: number | undefined;
  #boots = 0;
  #unsubscribe: () => void = () => undefined;

  constructor(
    options: {
      readonly apps?: number;
      readonly assetsPerApp?: number;
      readonly batch?: number;
      readonly latency?: () => Promise<void>;
    } = {},
  ) {
    const { apps = 3, assetsPerApp = 5, batch = 2 } = options;
    const { latency } = options;
    this.backend = new MemoryBackend({
      nowMs: () => this.nowMs,
      ...(latency ? { latency, consuming: latency } : {}),
    });
    this.#batch = batch;
    this.#lines = Array.from({ length: apps }, (_, app) => scopeRecords(`site/app-${app}`, assetsPerApp, 20)).flatMap(
      (records) => records.map((record) => `${JSON.stringify(record)}\n`),
    );
    this.agentId = this.backend.addAgent(
      this.#key.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    );
    this.agent = this.#boot();
  }

  /** Records of the whole crawl without scope and outcome records, as the catalog should publish them. */
  get expected(): Map<string, string[]> {
    const scopes = new Map<string, string[]>();
    for (const line of this.#lines) {
      const { t, scope } = JSON.parse(line) as { t: string; scope: string };
      if (t === 'scope') scopes.set(scope, []);
      else if (t !== 'outcome') scopes.get(scope)?.push(line);
    }
    return scopes;
  }

  /** Attempts that the agent still holds. */
  get held(): number {
    return this.#disks.size;
  }

  start(): void {
    this.event({ type: 'start' });
  }

  /** Delivers one message, or lets time pass to the next thing that is due. False when nothing is left to happen. */
  async step(): Promise<boolean> {
    await this.settle();
    const wire = this.#wire.shift();
    if (wire) {
      this.steps += 1;
      if (wire.connection !== this.#connection || wire.connection === this.#holed) return true;
      if ('bytes' in wire) this.toGateway({ type: 'binary', bytes: wire.bytes });
      else if (wire.to === 'agent') for (const text of this.via('agent', wire.text)) this.event({ type: 'text', text });
      else for (const text of this.via('gateway', wire.text)) this.toGateway({ type: 'text', text });
      await this.settle();
      return true;
    }
    const due = [this.#dialAtMs, this.agent.wakeAtMs, this.#gateway?.wakeAtMs].filter((at) => at !== undefined);
    if (due.length === 0) return false;
    this.nowMs = Math.max(this.nowMs, Math.min(...due));
    if (this.#dialAtMs !== undefined && this.#dialAtMs <= this.nowMs) this.#dial();
    if ((this.agent.wakeAtMs ?? Infinity) <= this.nowMs) this.event({ type: 'tick' });
    if ((this.#gateway?.wakeAtMs ?? Infinity) <= this.nowMs) this.toGateway({ type: 'tick' });
    await this.settle();
    return true;
  }

  /** The link breaks: what was under way is lost, both sides hear of it. */
  async cut(): Promise<void> {
    if (this.#connection === 0 || this.#dialAtMs !== undefined) return;
    this.#connection += 1;
    this.#wire.length = 0;
    this.toGateway({ type: 'closed' });
    this.#gateway = undefined;
    this.#session = undefined;
    this.#unsubscribe();
    this.event({ type: 'closed', code: 1006 });
    await this.settle();
  }

  /** Nothing comes through any more, and nobody is told. */
  blackHole(): void {
    this.#holed = this.#connection;
  }

  /** The machines stand still, as when a laptop sleeps. */
  sleep(ms: number): void {
    this.nowMs += ms;
  }

  /** The agent's process dies and comes back with what lies on its disk. */
  async crashAgent(): Promise<void> {
    this.#connection += 1;
    this.#wire.length = 0;
    this.toGateway({ type: 'closed' });
    this.#gateway = undefined;
    this.#dialAtMs = undefined;
    for (const disk of this.#disks.values()) Object.assign(disk, { rest: [], paused: false, cancelled: false });
    this.agent = this.#boot();
    this.start();
    await this.settle();
  }

  /** Lets the promises of the store resolve. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  event(event: AgentEvent): void {
    for (const effect of this.agent.handle(event, this.nowMs, 0.5)) this.#agentEffect(effect);
  }

  toGateway(event: GatewayEvent): void {
    for (const effect of this.#gateway?.handle(event, this.nowMs) ?? []) this.#gatewayEffect(effect);
  }

  #boot(): AgentSession {
    this.#boots += 1;
    const held = Array.from(this.#disks.values(), (disk): HeldAttempt => {
      const kept = [...disk.frames].filter(([seq]) => seq > disk.trimmed).sort(([a], [b]) => a - b);
      return {
        ...leaseOf(disk.offer),
        stream: disk.stream,
        trimmedSeq: disk.trimmed,
        frameBytes: kept.map(([, bytes]) => bytes.length),
        seal: disk.seal,
      };
    });
    const identity = { agentId: this.agentId, keyId: 'key-1', bootId: `boot-${this.#boots}`, version: '0.0.0' };
    return new AgentSession(identity, someStatus(), held);
  }

  #dial(): void {
    this.#dialAtMs = undefined;
    this.#connection += 1;
    this.#gateway = new GatewaySession({
      nonce: `nonce-${this.#connection}`,
      serverTime: '2026-01-01T00:00:00.000Z',
      random: 0.5,
    });
    this.event({ type: 'opened' });
    this.toGateway({ type: 'open' });
  }

  #agentEffect(effect: AgentEffect): void {
    switch (effect.type) {
      case 'connect':
        this.#dialAtMs = this.nowMs + effect.afterMs;
        break;
      case 'send':
        this.#wire.push({ to: 'gateway', connection: this.#connection, text: effect.text });
        break;
      case 'sendBatch': {
        const bytes = this.#disks.get(attemptKey(effect))?.frames.get(effect.seq);
        if (!bytes) throw new Error(`batch ${effect.seq} is not in the spool`);
        this.#wire.push({ to: 'gateway', connection: this.#connection, bytes });
        break;
      }
      case 'close':
        this.closes.push(effect.code);
        queueMicrotask(() => void this.cut());
        break;
      case 'sign': {
        const text = challenge(HOST, effect.nonce, this.agentId, `boot-${this.#boots}`);
        const signature = sign(null, Buffer.from(text), this.#key.privateKey).toString('base64');
        queueMicrotask(() => this.event({ type: 'signed', nonce: effect.nonce, signature }));
        break;
      }
      case 'verify': {
        const { jobId, attempt } = effect.offer;
        queueMicrotask(() => this.event({ type: 'verified', jobId, attempt }));
        break;
      }
      case 'record': {
        const { offer, stream } = effect;
        const empty = { frames: new Map(), lastSeq: 0, trimmed: 0, crcs: [], records: 0, rest: [], seal: undefined };
        const running = { paused: false, cancelled: false };
        this.#disks.set(attemptKey(offer), { offer, stream, ...empty, ...running });
        queueMicrotask(() => this.event({ type: 'recorded', jobId: offer.jobId, attempt: offer.attempt }));
        break;
      }
      case 'startJob': {
        const disk = this.#disks.get(attemptKey(effect));
        if (!disk) throw new Error('a job without a spool was started');
        const skip = new Set([...effect.skipScopes, ...this.#completed(disk)]);
        disk.rest = this.#lines.filter((line) => !skip.has((JSON.parse(line) as { scope: string }).scope));
        queueMicrotask(() => this.#crawl(disk));
        break;
      }
      case 'trim': {
        const disk = this.#disks.get(attemptKey(effect));
        if (!disk) break;
        const durable = this.backend.jobs.get(effect.jobId)?.durableSeq ?? 0;
        if (effect.upto > durable) this.trimmedBelowDurable += 1;
        disk.trimmed = Math.max(disk.trimmed, effect.upto);
        break;
      }
      case 'remove':
        this.#disks.delete(attemptKey(effect));
        break;
      case 'cancel': {
        const disk = this.#disks.get(attemptKey(effect));
        if (!disk || disk.seal) break;
        disk.rest = [];
        disk.cancelled = true;
        disk.paused = false;
        queueMicrotask(() => this.#crawl(disk));
        break;
      }
      case 'pauseJob':
      case 'resumeJob': {
        const disk = this.#disks.get(attemptKey(effect));
        if (!disk) break;
        const goesOn = disk.paused && effect.type === 'resumeJob';
        disk.paused = effect.type === 'pauseJob';
        if (goesOn && disk.rest.length > 0) queueMicrotask(() => this.#crawl(disk));
        break;
      }
      case 'ended':
      case 'greeted':
      case 'rotateKey':
      case 'keyRotated':
      case 'catalogKey':
      case 'logLevel':
        break;
      default:
        effect satisfies never;
    }
  }

  /** Scopes whose outcome lies in the spool. */
  #completed(disk: Disk): string[] {
    return [...disk.frames.values()].flatMap((bytes) =>
      (this.#contents.get(decodeFrame(bytes).crc32) ?? []).flatMap((line) => {
        const { t, scope } = JSON.parse(line) as { t: string; scope: string };
        return t === 'outcome' ? [scope] : [];
      }),
    );
  }

  readonly #contents = new Map<number, readonly string[]>();

  /** Writes a batch a turn, so that spooling and sending interleave. */
  #crawl(disk: Disk): void {
    const key = attemptKey(disk.offer);
    if (this.#disks.get(key) !== disk || disk.paused) return;
    const { jobId, attempt } = disk.offer;
    const lines = disk.rest.splice(0, this.#batch);
    if (lines.length === 0) {
      if (disk.seal) return;
      disk.seal = sealOf(disk);
      this.event({ type: 'sealed', jobId, attempt, seal: disk.seal });
      return;
    }
    const { seq, bytes, crc32 } = append(disk, lines);
    this.#contents.set(crc32, lines);
    this.event({ type: 'spooled', jobId, attempt, seq, bytes: bytes.length });
    const boot = this.#boots;
    setImmediate(() => {
      if (this.#boots === boot) this.#crawl(disk);
    });
  }

  #gatewayEffect(effect: GatewayEffect): void {
    const connection = this.#connection;
    const session = this.#session;
    const answer = (event: GatewayEvent): void => {
      if (connection === this.#connection) this.toGateway(event);
    };
    if (effect.type === 'send') {
      this.#wire.push({ to: 'agent', connection, text: effect.text });
    } else if (effect.type === 'close') {
      this.closes.push(effect.code);
      queueMicrotask(() => {
        if (connection !== this.#connection) return;
        this.#gateway = undefined;
        if (connection === this.#holed) return;
        this.#connection += 1;
        for (const wire of this.#wire.splice(0))
          if (wire.to === 'agent' && 'text' in wire) this.event({ type: 'text', text: wire.text });
        this.event({ type: 'closed', code: effect.code });
      });
    } else if (effect.type === 'authenticate') {
      void this.backend.authenticate(effect.auth, { host: HOST, nonce: effect.nonce }).then((reply) => {
        if ('refused' in reply) answer({ type: 'refused', ...reply.refused });
        else {
          if (connection === this.#connection) this.#session = reply.session;
          const { sessionId, epoch } = reply.session;
          answer({ type: 'authenticated', sessionId, epoch, jobs: reply.jobs });
        }
      });
    } else if (session) this.#storeEffect(effect, session, this.backend, answer);
  }

  #storeEffect(
    effect: Exclude<GatewayEffect, { type: 'send' | 'close' | 'authenticate' }>,
    session: StoredSession,
    backend: GatewayBackend,
    answer: (event: GatewayEvent) => void,
  ): void {
    switch (effect.type) {
      case 'subscribe':
        this.#unsubscribe = backend.onWake(session, ({ cancel }) => answer({ type: 'wake', cancel }));
        break;
      case 'claim':
        void backend.claim(session).then((offer) => answer({ type: 'claimed', offer }));
        break;
      case 'accept':
        void backend
          .accept(session, effect.lease)
          .then((result) => answer({ type: 'accepted', stream: effect.stream, result }));
        break;
      case 'reject':
        void backend.reject(session, effect.lease, effect.error);
        break;
      case 'store': {
        const { stream, bytes, frame, lease } = effect;
        void backend.storeBatch(session, lease, frame).then(({ result, durableSeq, consumed }) => {
          answer({ type: 'stored', stream, bytes, result, durableSeq });
          void consumed.then(() => {
            if (result === 'stored') answer({ type: 'consumed', stream, bytes });
          });
        });
        break;
      }
      case 'renew':
        void backend.renew(session, effect.leases).then((reply) => answer({ type: 'renewed', ...reply }));
        break;
      case 'finish': {
        const { jobId, attempt } = effect.finish;
        void backend
          .finish(session, effect.finish)
          .then((reply) => answer({ type: 'finished', jobId, attempt, ...reply }));
        break;
      }
      case 'progress':
      case 'status':
      case 'rotateKey':
      case 'disconnected':
        break;
      default:
        effect satisfies never;
    }
  }
}
