import type { LogLevel } from '#config/settings.ts';

const ORDER: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const MOST_MS = 24 * 3_600_000;

interface LeveledLog {
  level: string;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

/** What the catalog asked, and what became of it: for the audit log and the status. */
export interface LevelChange {
  readonly level: LogLevel;
  /** ISO 8601; null when nothing is raised. */
  readonly until: string | null;
  /** Why it was not done. */
  readonly refused: string | null;
}

export interface RemoteLogLevelOptions {
  readonly log: LeveledLog;
  /** The level of the settings. */
  readonly base: LogLevel;
  /** Why the local policy forbids it, in words; undefined when it does not. */
  readonly forbidden: () => string | undefined;
  readonly onChange: (change: LevelChange) => void;
  readonly now: () => number;
  /** Calls once after `ms`; returns how to call it off. */
  readonly after: (ms: number, call: () => void) => () => void;
}

/**
 * The level of the log: that of the settings, or for a while what the catalog asked for, when that tells more. It goes
 * back by itself; a day is the most; nothing of it outlives the process.
 */
export class RemoteLogLevel {
  readonly #options: RemoteLogLevelOptions;
  #base: LogLevel;
  #raised: { readonly level: LogLevel; readonly untilMs: number } | undefined;
  #refused: string | null = null;
  #cancel: () => void = () => undefined;

  constructor(options: RemoteLogLevelOptions) {
    this.#options = options;
    this.#base = options.base;
  }

  /** What is in force. */
  get change(): LevelChange {
    const { level, until } =
      this.#raised === undefined
        ? { level: this.#base, until: null }
        : { level: this.#raised.level, until: new Date(this.#raised.untilMs).toISOString() };
    return { level, until, refused: this.#refused };
  }

  /** The settings changed; what the catalog asked for stays until its end. */
  setBase(level: LogLevel): void {
    this.#base = level;
    if (this.#raised !== undefined && !tellsMore(this.#raised.level, level)) this.#end();
    this.#apply();
  }

  /** The catalog asks for another level for `forMs`; 0, or a level that tells no more than the settings, ends it. */
  ask(level: LogLevel, forMs: number): void {
    const { log, forbidden, now, after } = this.#options;
    const wantsMore = forMs > 0 && tellsMore(level, this.#base);
    const refused = wantsMore ? forbidden() : undefined;
    this.#refused = refused ?? null;
    if (refused !== undefined) {
      log.warn(
        { asked: level, forMs },
        `the catalog asked for more detailed logs, which the policy forbids: ${refused}`,
      );
    } else if (wantsMore) {
      const ms = Math.min(forMs, MOST_MS);
      this.#cancel();
      this.#raised = { level, untilMs: now() + ms };
      this.#cancel = after(ms, () => {
        this.#end();
        this.#apply();
        log.info({ level: this.#base }, 'the level of the log is that of the settings again');
        this.#told();
      });
      this.#apply();
      log.info({ level, until: this.change.until }, 'the catalog asked for more detailed logs');
    } else {
      this.#end();
      this.#apply();
      log.info({ level: this.#base }, 'the catalog asked for the usual logs');
    }
    this.#told();
  }

  close(): void {
    this.#cancel();
  }

  #end(): void {
    this.#cancel();
    this.#cancel = () => undefined;
    this.#raised = undefined;
  }

  #apply(): void {
    this.#options.log.level = this.#raised?.level ?? this.#base;
  }

  #told(): void {
    this.#options.onChange(this.change);
  }
}

const tellsMore = (one: LogLevel, other: LogLevel): boolean => ORDER.indexOf(one) < ORDER.indexOf(other);
