import { isAdmitted } from './access.ts';
import { definitionsIn } from './truth.ts';
import type { AppContent, EngineObject, Site, UserName } from './types.ts';

/**
 * What the site's calls cost when the service-time model is on, in milliseconds. The servers wait so long; the lower bound
 * below adds up the same figures. `test/simulator/COST.md` explains both.
 */
export const SERVICE_TIMES = {
  /** Once for every answer, however many travel together. */
  roundTripMs: 5,
  qrsMs: 15,
  qrsRowMs: 0.02,
  openMs: 40,
  /** Added to an open with data. */
  openDataMsPerMiB: 10,
  engineMs: 2,
  engineMsPerKiB: 0.05,
  metadataMs: 10,
} as const;

const KIB = 1024;

const sizeOf = (value: unknown): number => JSON.stringify(value).length;

const treeSize = (object: EngineObject): number =>
  // {"qProperty":…,"qChildren":[…]}
  sizeOf(object.properties) + 29 + object.children.reduce((sum, child) => sum + treeSize(child), 0);

/** Engine calls and answered characters: what one session works through, besides opening the app. */
export interface EngineWork {
  readonly calls: number;
  readonly characters: number;
}

/** The members of these names, of a property that is an object: what pointers can pick out of it. */
const picked = (properties: EngineObject['properties'], name: string, members: readonly string[]): unknown[] => {
  const inner = properties[name];
  const from = typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : {};
  return members.map((member) => from[member] ?? null);
};

const listCharacters = (content: AppContent): number => {
  const { masterDimensions, masterMeasures, masterVisualizations, bookmarks, stories, sheets, variables } = content;
  // A sheet with charts tells all of itself in its tree.
  const bare = sheets.filter((sheet) => sheet.children.length === 0);
  const named = [...bookmarks, ...stories, ...bare].map(({ qId, properties }) => [qId, properties['qMetaDef']]);
  const masters = [
    ...masterDimensions.map(({ qId, properties }) => [
      qId,
      ...picked(properties, 'qMetaDef', ['title', 'description']),
      ...picked(properties, 'qDim', ['qGrouping', 'qFieldDefs', 'qFieldLabels']),
    ]),
    ...masterMeasures.map(({ qId, properties }) => [
      qId,
      ...picked(properties, 'qMetaDef', ['title', 'description']),
      ...picked(properties, 'qMeasure', ['qDef', 'qNumFormat']),
    ]),
    // A reader that knows where the definitions lie may ask for them alone.
    ...masterVisualizations.map(({ qId, properties }) => [
      qId,
      ...picked(properties, 'qMetaDef', ['title', 'description']),
      ...definitionsIn(properties).map(({ entry }) => entry),
    ]),
  ];
  const own = variables
    .filter((variable) => !variable.isReserved && !variable.isConfig)
    .map(({ qId, name, definition }) => [qId, name, definition]);
  return sizeOf(named) + sizeOf(masters) + sizeOf(own);
};

/**
 * The cheapest engine calls that give all records of an app: the script; one session object that holds all lists, and its
 * layout; for every sheet that has charts its handle and its property tree. Characters are those of the JSON that the
 * records are made of; envelopes are not counted.
 */
export const cheapestWork = (content: AppContent, scriptHidden = false): EngineWork => {
  const sheets = content.sheets.filter((sheet) => sheet.children.length > 0);
  return {
    calls: 1 + 2 + 2 * sheets.length,
    characters:
      (scriptHidden ? 0 : sizeOf(content.script)) +
      listCharacters(content) +
      sheets.reduce((sum, sheet) => sum + treeSize(sheet), 0),
  };
};

/** How long a session's engine works for these calls. */
export const workMs = ({ calls, characters }: EngineWork): number =>
  calls * SERVICE_TIMES.engineMs + (characters / KIB) * SERVICE_TIMES.engineMsPerKiB;

export interface LowerBound {
  readonly seconds: number;
  /** Engine time and unavoidable round trips of all apps, together. */
  readonly sessionSeconds: number;
  /** What the app that takes longest takes when all sessions help. */
  readonly longestAppSeconds: number;
  /** The site scope alone. */
  readonly siteSeconds: number;
  /** Apps that the user may open. */
  readonly opens: number;
}

export interface LowerBoundOptions {
  /** Engine sessions that the crawl may have at a time. */
  readonly sessions: number;
  readonly user?: UserName;
}

/**
 * The time below which no crawl of this site can come with so many engine sessions, whatever calls it makes: computed from
 * the site alone. The derivation is in `test/simulator/COST.md`. Throws RangeError for no session.
 */
export const lowerBound = (site: Site, { sessions, user = site.crawlUser }: LowerBoundOptions): LowerBound => {
  if (!Number.isInteger(sessions) || sessions < 1) throw new RangeError('sessions must be a whole number from 1');
  const { roundTripMs, qrsMs, qrsRowMs, openMs } = SERVICE_TIMES;
  let totalMs = 0;
  let longestMs = 0;
  let opens = 0;
  for (const app of site.apps) {
    if (!isAdmitted(app, user)) continue;
    const readMs = workMs(cheapestWork(site.content(app.id), app.scriptHidden));
    // The upgrade goes there and back before the first call can be sent; the last answer travels.
    const visitMs = roundTripMs + openMs + roundTripMs;
    opens += 1;
    totalMs += visitMs + readMs;
    longestMs = Math.max(longestMs, visitMs + readMs / sessions);
  }
  // Lists may be cut into pages that are asked for all at once, so no list takes longer than an answer with one row.
  const siteMs = roundTripMs + qrsMs + qrsRowMs;
  // No app can be opened before the repository named one; the first sockets may be opened meanwhile.
  const boundMs = opens === 0 ? siteMs : qrsMs + qrsRowMs + Math.max(totalMs / sessions, longestMs);
  return {
    seconds: boundMs / 1000,
    sessionSeconds: totalMs / 1000,
    longestAppSeconds: longestMs / 1000,
    siteSeconds: siteMs / 1000,
    opens,
  };
};

/** {@link lowerBound} as one figure. */
export const lowerBoundSeconds = (site: Site, options: LowerBoundOptions): number => lowerBound(site, options).seconds;
