import { asFault } from '#protocol/errors.ts';

/** Is told what is asked of a site, for figures; must not throw. */
export interface QlikObserver {
  /** One request ended: `ok`, or the code of the error. */
  qlikRequest(service: 'repository' | 'engine', result: string): void;
  /** An engine session was opened (1) or closed (-1). */
  qlikSessions(more: 1 | -1): void;
}

/** How a request ended, for {@link QlikObserver.qlikRequest}; what was called off is no fault of the site. */
export const resultOf = (error: unknown): string => asFault(error).code;
