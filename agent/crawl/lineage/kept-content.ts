import { Fault } from '#protocol/errors.ts';
import type { Missing } from '#protocol/records.ts';
import type { AppContent } from '../app-content.ts';
import { Gaps } from '../missing.ts';

/** What is kept of an app: all that its lineage is made of. Other parts of it are read from the site, or not at all. */
type Kept = Pick<AppContent, 'script' | 'sheets' | 'visualizations' | 'lists' | 'touched'> & {
  readonly version: typeof VERSION;
  readonly model: AppContent['model'] | { readonly available: false };
  readonly sheetIds: readonly (readonly [string, string])[] | undefined;
  /** What the app lacked when it was read: it lacks it still. */
  readonly missing: readonly Missing[];
};

const VERSION = 1;
/** A larger app is opened again: to keep it would take much of the agent's memory for a moment. */
const MOST_CHARACTERS = 12 * 1024 * 1024;

/**
 * What is kept of an app, as JSON in UTF-8; undefined for one without a script, or one that is too large. In pieces up to its
 * end: joined as texts, a large app would be in memory four times over.
 */
export const keptBytes = (content: AppContent): Buffer | undefined => {
  const { script, sheets, visualizations, lists, model, touched, sheetIds, gaps } = content;
  if (script.trim() === '' || script.length > MOST_CHARACTERS) return undefined;
  const pieces: string[] = [];
  let left = MOST_CHARACTERS;
  const add = (text: string): void => {
    left -= text.length;
    if (left >= 0) pieces.push(text);
  };
  const member = (name: keyof Kept, text: string | undefined): void => {
    if (text === undefined) return;
    add(`${pieces.length === 0 ? '{' : ','}${JSON.stringify(name)}:`);
    add(text);
  };
  const list = (name: keyof Kept, items: readonly unknown[]): void => {
    member(name, '[');
    for (const [at, item] of items.entries()) {
      if (left < 0) return;
      if (at > 0) add(',');
      add(JSON.stringify(item));
    }
    add(']');
  };
  member('version', String(VERSION));
  member('script', JSON.stringify(script));
  list('sheets', sheets);
  list('visualizations', visualizations);
  member('lists', JSON.stringify({ ...lists, bookmarks: [] }));
  member('model', JSON.stringify(model.available ? model : { available: false }));
  member('touched', touched === undefined ? undefined : JSON.stringify(touched));
  member('sheetIds', sheetIds === undefined ? undefined : JSON.stringify([...sheetIds]));
  member('missing', JSON.stringify(gaps.missing));
  add('}');
  return left < 0 ? undefined : encoded(pieces);
};

const encoded = (pieces: readonly string[]): Buffer => {
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0));
  let at = 0;
  for (const piece of pieces) at += bytes.write(piece, at);
  return bytes;
};

/** What {@link keptBytes} was made of. Undefined for a text of another release. */
export const readKept = (text: string): AppContent | undefined => {
  // Whoever can write it has the agent's key.
  const kept = JSON.parse(text) as Kept;
  if (kept.version !== VERSION) return undefined;
  const { script, sheets, visualizations, lists, model, touched = [], sheetIds, missing } = kept;
  const gaps = new Gaps();
  gaps.missing.push(...missing);
  return {
    ...{ script, sheets, visualizations, lists, touched, gaps, stories: [] },
    model: model.available
      ? model
      : {
          available: false,
          reason: new Fault('qlik.data_model_unavailable', 'The app had no data model when it was read'),
        },
    sheetIds: sheetIds === undefined ? undefined : new Map(sheetIds),
  };
};
