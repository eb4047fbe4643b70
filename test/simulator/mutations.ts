/** What administrators and developers do to the site while it is crawled. */
import type { MutableSite } from './model/mutate.ts';
import type { App } from './model/types.ts';

export type Mutation =
  | { readonly action: 'rename'; readonly appId: string; readonly name: string }
  | { readonly action: 'delete'; readonly appId: string }
  /** Sets values of the app's light part: `{ "scriptHidden": true }`, a new `modifiedDate`, … */
  | { readonly action: 'change'; readonly appId: string; readonly change: Partial<Omit<App, 'id'>> }
  /** Duplicates the app as `as`. */
  | { readonly action: 'copy'; readonly appId: string; readonly as: string; readonly name: string }
  /** Another title for the object of this engine id; the `modifiedDate` of its app stays. */
  | { readonly action: 'rename-object'; readonly appId: string; readonly objectId: string; readonly name: string }
  /** The data connection of that name leads elsewhere from now on; nothing of any app changes. */
  | { readonly action: 'move-connection'; readonly connection: string; readonly connectionstring: string };

/** @throws RangeError for an app, object or data connection that does not exist (any more), and for a copy that does already */
export function applyMutation(site: MutableSite, mutation: Mutation, at: Date): void {
  switch (mutation.action) {
    case 'rename':
      site.renameApp(mutation.appId, mutation.name, at.toISOString());
      return;
    case 'delete':
      site.deleteApp(mutation.appId);
      return;
    case 'change':
      site.changeApp(mutation.appId, mutation.change);
      return;
    case 'copy':
      site.copyApp(mutation.appId, mutation.as, mutation.name, at.toISOString());
      return;
    case 'rename-object':
      site.renameObject(mutation.appId, mutation.objectId, mutation.name, at.toISOString());
      return;
    case 'move-connection':
      site.moveConnection(mutation.connection, mutation.connectionstring, at.toISOString());
      return;
    default:
      mutation satisfies never;
  }
}
