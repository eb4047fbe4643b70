import type { Log } from '#agent/qlik/log.ts';
import type { ObjectMark } from '#agent/qlik/repository/object-digests.ts';
import type { Site } from '#agent/qlik/site.ts';
import { asFault } from '#protocol/errors.ts';
import { isOfTheCrawl } from '../missing.ts';
import type { Checkpoint } from './checkpoint.ts';
import { digestOf, objectCount, objectsText } from './fingerprint.ts';
import { HighWater } from './high-water.ts';

/** What the repository keeps of the objects of all apps. */
export interface ObjectState {
  /** The part `objects` of an app's fingerprint; null when objects are not known at all. */
  of(appId: string): string | null;
  readonly byApp: ReadonlyMap<string, string>;
  /** Where the next crawl begins to look; null: it looks at all of them. */
  readonly since: string | null;
  readonly recent: readonly string[];
}

/** Objects around the last moment that are kept in mind; with more, the apps that they belong to are asked for again. */
const MOST_RECENT = 5_000;
/** Apps whose objects are asked for by name; for more, all objects are about as cheap. */
const MOST_APPS = 400;
const NO_OBJECTS = objectsText({ count: 0, sum: '0'.repeat(24) });

export const UNKNOWN_OBJECTS: ObjectState = { of: () => null, byApp: new Map(), since: null, recent: [] };

const stateOf = (byApp: ReadonlyMap<string, string>, since: string | null, recent: readonly string[]): ObjectState => ({
  of: (appId) => byApp.get(appId) ?? NO_OBJECTS,
  byApp,
  since,
  recent,
});

const markDigest = ({ id, contentHash }: ObjectMark): string => digestOf([id, contentHash]);

/** Marks of objects that come again the next time: those that were modified after a moment. */
class Recent {
  readonly #marks: ObjectMark[] = [];
  readonly high: HighWater;
  #tooMany = false;

  constructor(nowMs: number, before: string | null) {
    this.high = new HighWater(nowMs, before);
  }

  readonly add = (mark: ObjectMark): void => {
    this.high.add(mark.modified);
    // Nearly all of them are older than one that came before: they are not even held for a while.
    if (this.#tooMany || !this.#isLate(mark)) return;
    this.#marks.push(mark);
    if (this.#marks.length > 2 * MOST_RECENT) {
      const late = this.#late();
      this.#marks.length = 0;
      // Those that came later than all the others leave the rest behind.
      if (late.length <= MOST_RECENT) this.#marks.push(...late);
      else this.#tooMany = true;
    }
  };

  #isLate({ modified }: ObjectMark): boolean {
    const { sinceMs } = this.high;
    return sinceMs === undefined || Date.parse(modified) > sinceMs;
  }

  #late(): ObjectMark[] {
    return this.#marks.filter((mark) => this.#isLate(mark));
  }

  digests(): string[] {
    const late = this.#late();
    return this.#tooMany || late.length > MOST_RECENT ? [] : late.map(markDigest);
  }
}

/**
 * Looks at all objects of the site, without keeping them. Where the repository does not give them, apps are told apart by
 * their other marks alone.
 */
export const surveyObjects = async (site: Site, nowMs: number, log: Log): Promise<ObjectState> => {
  try {
    for (let round = 0; round < 2; round++) {
      const recent = new Recent(nowMs, null);
      const digests = await site.objectDigests('all', recent.add);
      const byApp = new Map([...digests].map(([app, digest]) => [app, objectsText(digest) ?? '']));
      if (total(byApp) === (await site.countObjects())) return stateOf(byApp, recent.high.since, recent.digests());
    }
    log.info({}, 'the objects of apps change while they are listed: changes are seen by the dates of the apps alone');
  } catch (error) {
    const fault = asFault(error);
    if (isOfTheCrawl(fault)) throw error;
    log.warn({ code: fault.code, reason: fault.message }, 'the objects of apps cannot be listed');
  }
  return UNKNOWN_OBJECTS;
};

const total = (byApp: ReadonlyMap<string, string>): number =>
  [...byApp.values()].reduce((sum, objects) => sum + objectCount(objects), 0);

/**
 * What became of objects since a crawl: only those that were modified are asked for, and all objects of the apps that they
 * belong to. If then the site's count is another, all are looked at.
 *
 * @param apps that changed otherwise
 */
export const surveyObjectChanges = async (
  site: Site,
  base: Checkpoint,
  changed: { readonly apps: ReadonlySet<string>; readonly gone: ReadonlySet<string> },
  compareAll: boolean,
  nowMs: number,
  log: Log,
): Promise<ObjectState> => {
  const { objectsSince: since, recentObjects } = base.site;
  if (since === null || compareAll) return await surveyObjects(site, nowMs, log);
  try {
    const known = new Set(recentObjects);
    const recent = new Recent(nowMs, since);
    const touched = new Set(changed.apps);
    for await (const mark of site.objectsSince(since)) {
      recent.add(mark);
      if (!known.has(markDigest(mark))) touched.add(mark.appId);
    }
    const byApp = new Map(base.otherObjects);
    for (const [id, { fingerprint }] of base.apps) if (fingerprint.objects !== null) byApp.set(id, fingerprint.objects);
    for (const id of changed.gone) byApp.delete(id);
    if (touched.size > MOST_APPS) return await surveyObjects(site, nowMs, log);
    for (const id of touched) byApp.delete(id);
    for (const [id, digest] of await site.objectDigests([...touched])) byApp.set(id, objectsText(digest) ?? '');
    if (total(byApp) === (await site.countObjects())) return stateOf(byApp, recent.high.since, recent.digests());
  } catch (error) {
    if (isOfTheCrawl(asFault(error))) throw error;
  }
  return await surveyObjects(site, nowMs, log);
};
