import type { z } from 'zod';
import { CLOSE, CREDIT, LIMITS, TIMES } from './constants.ts';
import { ControlError, controlBytes, readToGateway } from './control.ts';
import { fitText } from './fitted-texts.ts';
import { decodeFrame, FrameError } from './frame.ts';
import type { GatewayEffect, GatewayEvent, GatewayState } from './gateway-events.ts';
import { GatewayJobs, type Violation } from './gateway-jobs.ts';
import type { HeldJob, ToAgent, ToGateway } from './messages.ts';

export interface GatewayGreeting {
  /** 32 random bytes, base64: the agent signs them. */
  readonly nonce: string;
  /** ISO 8601; for the agent's clock warning, nothing depends on it. */
  readonly serverTime: string;
  /** In [0, 1): when the connection has aged. */
  readonly random: number;
}

const CAPABILITIES = ['zstd', 'deflate', 'resume', 'scopes', 'parts', 'keys', 'catalogKey', 'logLevel'] as const;
/** The capability that the agent must have named before it is sent such a message. */
const ASKS = { 'key.renew': 'keys', 'catalog.key': 'catalogKey', 'log.level': 'logLevel' } as const;

const COMES_BACK = 'Nothing has to be done: the agent connects again.';
const ADVICE: Record<number, string> = {
  [CLOSE.draining]: COMES_BACK,
  [CLOSE.overloaded]: COMES_BACK,
  [CLOSE.livenessTimeout]: COMES_BACK,
  [CLOSE.slowConsumer]: COMES_BACK,
  [CLOSE.authTimeout]: COMES_BACK,
  [CLOSE.stateLost]: 'Nothing has to be done: the agent connects again and tells what it holds.',
  [CLOSE.superseded]: 'If this happens again and again, two machines use one identity: enrol one of them anew.',
  [CLOSE.internal]: 'Nothing has to be done: the agent connects again. The log of the catalog has the cause.',
};
const UPDATE = 'Update agent and catalog to one release.';

/**
 * The gateway's side of one connection, without sockets, clocks or randomness: events in, effects out. It keeps nothing
 * that must survive the connection; whatever is decided is decided by the store, whose answers come as events.
 */
export class GatewaySession {
  readonly #greeting: GatewayGreeting;
  readonly #jobs: GatewayJobs;
  #state: GatewayState = { name: 'new' };
  #effects: GatewayEffect[] = [];
  #held: readonly z.infer<typeof HeldJob>[] = [];
  #capabilities: readonly string[] = [];
  #lastInboundMs = 0;
  #ageAtMs = Number.POSITIVE_INFINITY;
  #controls: number = LIMITS.controlBurst;
  #controlsAtMs = 0;

  constructor(greeting: GatewayGreeting) {
    this.#greeting = greeting;
    this.#jobs = new GatewayJobs((effect) => this.#effects.push(effect));
  }

  get state(): GatewayState {
    return this.#state;
  }

  /** When `tick` is due; undefined when nothing is waited for. */
  get wakeAtMs(): number | undefined {
    const state = this.#state;
    if (state.name === 'new' || state.name === 'closed') return undefined;
    if (state.name !== 'open') return state.deadlineMs;
    return Math.min(this.#jobs.wakeAtMs, this.#lastInboundMs + TIMES.livenessMs, state.drainAtMs ?? this.#ageAtMs);
  }

  handle(event: GatewayEvent, nowMs: number): GatewayEffect[] {
    this.#effects = [];
    const state = this.#state;
    if (state.name === 'closed') {
      // The agent went away while the store was asked: nobody holds the session that it made.
      if (event.type === 'authenticated') this.#effects.push({ type: 'disconnected' });
      return this.#effects;
    }
    switch (event.type) {
      case 'open':
        if (state.name === 'new') this.#hello(nowMs);
        break;
      case 'activity':
        this.#lastInboundMs = nowMs;
        break;
      case 'text':
        this.#lastInboundMs = nowMs;
        this.#text(event.text, nowMs);
        break;
      case 'binary':
        this.#lastInboundMs = nowMs;
        this.#binary(event.bytes, nowMs);
        break;
      case 'closed':
        if (state.name === 'open') this.#effects.push({ type: 'disconnected' });
        this.#state = { name: 'closed' };
        break;
      case 'authenticated':
        if (state.name === 'authenticating') this.#welcome(event, nowMs);
        break;
      case 'refused':
        this.#bye(event.closeCode, event.message, event.advice);
        break;
      case 'failed':
        if (event.overloaded === true) this.#shed(event.message);
        else this.#bye(CLOSE.internal, event.message);
        break;
      case 'congested':
        this.#bye(CLOSE.slowConsumer, 'the agent does not read what it is sent');
        break;
      case 'tick':
        this.#tick(nowMs);
        break;
      case 'keyRotated':
        if (state.name === 'open')
          this.#send({ type: 'key.rotated', keyId: event.keyId, oldValidMs: event.oldValidMs });
        break;
      case 'ask':
        if (state.name === 'open' && this.#capabilities.includes(ASKS[event.message.type])) this.#send(event.message);
        break;
      case 'drain':
        this.#drain(event.deadlineMs, event.reconnectAfterMs, nowMs);
        break;
      default:
        if (state.name === 'open') this.#jobEvent(event, nowMs);
    }
    return this.#effects;
  }

  #jobEvent(
    event: Extract<
      GatewayEvent,
      { type: 'claimed' | 'accepted' | 'stored' | 'consumed' | 'renewed' | 'finished' | 'wake' }
    >,
    nowMs: number,
  ): void {
    switch (event.type) {
      case 'claimed':
        this.#jobs.claimed(event, nowMs);
        break;
      case 'accepted':
        this.#jobs.accepted(event, nowMs);
        break;
      case 'stored':
        this.#end(this.#jobs.stored(event, nowMs));
        break;
      case 'consumed':
        this.#jobs.consumed(event, nowMs);
        break;
      case 'renewed':
        this.#end(this.#jobs.renewed(event, nowMs));
        break;
      case 'finished':
        this.#end(this.#jobs.finished(event, nowMs));
        break;
      case 'wake':
        this.#jobs.wake(event, nowMs);
        break;
      default:
        event satisfies never;
    }
  }

  #hello(nowMs: number): void {
    this.#lastInboundMs = nowMs;
    this.#state = { name: 'greeting', deadlineMs: nowMs + TIMES.authMs };
    const { controlBytes, dataBytes, batchRecords } = LIMITS;
    const limits = { controlBytes, dataBytes, batchRecords };
    const { nonce, serverTime } = this.#greeting;
    this.#send({ type: 'hello', nonce, serverTime, protocol: { min: 1, max: 1 }, limits });
  }

  #text(text: string, nowMs: number): void {
    if (!this.#admit(nowMs)) {
      this.#shed('the agent sends more control messages than the gateway takes');
      return;
    }
    let message: ToGateway | undefined;
    try {
      message = readToGateway(text);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      this.#bye(error.closeCode, error.message, UPDATE);
      return;
    }
    if (message === undefined) return;
    const state = this.#state;
    if (message.type === 'auth') {
      if (state.name === 'greeting') {
        this.#held = message.jobs;
        this.#capabilities = message.capabilities;
        this.#state = { name: 'authenticating', deadlineMs: nowMs + TIMES.authMs };
        this.#effects.push({ type: 'authenticate', auth: message, nonce: this.#greeting.nonce });
      } else this.#bye(CLOSE.badMessage, 'auth came twice', UPDATE);
    } else if (state.name !== 'open') {
      this.#bye(CLOSE.badMessage, `${message.type} came before welcome`, UPDATE);
    } else if (message.type === 'status') {
      this.#effects.push({ type: 'status', status: message.status });
    } else if (message.type === 'drain') {
      this.#jobs.draining = true;
    } else if (message.type === 'key.rotate') {
      const { publicKey, proof } = message;
      this.#effects.push({ type: 'rotateKey', publicKey, proof, nonce: this.#greeting.nonce });
    } else this.#end(this.#jobs.message(message, nowMs));
  }

  #binary(bytes: Uint8Array, nowMs: number): void {
    if (this.#state.name !== 'open') {
      this.#bye(CLOSE.badMessage, 'data came before welcome', UPDATE);
      return;
    }
    try {
      this.#end(this.#jobs.frame(decodeFrame(bytes), nowMs));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#bye(error.closeCode, error.message, UPDATE);
    }
  }

  #welcome(event: Extract<GatewayEvent, { type: 'authenticated' }>, nowMs: number): void {
    const { sessionId, epoch } = event;
    this.#state = { name: 'open', sessionId, epoch, drainAtMs: undefined };
    this.#ageAtMs = nowMs + TIMES.ageMs * (0.9 + 0.2 * this.#greeting.random);
    const welcome = {
      type: 'welcome' as const,
      sessionId,
      epoch,
      heartbeatMs: TIMES.heartbeatMs,
      livenessMs: TIMES.livenessMs,
      connectionCredit: CREDIT.connectionBytes,
      capabilities: [...CAPABILITIES],
    };
    // The list of published scopes may be long: it takes what the frame leaves, and is only a help.
    const bare = event.jobs.map((job) => ({ ...job, publishedScopes: [] }));
    const room = LIMITS.controlBytes - controlBytes(JSON.stringify({ ...welcome, jobs: bare })) - 1024;
    this.#send({ ...welcome, jobs: this.#jobs.welcome(this.#held, event.jobs, room, nowMs) });
    this.#effects.push({ type: 'subscribe' });
  }

  #drain(deadlineMs: number, reconnectAfterMs: number, nowMs: number): void {
    this.#jobs.draining = true;
    if (this.#state.name !== 'open') {
      this.#bye(CLOSE.draining, 'the gateway drains', ADVICE[CLOSE.draining], reconnectAfterMs);
      return;
    }
    this.#state = { ...this.#state, drainAtMs: nowMs + deadlineMs };
    this.#send({ type: 'drain', deadlineMs, reconnectAfterMs });
  }

  #tick(nowMs: number): void {
    const state = this.#state;
    if (state.name === 'greeting' || state.name === 'authenticating') {
      if (nowMs >= state.deadlineMs) this.#bye(CLOSE.authTimeout, `no end of ${state.name} in time`);
    } else if (state.name === 'open') {
      if (nowMs >= this.#lastInboundMs + TIMES.livenessMs)
        this.#bye(CLOSE.livenessTimeout, `nothing heard for ${nowMs - this.#lastInboundMs} ms`);
      else if (state.drainAtMs !== undefined && nowMs >= state.drainAtMs)
        this.#bye(CLOSE.draining, 'the gateway drains');
      else if (state.drainAtMs === undefined && nowMs >= this.#ageAtMs)
        this.#drain(TIMES.gatewayDrainMs, TIMES.reconnectAfterMs, nowMs);
      else this.#jobs.tick(nowMs);
    }
  }

  /** A bucket that fills with time: what an agent's messages cost is bounded, whatever it sends. */
  #admit(nowMs: number): boolean {
    const filled = this.#controls + ((nowMs - this.#controlsAtMs) / 1000) * LIMITS.controlPerSecond;
    this.#controls = Math.min(LIMITS.controlBurst, filled);
    this.#controlsAtMs = nowMs;
    if (this.#controls < 1) return false;
    this.#controls -= 1;
    return true;
  }

  #shed(message: string): void {
    this.#bye(CLOSE.overloaded, message, ADVICE[CLOSE.overloaded], TIMES.overloadedMs);
  }

  #end(violation: Violation | undefined): void {
    if (violation) this.#bye(violation.code, violation.message);
  }

  #bye(code: number, message: string, advice = ADVICE[code] ?? UPDATE, retryAfterMs?: number): void {
    if (this.#state.name === 'closed') return;
    const hint = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.#send({ type: 'bye', code, message: fitText(message), advice: fitText(advice), ...hint });
    this.#effects.push({ type: 'close', code, reason: message.replace(/[^ -~]/g, '?').slice(0, 123) });
    if (this.#state.name === 'open') this.#effects.push({ type: 'disconnected' });
    this.#state = { name: 'closed' };
  }

  #send(message: ToAgent): void {
    this.#effects.push({ type: 'send', text: JSON.stringify(message) });
  }
}
