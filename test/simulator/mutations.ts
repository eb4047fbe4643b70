/** What administrators and developers do to the site while it is crawled. */
import type { MutableSite } from './model/mutate.ts';
import type { App } from './model/types.ts';

export type Mutation =
  | { readonly action: 'rename'; readonly appId: string; readonly name: string }
  | { readonly action: 'delete'; readonly appId: string }
  /** Sets values of the app's light part: `{ "scriptHidden": true }`, a new `modifiedDate`, … */
  | { readonly action: 'change'; readonly appId: string; readonly change: Partial<Omit<App, 'id'>> };

/** @throws RangeError for an app that does not exist (any more) */
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
    default:
      mutation satisfies never;
  }
}
