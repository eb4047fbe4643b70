/**
 * How a server says that it bears too much: the engine is short of memory (error 19), is busy (5006), gave a call up (15),
 * or the user has no session left.
 */
export type Strain = 'memory' | 'busy' | 'aborted' | 'sessions';

/** What looks on while an app is read, and how much may be read of it; must not throw. */
export interface VisitWatch {
  /** All answers of the engine together; what comes beyond ends the visit with `qlik.app_too_large`. */
  readonly maxBytes: number;
  /** Each time the server says so, also where the call is tried again and works then. */
  strained(by: Strain): void;
  /** The app was opened; how long the agent did nothing but wait for it, in ms: the one call that takes about the same for every app. */
  opened(tookMs: number): void;
}

/** What `/engine/healthcheck` says of the engine; undefined when it cannot be read or says nothing of the kind. */
export interface EngineHealth {
  readonly saturated: boolean;
}
