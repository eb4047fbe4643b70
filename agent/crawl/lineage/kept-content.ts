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

/** The text of what is kept of an app; undefined for one without a script, or one that is too large. */
export const keptText = (content: AppContent): string | undefined => {
  const { script, sheets, visualizations, lists, model, touched, sheetIds, gaps } = content;
  if (script.trim() === '' || script.length > MOST_CHARACTERS) return undefined;
  const parts: string[] = [];
  let left = MOST_CHARACTERS;
  const add = (name: keyof Kept, text: string | undefined): void => {
    if (text === undefined) return;
    left -= text.length;
    parts.push(`${JSON.stringify(name)}:${text}`);
  };
  // Piece by piece, so that one that is too large is noticed before all of it is a text.
  const list = (name: keyof Kept, items: readonly unknown[]): void => {
    const texts: string[] = [];
    let length = 0;
    for (const item of items) {
      const text = JSON.stringify(item);
      length += text.length;
      if (length > left) break;
      texts.push(text);
    }
    left -= length > left ? Number.POSITIVE_INFINITY : 0;
    add(name, `[${texts.join(',')}]`);
  };
  add('version', String(VERSION));
  add('script', JSON.stringify(script));
  list('sheets', sheets);
  list('visualizations', visualizations);
  add('lists', JSON.stringify({ ...lists, bookmarks: [] }));
  add('model', JSON.stringify(model.available ? model : { available: false }));
  add('touched', touched === undefined ? undefined : JSON.stringify(touched));
  add('sheetIds', sheetIds === undefined ? undefined : JSON.stringify([...sheetIds]));
  add('missing', JSON.stringify(gaps.missing));
  return left < 0 ? undefined : `{${parts.join(',')}}`;
};

/** What {@link keptText} was made of. Undefined for a text of another release. */
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
