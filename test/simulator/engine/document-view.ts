/** An app as one engine session has it open: what layouts and lists are made from. */
import type { App, AppContent, Site } from '../model/types.ts';
import { type AppIndex, indexOf } from './app-index.ts';

export interface DocumentView {
  readonly site: Site;
  readonly app: App;
  readonly content: AppContent;
  readonly index: AppIndex;
  readonly withData: boolean;
  /** `/qDim/qFieldDefs` in a list definition comes out as an empty text. */
  readonly textListsEmpty: boolean;
}

export const viewOf = (site: Site, app: App, withData: boolean, textListsEmpty: boolean): DocumentView => {
  const content = site.content(app.id);
  return { site, app, content, index: indexOf(content), withData, textListsEmpty };
};
