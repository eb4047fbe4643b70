import type { z } from 'zod';
import type { AgentEffect, AgentEvent, AgentState, HeldAttempt } from './agent-events.ts';
import { AgentJobs } from './agent-jobs.ts';
import { Backoff } from './backoff.ts';
import { CLOSE, TIMES } from './constants.ts';
import { ControlError, readToAgent } from './control.ts';
import type { ToAgent, ToGateway, Welcome } from './messages.ts';
import type { AgentStatus } from './status.ts';
import { fitStatus } from './status-size.ts';

export interface AgentIdentity {
  readonly agentId: string;
  readonly keyId: string;
  /** New for each start of the process. */
  readonly bootId: string;
  readonly version: string;
}

const CAPABILITIES = ['zstd', 'resume', 'scopes', 'parts', 'keys', 'catalogKey', 'logLevel'] as const;

/**
 * The agent's side of the link, without sockets, clocks or randomness: events in, effects out. It outlives connections:
 * attempts, their leases and the backoff are kept from one session to the next. The caller does the effects in order,
 * reports what became of them, and calls with `tick` when {@link AgentSession.wakeAtMs} has come.
 */
export class AgentSession {
  readonly #identity: AgentIdentity;
  readonly #jobs: AgentJobs;
  readonly #backoff = new Backoff();
  #state: AgentState = { name: 'down' };
  #status: AgentStatus;
  #statusSent = '';
  #statusChanged = false;
  #statusSentMs = Number.NEGATIVE_INFINITY;
  #catalogCapabilities: readonly string[] = [];
  #effects: AgentEffect[] = [];
  #heartbeatMs: number = TIMES.heartbeatMs;
  #livenessMs: number = TIMES.livenessMs;
  #heartbeatAtMs = Number.POSITIVE_INFINITY;
  #heartbeatSentMs: number | undefined;
  #lastInboundMs = 0;
  #lastRoundTripMs: number | undefined;
  #openMs = 0;
  #bye: { readonly code: number; readonly retryAfterMs: number | undefined } | undefined;

  constructor(identity: AgentIdentity, status: AgentStatus, held: readonly HeldAttempt[]) {
    this.#identity = identity;
    this.#status = status;
    this.#jobs = new AgentJobs(held, (effect) => this.#effects.push(effect));
  }

  get state(): AgentState {
    return this.#state;
  }

  /** Whether the catalog of the present session, or of the last one, named this capability. */
  catalogCan(capability: string): boolean {
    return this.#catalogCapabilities.includes(capability);
  }

  /** When the gateway last answered something that was asked of it; health is measured by it. */
  get lastRoundTripMs(): number | undefined {
    return this.#lastRoundTripMs;
  }

  /**
   * True when nothing is left to be said in this session: all that is spooled has arrived and every job that ended is
   * closed; or there is no session. What waits is sent in the next one.
   */
  get settled(): boolean {
    return this.#state.name !== 'open' || this.#jobs.settled;
  }

  /** When `tick` is due; undefined when nothing is waited for. */
  get wakeAtMs(): number | undefined {
    const state = this.#state;
    const due = [this.#jobs.nextLeaseEndMs];
    if (state.name === 'greeting' || state.name === 'authenticating') due.push(state.deadlineMs);
    if (state.name === 'open') due.push(this.#heartbeatAtMs, this.#lastInboundMs + this.#livenessMs);
    if (state.name === 'open' && this.#statusChanged) due.push(this.#statusSentMs + TIMES.statusMs);
    const first = Math.min(...due);
    return Number.isFinite(first) ? first : undefined;
  }

  /** @param random a fresh number in [0, 1) for jitter */
  handle(event: AgentEvent, nowMs: number, random: number): AgentEffect[] {
    this.#effects = [];
    const state = this.#state;
    switch (event.type) {
      case 'start':
        if (state.name === 'down') this.#connect(0);
        break;
      case 'opened':
        if (state.name !== 'connecting') break;
        this.#lastInboundMs = nowMs;
        this.#state = { name: 'greeting', deadlineMs: nowMs + TIMES.helloMs };
        break;
      case 'unreachable':
        if (state.name !== 'connecting') break;
        this.#connect(
          this.#backoff.nextMs({ code: undefined, retryAfterMs: event.retryAfterMs, openMs: 0 }, random, nowMs),
        );
        break;
      case 'activity':
        this.#lastInboundMs = nowMs;
        break;
      case 'text':
        this.#lastInboundMs = nowMs;
        this.#text(event.text, nowMs, random);
        break;
      case 'binary':
        if (this.#talking) this.#close(CLOSE.badMessage, 'a gateway sends no binary frames', nowMs);
        break;
      case 'closed':
        this.#closed(event.code, nowMs, random);
        break;
      case 'woke':
        // What failed before says nothing about now; what was open is gone, and leases may have ended meanwhile.
        this.#backoff.reset();
        this.#jobs.expire(nowMs);
        if (this.#talking) this.#close(CLOSE.livenessTimeout, 'this machine slept', nowMs);
        break;
      case 'congested':
        if (this.#talking) this.#close(CLOSE.slowConsumer, 'the gateway does not read what it is sent', nowMs);
        break;
      case 'signed':
        if (state.name === 'authenticating' && state.nonce === event.nonce)
          this.#auth(event.signature, event.challenge);
        break;
      case 'verified':
        this.#jobs.verified(event);
        break;
      case 'refused':
        this.#jobs.refused(event, event.error);
        break;
      case 'recorded':
        this.#jobs.recorded(event);
        break;
      case 'spooled':
        this.#jobs.spooled(event, event.seq, event.bytes);
        break;
      case 'unsent':
        this.#jobs.unsent(event.bytes);
        break;
      case 'sealed':
        this.#jobs.sealed(event, event.seal);
        break;
      case 'broken':
        this.#jobs.broken(event, event.error);
        break;
      case 'progress':
        this.#jobs.progress(event.progress);
        break;
      case 'newKey':
        // Its proof holds for one session only; in a later one a new one is made.
        if (state.name === 'open' && state.nonce === event.nonce)
          this.#send({ type: 'key.rotate', publicKey: event.publicKey, proof: event.proof });
        break;
      case 'status':
        this.#status = event.status;
        this.#statusChanged = true;
        this.#sendStatus(nowMs);
        break;
      case 'tick':
        this.#tick(nowMs, random);
        break;
      case 'drain':
        this.#jobs.draining = true;
        if (state.name === 'open') this.#send({ type: 'drain', deadlineMs: event.deadlineMs, reconnectAfterMs: 0 });
        break;
      default:
        event satisfies never;
    }
    return this.#effects;
  }

  get #talking(): boolean {
    return this.#state.name === 'greeting' || this.#state.name === 'authenticating' || this.#state.name === 'open';
  }

  #connect(afterMs: number): void {
    this.#state = { name: 'connecting' };
    this.#effects.push({ type: 'connect', afterMs });
  }

  #send(message: ToGateway): void {
    this.#effects.push({ type: 'send', text: JSON.stringify(message) });
  }

  #close(code: number, reason: string, nowMs: number): void {
    if (this.#state.name === 'open') this.#openMs = nowMs - this.#state.sinceMs;
    this.#state = { name: 'closing', code };
    this.#quiet();
    // A close reason has 123 bytes at most; these are ASCII.
    this.#effects.push({ type: 'close', code, reason: reason.replace(/[^ -~]/g, '?').slice(0, 123) });
  }

  #quiet(): void {
    this.#jobs.disconnected();
    this.#heartbeatSentMs = undefined;
    this.#heartbeatAtMs = Number.POSITIVE_INFINITY;
  }

  #closed(code: number, nowMs: number, random: number): void {
    const state = this.#state;
    if (state.name === 'down' || state.name === 'connecting') return;
    const openMs = state.name === 'open' ? nowMs - state.sinceMs : this.#openMs;
    this.#openMs = 0;
    this.#quiet();
    // What the gateway said counts before what the socket says, and our own reason before both: after an abrupt end the
    // socket knows nothing but 1006.
    const why = state.name === 'closing' ? state.code : (this.#bye?.code ?? code);
    const delayMs = this.#backoff.nextMs({ code: why, retryAfterMs: this.#bye?.retryAfterMs, openMs }, random, nowMs);
    this.#bye = undefined;
    this.#connect(delayMs);
  }

  #text(text: string, nowMs: number, random: number): void {
    if (!this.#talking) return;
    let message: ToAgent | undefined;
    try {
      message = readToAgent(text);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      this.#close(error.closeCode, error.message, nowMs);
      return;
    }
    if (message === undefined) return;
    const state = this.#state;
    if (message.type === 'bye') {
      this.#bye = { code: message.code, retryAfterMs: message.retryAfterMs };
      this.#effects.push({ type: 'ended', code: message.code, message: message.message, advice: message.advice });
    } else if (message.type === 'hello' && state.name === 'greeting') {
      if (message.protocol.min > 1 || message.protocol.max < 1) {
        this.#close(CLOSE.versionTooOld, 'no common version of the protocol', nowMs);
        return;
      }
      this.#state = { name: 'authenticating', nonce: message.nonce, deadlineMs: nowMs + TIMES.authMs };
      this.#effects.push({ type: 'sign', nonce: message.nonce });
      this.#effects.push({ type: 'greeted', serverTime: message.serverTime });
    } else if (message.type === 'welcome' && state.name === 'authenticating') {
      this.#welcome(message, nowMs, random);
    } else if (state.name === 'open' && message.type !== 'hello' && message.type !== 'welcome') {
      this.#openMessage(message, nowMs);
    } else {
      this.#close(CLOSE.badMessage, `${message.type} may not come while ${state.name}`, nowMs);
    }
  }

  #auth(signature: string, drawn: string | undefined): void {
    const { agentId, keyId, bootId, version } = this.#identity;
    const status = fitStatus(this.#status);
    this.#statusSent = JSON.stringify(status);
    const jobs = this.#jobs.held();
    const capabilities = [...CAPABILITIES];
    const challenge = drawn === undefined ? {} : { challenge: drawn };
    this.#send({ type: 'auth', agentId, keyId, bootId, version, capabilities, signature, ...challenge, jobs, status });
  }

  #welcome(welcome: z.infer<typeof Welcome>, nowMs: number, random: number): void {
    const { sessionId, epoch } = welcome;
    this.#catalogCapabilities = welcome.capabilities;
    const nonce = this.#state.name === 'authenticating' ? this.#state.nonce : '';
    this.#state = { name: 'open', sessionId, epoch, nonce, sinceMs: nowMs };
    this.#heartbeatMs = Math.max(1_000, welcome.heartbeatMs);
    this.#livenessMs = Math.max(2 * this.#heartbeatMs, welcome.livenessMs);
    this.#lastRoundTripMs = nowMs;
    // The first at a random moment: a gateway that restarted does not get all heartbeats of its fleet at once.
    this.#heartbeatAtMs = nowMs + this.#heartbeatMs * random;
    this.#jobs.welcomed(welcome, nowMs);
    if (this.#jobs.draining) this.#send({ type: 'drain', deadlineMs: 0, reconnectAfterMs: 0 });
    this.#sendStatus(nowMs);
  }

  #openMessage(message: Exclude<ToAgent, { type: 'hello' | 'welcome' | 'bye' }>, nowMs: number): void {
    if (message.type === 'heartbeat.ok') {
      if (this.#heartbeatSentMs === undefined) return;
      this.#lastRoundTripMs = nowMs;
      this.#jobs.renewed(message, this.#heartbeatSentMs);
      this.#heartbeatSentMs = undefined;
    } else if (message.type === 'drain') {
      this.#bye = { code: CLOSE.draining, retryAfterMs: message.reconnectAfterMs };
      this.#close(CLOSE.draining, 'the gateway drains', nowMs);
    } else if (message.type === 'key.renew') {
      if (this.#state.name === 'open') this.#effects.push({ type: 'rotateKey', nonce: this.#state.nonce });
    } else if (message.type === 'key.rotated') {
      this.#effects.push({ type: 'keyRotated', keyId: message.keyId, oldValidMs: message.oldValidMs });
    } else if (message.type === 'catalog.key') {
      this.#effects.push({ type: 'catalogKey', publicKey: message.publicKey, signature: message.signature });
    } else if (message.type === 'log.level') {
      this.#effects.push({ type: 'logLevel', level: message.level, forMs: message.forMs });
    } else {
      const wrong = this.#jobs.message(message, nowMs);
      if (wrong !== undefined) this.#close(CLOSE.badMessage, wrong, nowMs);
    }
  }

  /** The last value counts, so one that comes too early waits and may be replaced. */
  #sendStatus(nowMs: number): void {
    if (this.#state.name !== 'open' || nowMs < this.#statusSentMs + TIMES.statusMs) return;
    this.#statusChanged = false;
    const status = fitStatus(this.#status);
    const text = JSON.stringify(status);
    if (text === this.#statusSent) return;
    this.#statusSent = text;
    this.#statusSentMs = nowMs;
    this.#send({ type: 'status', status });
  }

  #tick(nowMs: number, random: number): void {
    const state = this.#state;
    this.#jobs.expire(nowMs);
    if (state.name === 'greeting' || state.name === 'authenticating') {
      if (nowMs >= state.deadlineMs) this.#close(CLOSE.authTimeout, `no answer while ${state.name}`, nowMs);
      return;
    }
    if (state.name !== 'open') return;
    if (nowMs >= this.#lastInboundMs + this.#livenessMs) {
      this.#close(CLOSE.livenessTimeout, `nothing heard for ${nowMs - this.#lastInboundMs} ms`, nowMs);
      return;
    }
    if (this.#statusChanged) this.#sendStatus(nowMs);
    if (nowMs < this.#heartbeatAtMs) return;
    this.#heartbeatAtMs = nowMs + this.#heartbeatMs * (0.9 + 0.2 * random);
    // One at a time: a gateway that is late with its answer is not made later. One that never answers is no gateway, though
    // bytes may come from it.
    if (this.#heartbeatSentMs !== undefined) {
      if (nowMs >= this.#heartbeatSentMs + 2 * this.#livenessMs)
        this.#close(CLOSE.livenessTimeout, 'a heartbeat was never answered', nowMs);
      return;
    }
    this.#heartbeatSentMs = nowMs;
    this.#send({ type: 'heartbeat', leases: this.#jobs.leases() });
  }
}
