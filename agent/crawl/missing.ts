import { Fault } from '#protocol/errors.ts';
import type { Missing } from '#protocol/records.ts';

export const missing = (what: string, { code, message, advice }: Fault): Missing => ({ what, code, message, advice });

/** Faults of the way to the server rather than of the thing that was asked for: trying the whole app again may help. */
const OF_THE_WAY: ReadonlySet<string> = new Set([
  'network.reset',
  'network.timeout',
  'proxy.timeout',
  'proxy.target_unreachable',
  'qlik.overloaded',
  'qlik.unavailable',
  'qlik.no_engine',
  'qlik.app_timeout',
  'qlik.session_limit',
  'qlik.unauthorized',
  'qlik.login_page',
  'qlik.kerberos_only',
  'qlik.password_refused',
  'qlik.ticket_refused',
  'job.cancelled',
  'internal',
]);

/** What ends a crawl even where it stands between two lists of the repository. */
const OF_THE_CRAWL =
  /^(?:network|proxy|tls)\.|^qlik\.(?:unauthorized|login_page|kerberos_only|password_refused|ticket_refused|(?:ticket_)?prefix_unknown)$|^job\.|^internal$/;

/** What parts of a scope could be read, and what not. */
export class Gaps {
  readonly missing: Missing[] = [];

  /** The value of one part, or `fallback` with a note of what is missing. Faults of the way are thrown on. */
  async part<T>(what: string, value: Promise<T>, fallback: T): Promise<T> {
    try {
      return await value;
    } catch (error) {
      if (!(error instanceof Fault) || OF_THE_WAY.has(error.code)) throw error;
      this.note(what, error);
      return fallback;
    }
  }

  /** As {@link part}, for a list of the site: a service that fails for one list may well answer the others. */
  async list<T>(what: string, value: Promise<T>): Promise<T | undefined> {
    try {
      return await value;
    } catch (error) {
      if (!(error instanceof Fault) || OF_THE_CRAWL.test(error.code)) throw error;
      this.note(what, error);
      return undefined;
    }
  }

  /** As {@link part}, for one of many objects: one that does not exist any more is just absent. */
  async object<T>(what: string, value: Promise<T>): Promise<T | undefined> {
    try {
      return await value;
    } catch (error) {
      if (!(error instanceof Fault) || OF_THE_WAY.has(error.code)) throw error;
      if (error.code !== 'qlik.not_found') this.note(what, error);
      return undefined;
    }
  }

  note(what: string, fault: Fault): void {
    // A list that grows with the app would not fit into a record; the first ones tell what is wrong.
    if (this.missing.length < 50) this.missing.push(missing(what, fault));
  }
}
