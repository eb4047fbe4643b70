import { BROKEN, HOSTILE_CONTENTS, type HostileScale, longName } from './hostile-contents.ts';
import { hashOf, randomOf } from './random.ts';
import type { App, AppContent, AppObject, EngineObject, Site } from './types.ts';

export type HostileKind = keyof typeof HOSTILE_CONTENTS;

/** An app that means harm, and what may truthfully become of it. */
export interface HostileApp {
  readonly id: string;
  readonly what: HostileKind;
  /** `complete`: all that {@link truthOfApp} lists; `partial`: some of that, and what is missing is said. */
  readonly outcomes: readonly ('complete' | 'partial' | 'gone')[];
}

export interface HostileSite extends Site {
  readonly hostile: readonly HostileApp[];
}

/** As the issue has it: a script of 50 MB, 200,000 fields, a sheet with 5,000 objects. */
export const FULL_SCALE: HostileScale = { scriptBytes: 50_000_000, fields: 200_000, objects: 5_000 };
/** The same evils in a size that a database takes in a moment. */
export const SMALL_SCALE: HostileScale = { scriptBytes: 1_000_000, fields: 3_000, objects: 500 };

const OUTCOMES: Readonly<Partial<Record<HostileKind, HostileApp['outcomes']>>> = {
  // Larger than any record may be: what cannot be brought must be said.
  'huge script': ['complete', 'partial'],
  'deleted while it is read': ['gone'],
  'storm of aborted calls': ['complete', 'partial'],
  'garbage on the socket': ['complete'],
  'page in place of the data model': ['partial'],
  'data model cut off': ['partial'],
};

const TITLES: Readonly<Partial<Record<HostileKind, string>>> = {
  'long names': longName('app'),
  'broken texts': `app ${BROKEN.high}${BROKEN.nul}`,
};

/**
 * The site with one app of every evil, and every second of its own apps denied (section access lets nobody in). What is
 * inside an app is made when it is asked for, and the last few are kept.
 */
export const hostileSite = (base: Site, scale: HostileScale): HostileSite => {
  const [template] = base.apps;
  if (template === undefined) throw new RangeError('a hostile site needs an app besides its own');
  const kinds = Object.keys(HOSTILE_CONTENTS) as HostileKind[];
  const added = kinds.map((what, n): App & { readonly what: HostileKind } => ({
    ...template,
    id: randomOf(base.seed, 'hostile', n).guid(),
    name: TITLES[what] ?? what,
    what,
    sectionAccess: false,
    admitted: null,
    scriptHidden: false,
    lastReloadTime: template.lastReloadTime ?? template.modifiedDate,
    tagIds: [],
    customProperties: [],
    thumbnail: '',
  }));
  const apps: readonly App[] = [
    ...base.apps.map((app, n) => (n % 2 === 0 ? app : { ...app, sectionAccess: true, admitted: ['NOBODY\\NOBODY'] })),
    ...added,
  ];
  const byId = new Map(apps.map((app) => [app.id, app]));
  const whatOf = new Map(added.map(({ id, what }) => [id, what]));
  const made = new Map<string, AppContent>();
  const contentOf = (appId: string): AppContent | undefined => {
    const what = whatOf.get(appId);
    const app = byId.get(appId);
    if (what === undefined || app === undefined) return undefined;
    const content = made.get(appId) ?? HOSTILE_CONTENTS[what](app, scale);
    made.set(appId, content);
    return content;
  };
  return {
    ...base,
    apps,
    hostile: added.map(({ id, what }) => ({ id, what, outcomes: OUTCOMES[what] ?? ['complete'] })),
    app: (appId) => byId.get(appId),
    content: (appId) => contentOf(appId) ?? base.content(appId),
    objects: (appId) => {
      const content = contentOf(appId);
      return content === undefined
        ? base.objects(appId)
        : [...content.sheets, ...content.masterVisualizations].map((object) => persisted(base, appId, object));
    },
  };
};

const persisted = ({ seed }: Site, appId: string, object: EngineObject): AppObject => {
  const meta = object.properties['qMetaDef'] as { readonly title: string; readonly description: string };
  return {
    id: randomOf(seed, `object-of-${appId}`, object.qId).guid(),
    engineObjectId: object.qId,
    objectType: object.qType,
    name: meta.title,
    description: meta.description,
    ownerId: object.ownerId,
    approved: object.approved,
    published: object.published,
    createdDate: object.createdDate,
    modifiedDate: object.modifiedDate,
    sizeBytes: 2_000,
    contentHash: hashOf(`${object.qId}/${object.modifiedDate}`).toString(16).padStart(8, '0').repeat(4),
  };
};
