import { leaseOf } from '#protocol/agent-events.ts';
import { LIMITS, TIMES } from '#protocol/constants.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { GatewayEffect, GatewayEvent } from '#protocol/gateway-events.ts';
import { GatewaySession } from '#protocol/gateway-session.ts';
import type { AgentSession, Ask, GatewayBackend } from './backend.ts';
import type { AgentChannel } from './channel.ts';
import type { GatewayClock } from './clock.ts';
import type { GatewayLog } from './log.ts';

export interface ConnectionOptions {
  readonly backend: GatewayBackend;
  /** As the agent named it in the `Host` header. */
  readonly host: string;
  readonly nonce: string;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: GatewayClock;
  readonly log: GatewayLog;
  readonly onAuthenticated: () => void;
  /** Called once, when the channel is closed. */
  readonly onClosed: () => void;
}

/** The store did not answer in time. */
class Late extends Error {
  override readonly name = 'Late';
}

/** Drives the gateway's machine for one agent: a channel on one side, the store on the other. */
export class AgentConnection {
  readonly #channel: AgentChannel;
  readonly #options: ConnectionOptions;
  readonly #machine: GatewaySession;
  readonly #events: GatewayEvent[] = [];
  /** Last values that wait for the store, so that a talkative agent cannot queue up work. */
  readonly #latest = new Map<string, { next: (() => Promise<void>) | undefined }>();
  #dispatching = false;
  #session: AgentSession | undefined;
  #unsubscribe: () => void = () => undefined;
  #cancelTick: () => void = () => undefined;
  #tickAtMs: number | undefined;
  #told = false;
  /** What is said as soon as the session is open. */
  #asks: readonly Ask[] = [];

  constructor(channel: AgentChannel, options: ConnectionOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#machine = new GatewaySession({
      nonce: options.nonce,
      serverTime: options.clock.timestamp(),
      random: options.random(),
    });
    channel.listen({
      text: (text) => this.dispatch({ type: 'text', text }),
      binary: (bytes) => this.dispatch({ type: 'binary', bytes }),
      activity: () => this.dispatch({ type: 'activity' }),
      failed: (error) => options.log.warn({ error: error.message }, 'an agent connection failed'),
      closed: () => {
        this.dispatch({ type: 'closed' });
        this.#cancelTick();
        this.#unsubscribe();
        options.onClosed();
      },
    });
    this.dispatch({ type: 'open' });
  }

  get agent(): AgentSession | undefined {
    return this.#session;
  }

  /** Ends it at once, without a word. */
  terminate(): void {
    this.#channel.terminate();
  }

  dispatch(event: GatewayEvent): void {
    this.#events.push(event);
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift())
        for (const effect of this.#machine.handle(next, this.#options.clock.nowMs())) this.#perform(effect);
    } finally {
      this.#dispatching = false;
    }
    this.#schedule();
  }

  #perform(effect: GatewayEffect): void {
    const { backend, log } = this.#options;
    switch (effect.type) {
      case 'send':
        this.#channel.sendText(effect.text);
        faultPoint('catalog.control_sent');
        if (this.#channel.unsentBytes > LIMITS.unsentBytes) this.dispatch({ type: 'congested' });
        return;
      case 'close':
        log.info({ agentId: this.#session?.agentId, code: effect.code, reason: effect.reason }, 'closing an agent');
        this.#channel.close(effect.code, effect.reason);
        this.#options.clock.after(TIMES.closeMs, () => this.#channel.terminate());
        return;
      case 'authenticate':
        this.#ask(
          async () => await backend.authenticate(effect.auth, { host: this.#options.host, nonce: effect.nonce }),
          (reply) => {
            if ('refused' in reply) return { type: 'refused', ...reply.refused };
            this.#session = reply.session;
            this.#asks = reply.asks ?? [];
            this.#options.onAuthenticated();
            const { sessionId, epoch } = reply.session;
            return { type: 'authenticated', sessionId, epoch, jobs: reply.jobs };
          },
        );
        return;
      default:
        if (this.#session) this.#withSession(effect, this.#session);
    }
  }

  #withSession(
    effect: Exclude<GatewayEffect, { type: 'send' | 'close' | 'authenticate' }>,
    session: AgentSession,
  ): void {
    const { backend } = this.#options;
    switch (effect.type) {
      case 'subscribe':
        this.#unsubscribe = backend.onWake(session, ({ cancel, ask, end }) => {
          if (end) this.dispatch({ type: 'refused', ...end });
          else if (ask) this.dispatch({ type: 'ask', message: ask });
          else this.dispatch({ type: 'wake', cancel });
        });
        for (const message of this.#asks) this.dispatch({ type: 'ask', message });
        break;
      case 'claim':
        this.#ask(
          () => backend.claim(session),
          (offer) => ({ type: 'claimed', offer }),
        );
        break;
      case 'accept':
        this.#ask(
          () => backend.accept(session, effect.lease),
          (result) => ({ type: 'accepted', stream: effect.stream, result }),
        );
        break;
      case 'reject':
        this.#ask(
          () => backend.reject(session, effect.lease, effect.error),
          () => undefined,
        );
        break;
      case 'store':
        this.#store(effect, session);
        break;
      case 'renew':
        this.#ask(
          () => backend.renew(session, effect.leases),
          (reply) => ({ type: 'renewed', ...reply }),
        );
        break;
      case 'finish': {
        const { jobId, attempt } = effect.finish;
        this.#ask(
          () => backend.finish(session, effect.finish),
          (reply) => ({ type: 'finished', jobId, attempt, ...reply }),
          TIMES.finishMs,
        );
        break;
      }
      case 'progress':
        this.#lastValue(`progress ${effect.progress.jobId}`, () => backend.progress(session, effect.progress));
        break;
      case 'status':
        this.#lastValue('status', () => backend.status(session, effect.status));
        break;
      case 'rotateKey':
        this.#ask(
          () => backend.rotateKey(session, effect),
          (reply) => ('refused' in reply ? { type: 'refused', ...reply.refused } : { type: 'keyRotated', ...reply }),
        );
        break;
      case 'disconnected':
        if (this.#told) break;
        this.#told = true;
        this.#ask(
          () => backend.disconnected(session),
          () => undefined,
        );
        break;
      default:
        effect satisfies never;
    }
  }

  #store(effect: Extract<GatewayEffect, { type: 'store' }>, session: AgentSession): void {
    const { stream, bytes, frame } = effect;
    const { seq, records, rawBytes, codec, crc32, payload, part } = frame;
    this.#ask(
      async () => {
        const batch = { seq, records, rawBytes, codec, crc32, payload, part };
        const reply = await this.#options.backend.storeBatch(session, leaseOf(effect.lease), batch);
        // Publishing may take as long as a finish, which waits for it; later its credit would never come back.
        this.#ask(
          () => reply.consumed,
          () => (reply.result === 'stored' ? { type: 'consumed', stream, bytes } : undefined),
          TIMES.finishMs,
        );
        return { result: reply.result, durableSeq: reply.durableSeq };
      },
      (reply) => ({ type: 'stored', stream, bytes, ...reply }),
    );
  }

  /** Asks the store, with a deadline; a store that fails ends the session, and the agent comes back. */
  #ask<T>(
    ask: () => Promise<T>,
    event: (reply: T) => GatewayEvent | undefined,
    deadlineMs: number = TIMES.storeMs,
  ): void {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#options.clock.after(deadlineMs, () =>
        reject(new Late(`the store did not answer within ${deadlineMs} ms`)),
      );
    });
    Promise.race([ask(), late])
      .finally(() => cancel())
      .then((reply) => {
        const next = event(reply);
        if (next) this.dispatch(next);
      })
      .catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const { code, message, advice } = asFault(error, 'catalog.unavailable');
    this.#options.log.error({ code, advice, error: message }, 'the store failed');
    // Only what was said for people goes to the other end.
    this.dispatch({
      type: 'failed',
      message: error instanceof Fault ? message : 'the catalog cannot store at the moment',
      overloaded: error instanceof Late,
    });
  }

  /** At most one call of a kind at a time; of those that come meanwhile only the last is made. */
  #lastValue(kind: string, call: () => Promise<void>): void {
    const slot = this.#latest.get(kind);
    if (slot) {
      slot.next = call;
      return;
    }
    const busy: { next: (() => Promise<void>) | undefined } = { next: undefined };
    this.#latest.set(kind, busy);
    this.#ask(call, () => {
      this.#latest.delete(kind);
      if (busy.next) this.#lastValue(kind, busy.next);
      return undefined;
    });
  }

  #schedule(): void {
    const { clock } = this.#options;
    const wakeAtMs = this.#machine.wakeAtMs;
    if (wakeAtMs === this.#tickAtMs) return;
    this.#cancelTick();
    this.#tickAtMs = wakeAtMs;
    if (wakeAtMs === undefined || !Number.isFinite(wakeAtMs)) return;
    this.#cancelTick = clock.after(wakeAtMs - clock.nowMs(), () => {
      this.#tickAtMs = undefined;
      this.dispatch({ type: 'tick' });
    });
  }
}
