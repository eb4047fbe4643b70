import { CREDIT } from '#protocol/constants.ts';
import { decodeFrame, FrameError } from '#protocol/frame.ts';
import type { Counters } from './counters.ts';
import { JobWatch } from './job-watch.ts';
import type { Connection, WireTap } from './network.ts';
import { ScopeWatch } from './scope-watch.ts';
import type { Site } from './site.ts';
import type { StoreService } from './store-service.ts';
import type { Owner, Time } from './time.ts';

/** The rule that did not hold, and what was seen. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

interface Message {
  readonly type: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseToken: string;
  readonly stream: number;
  readonly upto: number;
  readonly credit: number;
  readonly durableSeq: number;
  readonly code: number;
  readonly message: string;
  readonly lastSeq: number;
  readonly leaseTtlMs: number;
  readonly retryAfterMs?: number;
  readonly reconnectAfterMs: number;
  readonly connectionCredit: number;
  readonly epoch: number;
  readonly jobs: readonly Message[];
  readonly leases: readonly Message[];
  readonly lost: readonly Message[];
  readonly verdict: string;
  readonly published?: boolean;
}

interface Stream {
  readonly key: string;
  readonly jobId: string;
  readonly leaseToken: string;
  readonly grantedBytes: number;
  sentBytes: number;
  returnedBytes: number;
  ackedSeq: number;
}

/** One connection as it is seen from outside. */
interface Account {
  grantedBytes: number;
  sentBytes: number;
  returnedBytes: number;
  readonly streams: Map<number, Stream>;
  /** Attempts and what was granted for them in this session. */
  readonly grants: Map<string, number>;
  readonly atGateway: Map<number, { readonly jobId: string; readonly attempt: number }>;
  gatewayHeldBytes: number;
}

/** What the watch may ask of the process of an agent. */
export interface Watched {
  readonly owner: Owner;
  /** The record of an attempt with this token is synced. */
  isRecorded(leaseToken: string): boolean;
  /** Listens to what the gateway says: it has not closed the connection itself. */
  readonly isTalking: boolean;
  readonly isOpen: boolean;
  /** Not before then may this process dial again. */
  quietUntilMs: number;
  /** By its own clock, at the latest, for each attempt. */
  readonly leaseUntilMs: Map<string, number>;
}

/** Codes with which a session of two sound programs may end. */
const SOUND = new Set([1000, 1001, 1006, 4000, 4001, 4002, 4003, 4004, 4008, 4009, 4011, 4507]);
const keyOf = ({ jobId, attempt }: { readonly jobId: string; readonly attempt: number }): string =>
  `${jobId}/${attempt}`;

/** Looks at every byte that is sent and every scope that is published, and checks it against the rules. */
export class Watch implements WireTap {
  readonly #time: Time;
  readonly #counters: Counters;
  readonly #trace: (line: string) => void;
  readonly #accounts = new Map<number, Account>();
  readonly #batches = new Map<string, number>();
  readonly watched = new Map<Owner, Watched>();
  /** What is published. */
  readonly scopes: ScopeWatch;
  /** Jobs of all kinds. */
  readonly jobs: JobWatch;
  store: StoreService | undefined;
  /** Batches may be cut anew under a number that was used: a disk was spoiled, or a spool copied. */
  mayRecut = false;
  /** Another machine with a state of its own worked for the same agent: what was published is not known to each. */
  mayBeStale = false;
  /** The store forgot commits. */
  forgotten = false;
  violation: Violation | undefined;

  constructor(
    time: Time,
    counters: Counters,
    trace: (line: string) => void,
    siteOf: (jobId: string) => Site | undefined,
  ) {
    this.#time = time;
    this.#counters = counters;
    this.#trace = trace;
    this.scopes = new ScopeWatch({
      fail: (rule, message) => this.fail(rule, message),
      count: (name) => counters.count(name),
      siteOf,
      mayBeStale: () => this.mayBeStale,
    });
    this.jobs = new JobWatch({
      fail: (rule, message) => this.fail(rule, message),
      count: (name) => counters.count(name),
      siteOf,
      model: () => this.store?.model,
      planOf: (pass) => this.scopes.passes.get(pass)?.plan,
      mayBeStale: () => this.mayBeStale,
    });
  }

  fail(rule: string, message: string): void {
    this.#trace(`VIOLATION ${rule}: ${message}`);
    this.violation ??= new Violation(rule, message);
  }

  agentSent(connection: Connection, item: Parameters<WireTap['agentSent']>[1]): void {
    const account = this.#account(connection);
    const name = `${connection.agent.name} #${connection.id}`;
    if (item.kind === 'close') {
      this.#trace(`${name} closes ${item.code}`);
      this.#counters.count(`close.agent.${item.code}`);
      if (!SOUND.has(item.code)) this.fail('sound', `${name} closes with ${item.code}`);
    } else if (item.kind === 'binary') this.#sentFrame(connection, account, item.bytes);
    else {
      const message = JSON.parse(item.text) as Message;
      this.#trace(`${name} > ${brief(message)}`);
      this.#counters.count(`agent.${message.type}`);
      this.#counters.highest('highest.control.bytes', item.text.length);
      if (message.type === 'job.accept' || message.type === 'job.resume') this.#bound(connection, account, message);
      else if (message.type === 'job.finish') {
        const stream = [...account.streams.values()].find(({ key }) => key === keyOf(message));
        if ((stream?.ackedSeq ?? -1) < message.lastSeq)
          this.fail('finish', `${name} finishes ${keyOf(message)} before batch ${message.lastSeq} was acknowledged`);
      }
    }
  }

  agentHeard(connection: Connection, item: Parameters<WireTap['agentHeard']>[1]): void {
    if (item.kind !== 'text') return;
    const message = JSON.parse(item.text) as Message;
    this.#trace(`${connection.agent.name} #${connection.id} < ${brief(message)}`);
    const account = this.#account(connection);
    const watched = this.watched.get(connection.agent);
    const until = (ms: number): number => this.#time.nowMs + connection.agent.clockOffsetMs + ms;
    switch (message.type) {
      case 'welcome':
        account.grantedBytes = message.connectionCredit;
        for (const verdict of message.jobs) {
          this.#counters.count(`verdict.${verdict.published === false ? 'unpublished' : verdict.verdict}`);
          account.grants.set(keyOf(verdict), verdict.credit);
          watched?.leaseUntilMs.set(keyOf(verdict), until(verdict.leaseTtlMs));
          // What is durable by the verdict counts as acknowledged.
          account.grants.set(`durable ${keyOf(verdict)}`, verdict.durableSeq);
        }
        break;
      case 'job.offer':
        account.grants.set(keyOf(message), message.credit);
        watched?.leaseUntilMs.set(keyOf(message), until(message.leaseTtlMs));
        break;
      case 'heartbeat.ok':
        for (const { key } of account.streams.values())
          if (watched?.leaseUntilMs.has(key)) watched.leaseUntilMs.set(key, until(message.leaseTtlMs));
        break;
      case 'ack': {
        account.returnedBytes += message.credit;
        const stream = account.streams.get(message.stream);
        if (stream) {
          stream.returnedBytes += message.credit;
          stream.ackedSeq = Math.max(stream.ackedSeq, message.upto);
        }
        break;
      }
      case 'bye':
        if (watched?.isTalking && message.code === 4009) watched.quietUntilMs = this.#time.nowMs + 60_000;
        break;
      case 'drain':
        if (watched?.isOpen) watched.quietUntilMs = this.#time.nowMs + message.reconnectAfterMs / 2;
        break;
      default:
    }
  }

  gatewaySent(connection: Connection, item: Parameters<WireTap['gatewaySent']>[1]): void {
    const account = this.#account(connection);
    const name = `${connection.gateway.name} #${connection.id}`;
    if (item.kind === 'close') {
      this.#counters.count(`close.gateway.${item.code}`);
      this.#trace(`${name} closes ${item.code}`);
      if (!SOUND.has(item.code)) this.fail('sound', `${name} closes with ${item.code}`);
    }
    if (item.kind !== 'text') return;
    const message = JSON.parse(item.text) as Message;
    this.#trace(`${name} > ${brief(message)}`);
    this.#counters.count(`gateway.${message.type}`);
    this.#counters.highest('highest.control.bytes', item.text.length);
    if (message.type === 'ack') {
      account.gatewayHeldBytes -= message.credit;
      if (account.gatewayHeldBytes < 0) this.fail('refund', `${name} returned more credit than was used`);
      const ref = account.atGateway.get(message.stream);
      const attempt = ref && this.store?.model.attempt(ref);
      if (message.upto > 0 && !this.forgotten && attempt && attempt.durableSeq < message.upto)
        this.fail(
          'commit',
          `${name} acknowledges batch ${message.upto} of ${keyOf(attempt)}, ${attempt.durableSeq} is committed`,
        );
    } else if (message.type === 'job.closed') this.#closed(message);
    else if (message.type === 'welcome') {
      for (const verdict of message.jobs) if (verdict.verdict === 'finished') this.#closed(verdict);
    } else if (message.type === 'bye' && !SOUND.has(message.code))
      this.fail('sound', `${name} ends with ${message.code}: ${message.message}`);
  }

  /** An agent is told that an attempt is over. */
  #closed(message: Message): void {
    if (!this.forgotten) this.jobs.closed(message, message.published !== false);
  }

  gatewayHeard(connection: Connection, item: Parameters<WireTap['gatewayHeard']>[1]): void {
    const account = this.#account(connection);
    if (item.kind === 'binary') {
      account.gatewayHeldBytes += item.bytes.length;
      this.#counters.highest('highest.gateway.bytes', account.gatewayHeldBytes);
      if (account.gatewayHeldBytes > CREDIT.connectionBytes)
        this.fail('memory', `${connection.gateway.name} #${connection.id} holds ${account.gatewayHeldBytes} bytes`);
    } else if (item.kind === 'text') {
      const message = JSON.parse(item.text) as Message;
      if (message.type === 'job.accept' || message.type === 'job.resume')
        account.atGateway.set(message.stream, { jobId: message.jobId, attempt: message.attempt });
    }
  }

  /** The agent deletes what it was told is durable. */
  trimmed(owner: Owner, ref: { readonly jobId: string; readonly attempt: number }, upto: number): void {
    this.#counters.count('agent.trim');
    const attempt = this.store?.model.attempt(ref);
    if (!this.forgotten && attempt && attempt.durableSeq < upto)
      this.fail('trim', `${owner.name} trims ${keyOf(ref)} up to ${upto}, ${attempt.durableSeq} is committed`);
  }

  /** A job wrote a record. */
  written(owner: Owner, key: string): void {
    const untilMs = this.watched.get(owner)?.leaseUntilMs.get(key);
    const ownMs = this.#time.nowMs + owner.clockOffsetMs;
    // Right after a sleep the program has not looked at its clock yet.
    if (untilMs === undefined || this.#time.nowMs - owner.disturbedAtMs < 1_000) return;
    if (ownMs > untilMs + 1_000)
      this.fail('lease', `${owner.name} writes for ${key}, whose lease is over for ${ownMs - untilMs} ms`);
  }

  dialled(owner: Owner): void {
    const watched = this.watched.get(owner);
    if (!watched) return;
    if (this.#time.nowMs < watched.quietUntilMs - 1 && owner.disturbedAtMs < watched.quietUntilMs - 60_000)
      this.fail('quiet', `${owner.name} dials ${Math.round(watched.quietUntilMs - this.#time.nowMs)} ms too early`);
    watched.quietUntilMs = 0;
  }

  /** The store forgot its last commits: what they said may be said again. */
  forget(): void {
    this.forgotten = true;
    this.scopes.forget();
    this.jobs.forget();
  }

  over(connection: Connection): void {
    this.#accounts.delete(connection.id);
  }

  #account(connection: Connection): Account {
    const account = this.#accounts.get(connection.id) ?? {
      grantedBytes: 0,
      sentBytes: 0,
      returnedBytes: 0,
      streams: new Map(),
      grants: new Map(),
      atGateway: new Map(),
      gatewayHeldBytes: 0,
    };
    this.#accounts.set(connection.id, account);
    return account;
  }

  #bound(connection: Connection, account: Account, message: Message): void {
    const name = connection.agent.name;
    if (account.streams.has(message.stream)) this.fail('stream', `${name} uses stream ${message.stream} twice`);
    const key = keyOf(message);
    account.streams.set(message.stream, {
      key,
      jobId: message.jobId,
      leaseToken: message.leaseToken,
      grantedBytes: account.grants.get(key) ?? 0,
      sentBytes: 0,
      returnedBytes: 0,
      ackedSeq: account.grants.get(`durable ${key}`) ?? 0,
    });
    if (message.type === 'job.accept' && this.watched.get(connection.agent)?.isRecorded(message.leaseToken) === false)
      this.fail('record', `${name} accepts ${key}, which is not on its disk`);
  }

  #sentFrame(connection: Connection, account: Account, bytes: Uint8Array): void {
    const name = `${connection.agent.name} #${connection.id}`;
    let frame: ReturnType<typeof decodeFrame>;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.fail('frame', `${name} sends ${error.message}`);
      return;
    }
    this.#trace(`${name} > batch ${frame.seq} of stream ${frame.stream}, ${bytes.length} bytes`);
    this.#counters.count('agent.batch');
    if (frame.part !== undefined) this.#counters.count('agent.batch.part');
    account.sentBytes += bytes.length;
    const used = account.sentBytes - account.returnedBytes;
    this.#counters.highest('highest.connection.bytes', used);
    if (used > account.grantedBytes)
      this.fail('credit', `${name} has ${used} bytes under way of ${account.grantedBytes}`);
    const stream = account.streams.get(frame.stream);
    if (!stream) {
      this.fail('stream', `${name} sends for stream ${frame.stream}, which is not bound`);
      return;
    }
    stream.sentBytes += bytes.length;
    if (stream.sentBytes - stream.returnedBytes > stream.grantedBytes)
      this.fail('credit', `${name} stream ${frame.stream} has more than ${stream.grantedBytes} bytes under way`);
    let ofJob = 0;
    for (const one of account.streams.values())
      if (one.jobId === stream.jobId) ofJob += one.sentBytes - one.returnedBytes;
    this.#counters.highest('highest.job.bytes', ofJob);
    if (ofJob > stream.grantedBytes) this.#counters.count('job.over.one.window');
    const id = `${stream.leaseToken} ${frame.seq}`;
    const before = this.#batches.get(id);
    if (before !== undefined) this.#counters.count('agent.batch.again');
    if (before !== undefined && before !== frame.crc32 && !this.mayRecut)
      this.fail('recut', `${name} sends other bytes as batch ${frame.seq} of ${stream.key}`);
    this.#batches.set(id, frame.crc32);
  }
}

const brief = (message: Message): string => {
  const { type, jobId, attempt, stream, upto, credit, durableSeq, code, lastSeq, epoch, jobs, lost } = message;
  const facts: [string, unknown][] = [
    ['job', jobId === undefined ? undefined : keyOf({ jobId, attempt })],
    ['stream', stream],
    ['upto', upto],
    ['credit', credit],
    ['durable', durableSeq],
    ['last', lastSeq],
    ['code', code],
    ['epoch', epoch],
    ['jobs', jobs?.map((job) => `${keyOf(job)} ${job.verdict ?? ''} ${job.durableSeq ?? ''}`).join('; ')],
    ['lost', lost?.map(keyOf).join(' ')],
  ];
  return `${type}${facts.map(([name, value]) => (value === undefined || value === '' ? '' : ` ${name}=${String(value)}`)).join('')}`;
};
