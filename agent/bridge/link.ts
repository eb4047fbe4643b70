import { within } from '#agent/network/deadline.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { AgentEffect, AgentEvent, AttemptRef } from '#protocol/agent-events.ts';
import type { AgentSession } from '#protocol/agent-session.ts';
import { CLOSE, LIMITS } from '#protocol/constants.ts';
import { asFault, type ErrorCode, type ErrorInfo, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { LinkClock } from './link-clock.ts';
import type { BridgeLog } from './log.ts';
import type { Transport, TransportConnection } from './transport.ts';
import type { Overdue } from './watchdog.ts';

/** Effects that concern jobs and the spool: the link passes them on. */
export type JobEffect = Extract<
  AgentEffect,
  { type: 'verify' | 'record' | 'startJob' | 'trim' | 'remove' | 'cancel' | 'pauseJob' | 'resumeJob' }
>;

/** What the catalog asks besides jobs. */
export type AskEffect = Extract<AgentEffect, { type: 'rotateKey' | 'keyRotated' | 'catalogKey' | 'logLevel' }>;

export interface LinkOptions {
  readonly session: AgentSession;
  readonly transport: Transport;
  readonly clock: LinkClock;
  readonly log: BridgeLog;
  readonly sign: (nonce: string) => string;
  /** Draws what the jobs of the session that opens now have to repeat. */
  readonly challenge: () => string;
  readonly onJob: (effect: JobEffect) => void;
  /** Keys and the log level: what the catalog asks besides jobs. */
  readonly onAsk: (effect: AskEffect) => void;
  /** The catalog's clock, as it says. */
  readonly onGreeted: (serverTime: string) => void;
  /** The bytes of a spooled batch; undefined when its attempt is gone. */
  readonly readFrame: (ref: AttemptRef, seq: number) => Promise<Uint8Array | undefined>;
  /** A batch could not be read. */
  readonly onUnreadable: (ref: AttemptRef, error: unknown) => void;
  /** Told of every step of the machine before it is acted upon, for figures; must not throw. */
  readonly onStep?: ((event: AgentEvent, effects: readonly AgentEffect[]) => void) | undefined;
}

const IDENTITY: ReadonlySet<number> = new Set([
  CLOSE.agentDisabled,
  CLOSE.unknownAgent,
  CLOSE.badSignature,
  CLOSE.duplicateIdentity,
  CLOSE.organisationMismatch,
]);

/** A disk that gives nothing for this long is broken. */
const READ_MS = 120_000;
/** A connection ends a second after it was closed, answered or not; a stop does not wait for one that does not. */
const STOP_MS = 3_000;
/** The longest that a transport takes to open, with a tunnel before it and a second way behind it. */
const CONNECT_MS = 60_000;
/** Less is the machine's load. */
const GRACE_MS = 10_000;

/** A code that this release does not know counts by its range. */
const errorCode = (closeCode: number): ErrorCode => {
  if (IDENTITY.has(closeCode)) return 'bridge.identity_refused';
  return closeCode < 4500 ? 'bridge.unreachable' : 'bridge.protocol';
};

/** Drives the agent's session machine over a transport: dials, sends, wakes it in time. */
export class Link {
  readonly #options: LinkOptions;
  readonly #events: AgentEvent[] = [];
  #dispatching = false;
  #connection: TransportConnection | undefined;
  #batches: (AttemptRef & { readonly seq: number; readonly bytes: number })[] = [];
  #sending = false;
  #cancelDial: () => void = () => undefined;
  #cancelTick: () => void = () => undefined;
  #tickAtMs: number | undefined;
  #closed: (() => void) | undefined;
  #settled: (() => void) | undefined;
  #stopped = false;
  #transport: Transport;
  /** The next dial waits for nothing: why the last ones failed is no longer true. */
  #hurry = false;
  /** A dial is due. */
  #dialling = false;
  /** When the last dial was due. */
  #dialAtMs = 0;
  /** Since when the machine is in its state. */
  #stateSinceMs = 0;
  #lastError: ErrorInfo | undefined;
  /** The end of this connection has a better reason than the code of the socket. */
  #explained = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#transport = options.transport;
  }

  /** Why there is no session, in words for people; undefined while there is one. */
  get lastError(): ErrorInfo | undefined {
    return this.#options.session.state.name === 'open' ? undefined : this.#lastError;
  }

  /** Tells the machine of an event and does what it asks for; events that arise from that come after it. */
  dispatch(event: AgentEvent): void {
    this.#events.push(event);
    if (this.#dispatching) return;
    this.#dispatching = true;
    const { session, clock, log, onStep } = this.#options;
    const before = session.state.name;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        const effects = session.handle(next, clock.nowMs(), clock.random());
        onStep?.(next, effects);
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#dispatching = false;
    }
    if (session.state.name !== before) this.#stateSinceMs = clock.nowMs();
    if (session.state.name === 'open' && before !== 'open') log.info({}, 'connected to the catalog');
    this.#schedule();
    if (session.settled) this.#settled?.();
  }

  /**
   * Resolves when all that is spooled has arrived and every ended job is closed, when the session ends, or when the time is
   * over: what did not arrive waits on the disk for the next start.
   */
  async settled(withinMs: number): Promise<void> {
    if (this.#options.session.settled) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled = resolve;
    const cancel = this.#options.clock.after(withinMs, resolve);
    await promise;
    this.#settled = undefined;
    cancel();
  }

  /**
   * The machine slept: a connection that it had is gone, though nobody said so. Dials at once; what the catalog says to the
   * attempts that are held comes with the first answer.
   */
  woke(sleptMs: number): void {
    if (this.#stopped) return;
    this.#options.log.warn(
      { sleptMs: Math.round(sleptMs) },
      'this machine slept, or its clock was set: connecting anew',
    );
    this.#cancelTick();
    this.#tickAtMs = undefined;
    this.#hurry = true;
    const connecting = this.#options.session.state.name === 'connecting';
    this.dispatch({ type: 'woke' });
    if (connecting && this.#connection) this.#connection.close(1001, 'this machine slept');
    else this.#dialNow();
  }

  /** What should have come by now, for the watchdog. A catalog that is away is not waited for, but tried again. */
  overdue(): Overdue | undefined {
    const { session, clock } = this.#options;
    const { name } = session.state;
    if (this.#stopped || name === 'down') return undefined;
    const nowMs = clock.nowMs();
    const since = (what: string, dueMs: number): Overdue | undefined =>
      nowMs - dueMs > GRACE_MS ? { what, lateMs: nowMs - dueMs } : undefined;
    if (this.#dialling) return since('a dial that is due does not come', this.#dialAtMs);
    if (!this.#connection) return since('nothing is connected and nobody dials', this.#stateSinceMs);
    if (name === 'connecting') return since('a dial does not end', this.#dialAtMs + CONNECT_MS);
    if (name === 'closing') return since('a closed connection does not end', this.#stateSinceMs);
    return session.wakeAtMs === undefined ? undefined : since('a timer does not come', session.wakeAtMs);
  }

  /** Takes another way from now on: ends the connection over the old one, if there is one, and dials at once. */
  redial(transport: Transport): void {
    this.#transport = transport;
    if (this.#stopped) return;
    this.#hurry = true;
    if (this.#connection) this.#connection.close(1001, 'the way to the catalog changed');
    else this.#dialNow();
  }

  #dialNow(): void {
    if (!this.#dialling) return;
    this.#cancelDial();
    this.#dial();
  }

  /** Ends the connection, if there is one, and connects no more. Resolves when the socket is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelDial();
    const connection = this.#connection;
    if (connection) {
      const closed = new Promise<void>((resolve) => {
        this.#closed = resolve;
      });
      const late = this.#options.clock.after(STOP_MS, () => this.#closed?.());
      connection.close(CLOSE.draining, 'the agent stops');
      await closed;
      late();
    }
    this.#cancelTick();
  }

  #perform(effect: AgentEffect): void {
    switch (effect.type) {
      case 'connect':
        this.#batches = [];
        if (!this.#stopped) {
          this.#dialling = true;
          const afterMs = this.#hurry ? 0 : effect.afterMs;
          this.#dialAtMs = this.#options.clock.nowMs() + afterMs;
          this.#cancelDial = this.#options.clock.after(afterMs, () => this.#dial());
        }
        break;
      case 'send':
        this.#connection?.sendText(effect.text);
        if ((this.#connection?.unsentBytes ?? 0) > LIMITS.unsentBytes) this.dispatch({ type: 'congested' });
        faultPoint('agent.control_sent');
        break;
      case 'sendBatch':
        this.#batches.push(effect);
        void this.#sendBatches();
        break;
      case 'close':
        this.#batches = [];
        this.#options.log.warn({ code: effect.code }, `ending the link: ${effect.reason}`);
        this.#lastError = new Fault(errorCode(effect.code), effect.reason).toJSON();
        this.#explained = true;
        this.#connection?.close(effect.code, effect.reason);
        break;
      case 'sign':
        this.dispatch({
          type: 'signed',
          nonce: effect.nonce,
          signature: this.#options.sign(effect.nonce),
          challenge: this.#options.challenge(),
        });
        break;
      case 'greeted':
        this.#options.onGreeted(effect.serverTime);
        break;
      case 'ended': {
        const { code, message, advice } = effect;
        this.#options.log.warn({ code, advice }, `the catalog ended the session: ${message}`);
        this.#lastError = { code: errorCode(code), message, retryable: code < 4500, advice };
        this.#explained = true;
        break;
      }
      case 'rotateKey':
      case 'keyRotated':
      case 'catalogKey':
      case 'logLevel':
        this.#options.onAsk(effect);
        break;
      default:
        this.#options.onJob(effect);
    }
  }

  #dial(): void {
    this.#dialling = false;
    this.#hurry = false;
    if (this.#stopped) return;
    const { log } = this.#options;
    const transport = this.#transport;
    this.#explained = false;
    const failed = (fault: Fault, retryAfterMs: number | undefined): void => {
      this.#connection = undefined;
      this.#closed?.();
      this.#lastError = fault.toJSON();
      log.warn(faultFields(fault), fault.message);
      this.dispatch({ type: 'unreachable', retryAfterMs });
    };
    let connection: TransportConnection;
    // Of a connection that was given up nothing counts any more.
    const when =
      <A extends readonly unknown[]>(call: (...values: A) => void) =>
      (...values: A): void => {
        if (this.#connection === connection) call(...values);
      };
    try {
      connection = transport.connect({
        opened: when(() => this.dispatch({ type: 'opened' })),
        text: when((text: string) => this.dispatch({ type: 'text', text })),
        binary: when(() => this.dispatch({ type: 'binary' })),
        activity: when(() => this.dispatch({ type: 'activity' })),
        closed: when((code: number) => {
          this.#connection = undefined;
          this.#closed?.();
          log.info({ code }, 'the link to the catalog ended');
          if (!this.#explained)
            this.#lastError = new Fault('bridge.unreachable', `The link was cut (${code})`).toJSON();
          this.dispatch({ type: 'closed', code });
        }),
        failed: when(failed),
      });
    } catch (error) {
      failed(asFault(error, 'bridge.unreachable'), undefined);
      return;
    }
    this.#connection = connection;
  }

  /** One batch after another, in order, no faster than the socket takes them. */
  async #sendBatches(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
        const connection = this.#connection;
        try {
          const bytes = await within(
            this.#options.readFrame(batch, batch.seq),
            READ_MS,
            () => new Fault('spool.failed', `A batch of job ${batch.jobId} was not read within ${READ_MS} ms`),
            undefined,
          );
          await connection?.writable();
          // A session that began meanwhile has its own account of what to send.
          if (connection !== this.#connection) continue;
          if (bytes) {
            connection?.sendBinary(bytes);
            faultPoint('agent.batch_sent');
          } else this.dispatch({ type: 'unsent', bytes: batch.bytes });
        } catch (error) {
          // The attempt is removed; what else of it waits here finds nothing and is given back one by one.
          this.#options.onUnreadable(batch, error);
          if (connection === this.#connection) this.dispatch({ type: 'unsent', bytes: batch.bytes });
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  #schedule(): void {
    const { session, clock } = this.#options;
    const wakeAtMs = this.#stopped ? undefined : session.wakeAtMs;
    if (wakeAtMs === this.#tickAtMs) return;
    this.#cancelTick();
    this.#tickAtMs = wakeAtMs;
    if (wakeAtMs === undefined) return;
    this.#cancelTick = clock.after(wakeAtMs - clock.nowMs(), () => {
      this.#tickAtMs = undefined;
      this.dispatch({ type: 'tick' });
    });
  }
}
