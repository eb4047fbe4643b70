import type { Log } from '#agent/qlik/log.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Strain, VisitWatch } from '#agent/qlik/strain.ts';
import type { Connection } from '#config/connection/connection.ts';
import { endOfWithin } from '#config/policy/hours.ts';
import type { ZonedHours } from '#config/policy/policy.ts';
import type { Fault } from '#protocol/errors.ts';
import { type Change, HEALTH_EVERY_MS, Pace, type Reason } from './pace.ts';

/** Why a crawl stands still or goes slowly, for people. */
export interface Slowed {
  readonly text: string;
  /** True: nothing is asked of the site now. */
  readonly paused: boolean;
}

/** The right to have one app open. */
export interface Turn {
  readonly watch: VisitWatch;
  /** Gives it back; `fault` is why the app could not be read, if it could not. */
  end(fault: Fault | undefined): void;
}

interface TurnstileOptions {
  readonly site: Pick<Site, 'engineHealth'>;
  readonly connection: Connection;
  /** The quiet hours as they are now: the file may be changed while a crawl waits. Default: the connection's. */
  readonly quietHours?: (() => ZonedHours | undefined) | undefined;
  readonly log: Log;
  readonly patience: Patience;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  /** The crawl paused, goes on, or goes at another pace. */
  readonly onChange: () => void;
}

/** A clock that was put right, or a machine that slept, is noticed after this at the latest. */
const LOOK_AT_CLOCK_MS = 30_000;
/** Beyond it an app is read in part, whatever the connection says: its answers lie in memory together. */
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

/** What an engine that does not keep up looks like from here. */
const SILENCE: ReadonlySet<string> = new Set(['network.timeout', 'qlik.app_timeout']);

const REASONS: Readonly<Record<Reason, string>> = {
  saturated: 'the engine says that it is saturated',
  slow: 'the engine answers slowly',
  memory: 'the engine is short of memory',
  busy: 'the engine is busy',
  aborted: 'the engine gives calls up',
  sessions: 'the sessions of the user are taken',
};

/**
 * Lets apps in, as many at a time as the site bears, and none in the quiet hours. What is inside may end; who waits goes on
 * when it is time again.
 */
export class Turnstile {
  readonly #options: TurnstileOptions;
  readonly #pace: Pace;
  readonly #quiet: () => ZonedHours | undefined;
  readonly #maxBytes: number;
  #inside = 0;
  #slowed: Slowed | undefined;
  #waking: PromiseWithResolvers<void> = Promise.withResolvers();
  /** What all who wait wait for: one of them looks after it. */
  #standstill: Promise<void> | undefined;

  constructor(options: TurnstileOptions) {
    const { crawl } = options.connection;
    this.#options = options;
    this.#pace = new Pace(crawl.engineSessions);
    this.#quiet = options.quietHours ?? (() => crawl.quietHours);
    this.#maxBytes = Math.min(crawl.appMaxBytes ?? MOST_ANSWER_BYTES, MOST_ANSWER_BYTES);
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Why the crawl stands still or is slow; undefined when it goes as fast as it may. */
  get slowed(): Slowed | undefined {
    if (this.#slowed !== undefined) return this.#slowed;
    const { sessions, limit, reason } = this.#pace;
    if (sessions >= limit || reason === undefined) return undefined;
    return { text: `${sessions} of ${limit} apps at a time: ${REASONS[reason]}`, paused: false };
  }

  /** Waits while the quiet hours last. @throws the reason of the signal */
  async awake(): Promise<void> {
    const { patience, signal, wallNow, log } = this.#options;
    let told: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      const nowMs = wallNow();
      const quiet = this.#quiet();
      const endMs = quiet === undefined ? undefined : endOfWithin(quiet.windows, quiet.timeZone, nowMs);
      if (quiet === undefined || endMs === undefined) break;
      if (told !== endMs) {
        const until = `${clockTime(endMs, quiet.timeZone)} ${quiet.timeZone}`;
        this.#say({ text: `paused until ${until} (quiet hours)`, paused: true });
        log.info({ until: new Date(endMs).toISOString(), quietHours: quiet.text }, 'quiet hours: the crawl waits');
        told = endMs;
      }
      await patience.sleep(Math.min(LOOK_AT_CLOCK_MS, endMs - nowMs), signal);
    }
    if (told !== undefined) {
      this.#say(undefined);
      log.info({}, 'the quiet hours are over: the crawl goes on');
    }
  }

  /** Resolves when another app may be opened. @throws the reason of the signal */
  async turn(): Promise<Turn> {
    await this.#enter();
    return {
      watch: this.#watch(),
      end: (fault) => {
        this.#inside -= 1;
        if (fault === undefined) this.#changed(this.#pace.finished());
        else if (SILENCE.has(fault.code)) this.#changed(this.#pace.strained('slow', this.#options.now()));
        this.#wake();
      },
    };
  }

  async #enter(): Promise<void> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      this.#standstill ??= this.#look().finally(() => {
        this.#standstill = undefined;
      });
      await this.#standstill;
      if (this.#inside < this.#pace.sessions) {
        this.#inside += 1;
        return;
      }
      await this.#waking.promise;
    }
  }

  /** Resolves when apps may be let in, as far as clock and engine are concerned. */
  async #look(): Promise<void> {
    await this.awake();
    if (this.#options.now() < this.#pace.askAtMs) return;
    await this.#ask();
    if (this.#pace.sessions > 0) return;
    this.#say({ text: `paused while ${REASONS.saturated}`, paused: true });
    while (this.#pace.sessions === 0) {
      await this.#options.patience.sleep(HEALTH_EVERY_MS, this.#options.signal);
      await this.#ask();
    }
    this.#say(undefined);
    await this.awake();
  }

  async #ask(): Promise<void> {
    const { site, now, signal } = this.#options;
    const health = await site.engineHealth(signal);
    this.#changed(this.#pace.health(health?.saturated, now()));
  }

  #watch(): VisitWatch {
    const { now } = this.#options;
    return {
      maxBytes: this.#maxBytes,
      strained: (by: Strain) => this.#changed(this.#pace.strained(by, now())),
      opened: (tookMs) => this.#changed(this.#pace.opened(tookMs, now())),
    };
  }

  #changed(change: Change | undefined): void {
    if (change === undefined) return;
    const { what, sessions, reason } = change;
    const fields = { sessions, limit: this.#pace.limit, reason };
    const why = reason === undefined ? '' : REASONS[reason];
    if (what === 'fewer') this.#options.log.warn(fields, `${why}: fewer apps are read at a time`);
    else if (what === 'pause') this.#options.log.warn(fields, `${why}: the crawl waits`);
    else if (what === 'resume') this.#options.log.info(fields, 'the crawl goes on');
    else this.#options.log.info(fields, 'more apps are read at a time');
    this.#wake();
    this.#options.onChange();
  }

  #say(slowed: Slowed | undefined): void {
    this.#slowed = slowed;
    this.#options.onChange();
  }

  #wake(): void {
    this.#waking.resolve();
    this.#waking = Promise.withResolvers();
  }
}

/** `06:00`, with the day when it is another one; by the clocks of the zone. */
const clockTime = (atMs: number, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(atMs);
