import type { HttpRoute } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import type { QlikSession } from './auth/session.ts';
import { type QlikObserver, resultOf } from './observer.ts';

/** Failures in a row after which nothing more is asked for: each answer of a log-in page costs the session. */
const MOST_FAILURES = 3;
const DEADLINE_MS = 20_000;

/** Folders that hold files of apps and of the content library, and nothing that an address could ask to be done. */
const FOLDERS: ReadonlySet<string> = new Set(['appcontent', 'content']);

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** The path of a file, encoded once whatever it came as; undefined for what leads elsewhere. */
const pathOf = (address: string): string | undefined => {
  const parts = address.split('/').map(decoded);
  const [start, folder = '', ...rest] = parts;
  if (start !== '' || !FOLDERS.has(folder.toLowerCase()) || rest.length === 0 || address.length > 1_000)
    return undefined;
  const leads = rest.every((part) => part !== '' && part !== '.' && part !== '..' && !/[/\\?#]/.test(part));
  return leads ? `/${[folder, ...rest].map(encodeURIComponent).join('/')}` : undefined;
};

/** Files that apps keep, such as thumbnails. Only the proxy gives them out. */
export class StaticContent {
  readonly #http: HttpRoute;
  readonly #session: QlikSession;
  readonly #prefix: string | undefined;
  readonly #observer: QlikObserver | undefined;
  #failures = 0;

  constructor(http: HttpRoute, session: QlikSession, prefix: string | undefined, observer: QlikObserver | undefined) {
    this.#http = http;
    this.#session = session;
    this.#prefix = prefix;
    this.#observer = observer;
  }

  /** A file of at most `maxBytes`. Throws only when `signal` ends it: that there is none is no failure. */
  async read(address: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const path = pathOf(address);
    if (path === undefined || this.#prefix === undefined || this.#failures >= MOST_FAILURES) return undefined;
    try {
      const reply = await this.#session.request(this.#http, {
        path: `${this.#prefix === '' ? '' : `/${this.#prefix}`}${path}`,
        headers: { accept: 'image/png, image/jpeg, image/webp, image/gif' },
        signal,
        deadlineMs: DEADLINE_MS,
        maxBytes,
      });
      this.#observer?.qlikRequest('repository', 'ok');
      // One that is missing says nothing of the others.
      if (reply.status !== 404) this.#failures = reply.status === 200 ? 0 : this.#failures + 1;
      return reply.status === 200 && reply.body.length <= maxBytes ? reply.body : undefined;
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!(error instanceof Fault)) throw error;
      this.#observer?.qlikRequest('repository', resultOf(error));
      this.#failures += 1;
      return undefined;
    }
  }
}
