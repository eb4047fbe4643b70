import { hashOf, randomOf } from './random.ts';
import type { App, AppContent, AppObject, EngineObject, Site } from './types.ts';

/** A site that changes while it is served: what administrators and developers do in the middle of a crawl. */
export interface MutableSite extends Site {
  /** Gives the app another name and moves its `modifiedDate` to `at`. */
  renameApp(appId: string, name: string, at: string): void;
  /** Takes the app out of every list; whoever asks for it is told that it does not exist. */
  deleteApp(appId: string): void;
  /** Puts other values into the light part of an app, e.g. `{ scriptHidden: true }` or a new `lastReloadTime`. */
  changeApp(appId: string, change: Partial<Omit<App, 'id'>>): void;
  /** Duplicates an app as its user does in the hub: the copy has the id `as`, and objects of its own with the same engine ids. */
  copyApp(appId: string, as: string, name: string, at: string): void;
  /** Gives one of an app's objects another title. The object's date moves to `at`, that of its app stays. */
  renameObject(appId: string, objectId: string, name: string, at: string): void;
  /** Another connection string for the data connection of that name. */
  moveConnection(name: string, connectionstring: string, at: string): void;
}

/** Other titles of an app's objects, by engine id. */
type Edits = ReadonlyMap<string, { readonly name: string; readonly at: string }>;

const LISTS = ['sheets', 'stories', 'masterDimensions', 'masterMeasures', 'masterVisualizations', 'bookmarks'] as const;

const editedContent = (content: AppContent, edits: Edits): AppContent => {
  const edited = (object: EngineObject): EngineObject => {
    const edit = edits.get(object.qId);
    if (edit === undefined) return object;
    const meta = object.properties['qMetaDef'];
    const qMetaDef = { ...(typeof meta === 'object' ? meta : {}), title: edit.name };
    return { ...object, modifiedDate: edit.at, properties: { ...object.properties, qMetaDef } };
  };
  return { ...content, ...Object.fromEntries(LISTS.map((list) => [list, content[list].map(edited)])) };
};

const editedObject = (object: AppObject, edits: Edits | undefined): AppObject => {
  const edit = edits?.get(object.engineObjectId);
  if (edit === undefined) return object;
  const contentHash = hashOf(`${object.contentHash}/${edit.name}/${edit.at}`).toString(16).padStart(8, '0').repeat(4);
  return { ...object, name: edit.name, modifiedDate: edit.at, contentHash };
};

/**
 * A changeable view of a site; the site itself stays as it was generated. Lists are computed once per change. Throws
 * RangeError for an app that does not exist (any more).
 */
export const mutableSite = (base: Site): MutableSite => {
  const changed = new Map<string, App | null>();
  let apps: readonly App[] | undefined;
  let tasks: Site['reloadTasks'] | undefined;
  let { dataConnections } = base;
  let revision = 0;
  /** The app that a copy was made of. */
  const originals = new Map<string, string>();
  const edits = new Map<string, Edits>();
  const contents = new Map<string, AppContent>();
  const originalOf = (appId: string): string => originals.get(appId) ?? appId;
  const objects = (appId: string): readonly AppObject[] => {
    const made = base.objects(originalOf(appId));
    const own = edits.get(appId);
    if (own === undefined && !originals.has(appId)) return made;
    return made.map((object) => ({
      ...editedObject(object, own),
      id: originals.has(appId) ? randomOf(base.seed, `object-of-${appId}`, object.id).guid() : object.id,
    }));
  };
  const contentOf = (appId: string): AppContent => {
    const own = edits.get(appId);
    const made = contents.get(appId) ?? base.content(originalOf(appId));
    if (own === undefined || contents.has(appId)) return made;
    const edited = editedContent(made, own);
    contents.set(appId, edited);
    return edited;
  };
  const app = (appId: string): App | undefined => {
    const own = changed.get(appId);
    return own === undefined ? base.app(appId) : (own ?? undefined);
  };
  const known = (appId: string): App => {
    const found = app(appId);
    if (found === undefined) throw new RangeError(`no app ${appId} on this site`);
    return found;
  };
  const put = (appId: string, value: App | null): void => {
    changed.set(appId, value);
    revision += 1;
    apps = undefined;
    tasks = undefined;
  };
  return {
    ...base,
    get apps() {
      apps ??= [...base.apps.map(({ id }) => id), ...originals.keys()].flatMap((id) => app(id) ?? []);
      return apps;
    },
    get reloadTasks() {
      tasks ??= base.reloadTasks.filter((task) => app(task.appId) !== undefined);
      return tasks;
    },
    get dataConnections() {
      return dataConnections;
    },
    get revision() {
      return revision;
    },
    app,
    content: (appId) => contentOf(known(appId).id),
    // Of a deleted app too: an answer that lists them may be under way.
    objects,
    renameApp: (appId, name, at) => put(appId, { ...known(appId), name, modifiedDate: at }),
    changeApp: (appId, change) => put(appId, { ...known(appId), ...change }),
    copyApp: (appId, as, name, at) => {
      const { streamId: _, ...original } = known(appId);
      if (changed.has(as) || base.app(as) !== undefined) throw new RangeError(`there is an app ${as} already`);
      const own = edits.get(appId);
      originals.set(as, originalOf(appId));
      if (own !== undefined) edits.set(as, own);
      const unpublished = { streamId: null, published: false, publishTime: null };
      put(as, { ...original, ...unpublished, id: as, name, createdDate: at, modifiedDate: at });
    },
    renameObject: (appId, objectId, name, at) => {
      if (!objects(known(appId).id).some(({ engineObjectId }) => engineObjectId === objectId))
        throw new RangeError(`no object ${objectId} in app ${appId}`);
      edits.set(appId, new Map([...(edits.get(appId) ?? []), [objectId, { name, at }]]));
      contents.delete(appId);
      revision += 1;
    },
    moveConnection: (name, connectionstring, at) => {
      if (!dataConnections.some((one) => one.name === name)) throw new RangeError(`no data connection ${name}`);
      dataConnections = dataConnections.map((one) =>
        one.name === name ? { ...one, connectionstring, modifiedDate: at } : one,
      );
    },
    deleteApp: (appId) => {
      known(appId);
      put(appId, null);
    },
  };
};
