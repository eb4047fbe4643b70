/** Who may see, open and edit what: the site's security rules and section access, as far as clients notice them. */
import type { Faults } from './faults.ts';
import { isServiceAccount, userKey } from './identity.ts';
import { isAdmitted } from './model/access.ts';
import type { App, Site, UserName } from './model/types.ts';

const ADMINISTRATORS = new Set(['RootAdmin', 'ContentAdmin', 'AuditAdmin']);

export class Access {
  readonly #site: Site;
  readonly #faults: Faults;
  readonly #users: ReadonlyMap<string, Site['users'][number]>;

  constructor(site: Site, faults: Faults) {
    this.#site = site;
    this.#faults = faults;
    this.#users = new Map(
      site.users.map((user) => [userKey({ directory: user.userDirectory, id: user.userId }), user]),
    );
  }

  /** Administrators, service accounts and the crawl user. */
  #privileged(user: UserName): boolean {
    if (isServiceAccount(user) || userKey(user) === userKey(this.#site.crawlUser)) return true;
    return this.#users.get(userKey(user))?.roles.some((role) => ADMINISTRATORS.has(role)) ?? false;
  }

  #owns(user: UserName, app: App): boolean {
    return this.#users.get(userKey(user))?.id === app.ownerId;
  }

  /** Whether the user sees the app in lists. Everybody sees published apps; other people's personal work only few. */
  seesApp(user: UserName, app: App): boolean {
    if (this.#faults.settings.emptyLists.includes('app')) return false;
    return app.published || this.#owns(user, app) || this.#privileged(user);
  }

  /** Whether the user may open the app. Section access asks nobody's rank. */
  opensApp(user: UserName, app: App): boolean {
    const { sectionAccess, deniedApps } = this.#faults.settings;
    if (!this.seesApp(user, app) || deniedApps.includes(app.id)) return false;
    return !sectionAccess || isAdmitted(app, user);
  }

  /** `GetScript` asks for the right to update, `GetScriptEx` only for the right to read. */
  seesScript(user: UserName, app: App, needs: 'read' | 'update'): boolean {
    if (!this.#faults.settings.scriptRights || app.scriptHidden) return false;
    if (needs === 'read') return true;
    return this.#faults.settings.updateRights && (this.#owns(user, app) || this.#privileged(user));
  }
}
