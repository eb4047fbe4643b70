/** An app as one engine session has it open: what layouts and lists are made from. */
import type { App, AppContent, Site } from '../model/types.ts';
import { type AppIndex, indexOf } from './app-index.ts';
import type { Selections } from './selections.ts';

export interface DocumentView {
  readonly site: Site;
  readonly app: App;
  readonly content: AppContent;
  readonly index: AppIndex;
  readonly withData: boolean;
  /** `/qDim/qFieldDefs` in a list definition comes out as an empty text. */
  readonly textListsEmpty: boolean;
  /** Of the session. */
  readonly selections: Selections;
}

export const viewOf = (
  site: Site,
  app: App,
  { withData, textListsEmpty, selections }: Pick<DocumentView, 'withData' | 'textListsEmpty' | 'selections'>,
): DocumentView => {
  const content = site.content(app.id);
  return { site, app, content, index: indexOf(content), withData, textListsEmpty, selections };
};
