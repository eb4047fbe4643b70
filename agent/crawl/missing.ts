import type { Listing } from '#agent/qlik/repository/listing.ts';
import { RESOURCE_FILTERS, type Readable, ruleAdvice } from '#config/connection/rights.ts';
import { Fault } from '#protocol/errors.ts';
import type { AssetKind, Missing } from '#protocol/records.ts';

export const missing = (what: string, fault: Fault): Missing => {
  const { code, message } = fault;
  return { what, code, message, advice: adviceFor(what, fault) };
};

/** What a security rule mends. */
const OF_RIGHTS: ReadonlySet<string> = new Set([
  'qlik.forbidden',
  'qlik.access_denied',
  'qlik.nothing_visible',
  'qlik.script_not_visible',
  'qlik.kinds_not_visible',
  'qlik.connections_not_visible',
]);

/** Things that go by another name than the right to read them. */
const PARTS: ReadonlyMap<string, Readable> = new Map([
  ['load script', 'apps'],
  ['tables and fields', 'apps'],
  ['sheets and charts', 'app objects'],
  ['type, version and author of extensions', 'extensions'],
]);

/** The rule that would give it, for things that a rule gives. */
const adviceFor = (what: string, { code, advice }: Fault): string => {
  const thing = PARTS.get(what) ?? (Object.keys(RESOURCE_FILTERS) as Readable[]).find((name) => name === what);
  if (thing === undefined) return advice;
  if (OF_RIGHTS.has(code)) return ruleAdvice(thing);
  return code === 'qlik.count_mismatch'
    ? `${advice} Look for a security rule on ${RESOURCE_FILTERS[thing]} that lets the user count what it may not read.`
    : advice;
};

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

/** Whether a fault ends a crawl, and not only what it was met at. */
export const isOfTheCrawl = (fault: Fault): boolean => OF_THE_CRAWL.test(fault.code);

/**
 * Of some things every site has a few. The repository lists and counts only what the user may read: a list without rows
 * is then no empty one but a right that is missing, and deleting on it would empty the catalog.
 */
export const whyEmpty = (what: Readable, rows: number): Fault | undefined => {
  if (rows > 0) return undefined;
  const code =
    what === 'apps'
      ? 'qlik.nothing_visible'
      : what === 'data connections'
        ? 'qlik.connections_not_visible'
        : 'qlik.kinds_not_visible';
  return new Fault(code, `The repository shows the user no ${what} at all`);
};

/** What an app holds, kind by kind. */
const OF_APPS = [
  'sheet',
  'chart',
  'chartDimension',
  'chartMeasure',
  'masterDimension',
  'masterMeasure',
  'masterVisualization',
  'variable',
  'bookmark',
  'story',
  'script',
  'scriptSection',
  'table',
  'field',
] as const satisfies readonly AssetKind[];

/** Parts of an app that may be missing for good, since a right is, and the kinds that are then not whole. */
const WITHOUT: Readonly<Record<string, readonly AssetKind[]>> = {
  'load script': ['script', 'scriptSection'],
  'tables and fields': ['table', 'field'],
};

/** So many are told of each scope: a list that grows with the app would not fit into a record. */
const MOST = 50;

/** What parts of a scope could be read, and what not. */
export class Gaps {
  readonly missing: Missing[] = [];
  /** Whether something is missing that would have been an asset or an edge: then nothing may be deleted. */
  hasHoles = false;

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

  /** As {@link list}, for what is only an attribute of other things: without it nothing seems to be gone. */
  async detail<T>(what: string, value: Promise<T>): Promise<T | undefined> {
    try {
      return await value;
    } catch (error) {
      if (!(error instanceof Fault) || OF_THE_CRAWL.test(error.code)) throw error;
      this.#push(what, error);
      return undefined;
    }
  }

  /** As {@link detail}, for a list. */
  async details<T>(what: Readable, listing: Promise<Listing<T>>): Promise<readonly T[]> {
    const found = await this.detail(what, listing);
    if (found?.incomplete !== undefined) this.#push(what, found.incomplete);
    return found?.rows ?? [];
  }

  note(what: string, fault: Fault): void {
    this.hasHoles = true;
    this.#push(what, fault);
  }

  /** The kinds of an app of which all came; none when it is not known which parts that does not touch. */
  get wholeOfApp(): readonly AssetKind[] {
    const parts = this.missing.map(({ what }) => WITHOUT[what]);
    if (parts.length === MOST || parts.includes(undefined)) return [];
    const doubtful = new Set(parts.flat());
    return OF_APPS.filter((kind) => !doubtful.has(kind));
  }

  #push(what: string, fault: Fault): void {
    // The first ones tell what is wrong.
    if (this.missing.length < MOST) this.missing.push(missing(what, fault));
  }
}
