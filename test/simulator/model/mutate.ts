import type { App, Site } from './types.ts';

/** A site that changes while it is served: what administrators and developers do in the middle of a crawl. */
export interface MutableSite extends Site {
  /** Gives the app another name and moves its `modifiedDate` to `at`. */
  renameApp(appId: string, name: string, at: string): void;
  /** Takes the app out of every list; whoever asks for it is told that it does not exist. */
  deleteApp(appId: string): void;
  /** Puts other values into the light part of an app, e.g. `{ scriptHidden: true }` or a new `lastReloadTime`. */
  changeApp(appId: string, change: Partial<Omit<App, 'id'>>): void;
}

/**
 * A changeable view of a site; the site itself stays as it was generated. Lists are computed once per change. Throws
 * RangeError for an app that does not exist (any more).
 */
export const mutableSite = (base: Site): MutableSite => {
  const changed = new Map<string, App | null>();
  let apps: readonly App[] | undefined;
  let tasks: Site['reloadTasks'] | undefined;
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
    apps = undefined;
    tasks = undefined;
  };
  return {
    ...base,
    get apps() {
      apps ??= base.apps.flatMap(({ id }) => app(id) ?? []);
      return apps;
    },
    get reloadTasks() {
      tasks ??= base.reloadTasks.filter((task) => app(task.appId) !== undefined);
      return tasks;
    },
    app,
    content: (appId) => base.content(known(appId).id),
    // Of a deleted app too: an answer that lists them may be under way.
    objects: base.objects,
    renameApp: (appId, name, at) => put(appId, { ...known(appId), name, modifiedDate: at }),
    changeApp: (appId, change) => put(appId, { ...known(appId), ...change }),
    deleteApp: (appId) => {
      known(appId);
      put(appId, null);
    },
  };
};
