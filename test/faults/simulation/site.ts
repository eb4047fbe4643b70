import { createHash } from 'node:crypto';
import type { AssetRecord, EdgeRecord, PictureRecord } from '#protocol/records.ts';
import type { Random } from './random.ts';

/**
 * What comes of an app when this job looks at it: all can be read; or all but its stories, and that is known; or only its
 * beginning; or nothing; or it is deleted meanwhile.
 */
export type Fate = 'open' | 'lacking' | 'cut' | 'denied' | 'vanishing';

/** An app at one time: other numbers are other contents, and the same one comes back when it is restored. */
export interface AppContent {
  readonly version: number;
  readonly sheets: number;
  readonly stories: number;
  /** Where its data comes from changes by itself, too. */
  readonly lineage: number;
  readonly datasets: number;
}

/** A made-up Qlik site as one job is to find it. */
export interface Site {
  readonly connection: string;
  readonly version: number;
  /** Streams by their number, each with the version of its row. */
  readonly streams: ReadonlyMap<number, number>;
  readonly apps: ReadonlyMap<number, AppContent>;
  readonly fates: ReadonlyMap<number, Fate>;
  /** What of the site's lists can be read. */
  readonly lists: 'all' | 'no users' | 'some apps';
  /** The job reads these apps alone. */
  readonly only: readonly number[] | undefined;
}

type Item = AssetRecord | EdgeRecord | PictureRecord;

const APPS = 5;
const STREAMS = 3;
const USERS = 2;
const LONGEST = 9_500;

const content = (random: Random, version: number): AppContent => ({
  version,
  sheets: random.int(0, 7),
  stories: random.int(0, 2),
  lineage: version,
  datasets: random.int(0, 2),
});

/** How a site changes from one time to the next: some apps and streams come, go, change, or come back as they once were. */
export class ChangingSite {
  readonly #random: Random;
  readonly #connection: string;
  #streams = new Map<number, number>();
  #apps = new Map<number, AppContent>();
  /** Each app as it was at some time. */
  readonly #before = new Map<number, AppContent[]>();

  constructor(random: Random, connection: string) {
    this.#random = random;
    this.#connection = connection;
  }

  /** The site as the next job finds it; `calm`: everything can be read. */
  next(version: number, only: readonly number[] | undefined, calm: boolean): Site {
    const random = this.#random;
    const apps = new Map<number, AppContent>();
    for (let app = 0; app < APPS; app += 1) {
      const found = this.#app(app, version);
      if (found) apps.set(app, found);
    }
    this.#apps = apps;
    const streams = new Map<number, number>();
    for (let stream = 0; stream < STREAMS; stream += 1) {
      const before = this.#streams.get(stream);
      if (!random.chance(before === undefined ? 0.6 : 0.85)) continue;
      streams.set(stream, before !== undefined && random.chance(0.6) ? before : random.int(1, 4));
    }
    this.#streams = streams;
    const fates = new Map<number, Fate>();
    for (const app of apps.keys()) fates.set(app, calm ? 'open' : this.#fate());
    const roll = random.next();
    const lists = calm || only || roll < 0.84 ? 'all' : roll < 0.92 ? 'no users' : 'some apps';
    return { connection: this.#connection, version, streams, apps, fates, lists, only };
  }

  /** The site as it was last found. */
  now(version: number, only: readonly number[] | undefined): Site {
    const all = { apps: this.#apps, streams: this.#streams, fates: new Map() };
    return { ...all, connection: this.#connection, version, lists: 'all', only };
  }

  #app(app: number, version: number): AppContent | undefined {
    const random = this.#random;
    const now = this.#apps.get(app);
    const earlier = this.#before.get(app) ?? [];
    if (!random.chance(now ? 0.88 : 0.55)) return undefined;
    const roll = random.next();
    if (now && roll < 0.5) return now;
    if (now && roll < 0.65) return { ...now, lineage: version, datasets: random.int(0, 2) };
    const restored = roll > 0.85 ? random.pick(earlier) : undefined;
    if (restored) return restored;
    const fresh = content(random, version);
    this.#before.set(app, [...earlier, fresh]);
    return fresh;
  }

  #fate(): Fate {
    const roll = this.#random.next();
    if (roll < 0.84) return 'open';
    return roll < 0.89 ? 'lacking' : roll < 0.92 ? 'cut' : roll < 0.97 ? 'denied' : 'vanishing';
  }
}

/** Length of what is written of a sheet; now and then one is longer than a batch may be. */
const bulkOf = (app: number, n: number, version: number): number =>
  (version * 31 + app * 12 + n) % 61 === 0
    ? 1_500 + ((version * 977) % (LONGEST - 1_500))
    : ((version % 7) * (n + 7) * 29) % 300;

const noise = (seed: string, bytes: number): string => {
  let text = '';
  for (let n = 0; text.length < bytes; n += 1) text += createHash('sha1').update(`${seed}/${n}`).digest('hex');
  return text.slice(0, bytes);
};

export const OUTSIDE = 'outside';
export const appKey = ({ connection }: Site, app: number): string => `${connection}/app-${app}`;
export const appOf = (scope: string): number => Number(scope.split('/app-')[1]);
const streamKey = ({ connection }: Site, stream: number): string => `${connection}/stream/${stream}`;

const asset = (
  scope: string,
  key: string,
  kind: AssetRecord['kind'],
  attributes: AssetRecord['attributes'],
  parent?: string,
): AssetRecord => ({
  t: 'asset',
  scope,
  key,
  kind,
  name: `${kind} ${key}`,
  ...(parent === undefined ? {} : { parent }),
  attributes,
});

/** The row of a stream, and whose it is. */
export const streamItems = (site: Site, stream: number): readonly Item[] => {
  const { connection: scope } = site;
  const version = site.streams.get(stream) ?? 0;
  const key = streamKey(site, stream);
  return [
    asset(scope, key, 'stream', { version }, scope),
    { t: 'edge', scope, kind: 'owns', from: `${scope}/user/${version % USERS}`, to: key, attributes: { version } },
  ];
};
export const goneStream = (site: Site, stream: number) =>
  ({ t: 'gone', scope: site.connection, key: streamKey(site, stream) }) as const;

const siteItems = (site: Site): readonly Item[] => {
  const { connection: scope } = site;
  return [
    asset(scope, scope, 'site', {}),
    ...Array.from({ length: USERS }, (_, n) => asset(scope, `${scope}/user/${n}`, 'user', {}, scope)),
    ...[...site.streams.keys()].flatMap((stream) => streamItems(site, stream)),
  ];
};

/** Where the data of an app comes from. */
export const lineageItems = (site: Site, app: number): readonly Item[] => {
  const { lineage, datasets, sheets } = site.apps.get(app) ?? content0;
  const scope = appKey(site, app);
  return Array.from({ length: datasets }, (_, n) => `${scope}/source/${n}`).flatMap((key): readonly Item[] => [
    asset(scope, key, 'dataset', { lineage }),
    { t: 'edge', scope, kind: 'loads', from: scope, to: key, attributes: { lineage } },
    ...(sheets === 0
      ? []
      : ([{ t: 'edge', scope, kind: 'derives', from: `${scope}/sheet-0`, to: key, attributes: { lineage } }] as const)),
  ]);
};
const content0: AppContent = { version: 0, sheets: 0, stories: 0, lineage: 0, datasets: 0 };

/** An app by itself, without what is inside. */
export const appAsset = (site: Site, app: number): AssetRecord => {
  const scope = appKey(site, app);
  const { version, stories } = site.apps.get(app) ?? content0;
  return asset(scope, scope, 'app', { version, stories }, site.connection);
};

const appItems = (site: Site, app: number): readonly Item[] => {
  const scope = appKey(site, app);
  const { version, sheets, stories } = site.apps.get(app) ?? content0;
  const items: Item[] = [appAsset(site, app)];
  for (let n = 0; n < sheets; n += 1) {
    const key = `${scope}/sheet-${n}`;
    const bulk = noise(`${key}/${version}`, bulkOf(app, n, version));
    items.push(asset(scope, key, 'sheet', { version, bulk }, scope));
    if ((n + version) % 3 === 0)
      items.push({ t: 'picture', scope, key, source: 'layout', mediaType: 'image/png', content: `${version}/${n}` });
  }
  for (let n = 0; n < stories; n += 1) items.push(asset(scope, `${scope}/story-${n}`, 'story', { version }, scope));
  if (sheets > 1)
    items.push({ t: 'edge', scope, kind: 'uses', from: `${scope}/sheet-0`, to: OUTSIDE, attributes: { version } });
  return [...items, ...lineageItems(site, app)];
};

const made = new WeakMap<Site, Map<string, readonly Item[]>>();

/** Everything that the source holds of a scope. */
export const itemsOf = (site: Site, scope: string): readonly Item[] => {
  const known = made.get(site) ?? new Map<string, readonly Item[]>();
  made.set(site, known);
  const items = known.get(scope) ?? (scope === site.connection ? siteItems(site) : appItems(site, appOf(scope)));
  known.set(scope, items);
  return items;
};

/** Apps that the job sees: those that it is to read, or that the list shows. */
export const appsSeen = ({ apps, only, lists }: Site): readonly number[] =>
  [...apps.keys()].filter((app) => (only ? only.includes(app) : lists !== 'some apps' || app % 2 === 0));

/** The scopes that the job publishes. */
export const scopesOf = (site: Site): readonly string[] => [
  ...(site.only ? [] : [site.connection]),
  ...appsSeen(site).map((app) => appKey(site, app)),
];
