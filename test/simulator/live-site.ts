/** The site as it is now: the generated one, and what was renamed or deleted since. */
import type { App, AppContent, Site } from './model/types.ts';

export type Mutation =
  | { readonly action: 'rename'; readonly appId: string; readonly name: string }
  | { readonly action: 'delete'; readonly appId: string }
  /** Somebody edited it: `modifiedDate` goes on. */
  | { readonly action: 'touch'; readonly appId: string }
  | { readonly action: 'hideScript'; readonly appId: string };

export class LiveSite implements Site {
  readonly #base: Site;
  #apps: readonly App[];
  #byId: ReadonlyMap<string, App>;
  readonly #listeners = new Set<(mutation: Mutation) => void>();

  constructor(base: Site) {
    this.#base = base;
    this.#apps = base.apps;
    this.#byId = new Map(base.apps.map((app) => [app.id, app]));
  }

  get seed() {
    return this.#base.seed;
  }
  get crawlUser() {
    return this.#base.crawlUser;
  }
  get nodeId() {
    return this.#base.nodeId;
  }
  get users() {
    return this.#base.users;
  }
  get streams() {
    return this.#base.streams;
  }
  get tags() {
    return this.#base.tags;
  }
  get customPropertyDefinitions() {
    return this.#base.customPropertyDefinitions;
  }
  get dataConnections() {
    return this.#base.dataConnections;
  }
  get reloadTasks() {
    return this.#base.reloadTasks.filter((task) => this.#byId.has(task.appId));
  }
  get extensions() {
    return this.#base.extensions;
  }
  get apps() {
    return this.#apps;
  }

  app(id: string): App | undefined {
    return this.#byId.get(id);
  }

  content(appId: string): AppContent {
    return this.#base.content(appId);
  }

  onMutation(listener: (mutation: Mutation) => void): void {
    this.#listeners.add(listener);
  }

  /** Does it, tells the servers, and says whether there was such an app. */
  mutate(mutation: Mutation, now: Date = new Date()): boolean {
    if (!this.#byId.has(mutation.appId)) return false;
    const modifiedDate = now.toISOString();
    this.#apps =
      mutation.action === 'delete'
        ? this.#apps.filter((app) => app.id !== mutation.appId)
        : this.#apps.map((app) => {
            if (app.id !== mutation.appId) return app;
            if (mutation.action === 'hideScript') return { ...app, scriptHidden: true };
            return mutation.action === 'rename'
              ? { ...app, name: mutation.name, modifiedDate }
              : { ...app, modifiedDate };
          });
    this.#byId = new Map(this.#apps.map((app) => [app.id, app]));
    for (const listener of this.#listeners) listener(mutation);
    return true;
  }
}
