/** An app's objects by id, as the engine looks them up. */
import type { AppContent, EngineObject, Variable } from '../model/types.ts';

interface Placed {
  readonly object: EngineObject;
  readonly parent: EngineObject | null;
}

export interface AppIndex {
  /** Sheets, stories, master visualizations, their descendants at any depth, and the other objects. */
  readonly objects: ReadonlyMap<string, Placed>;
  /** Those of them that stand on their own. */
  readonly roots: readonly EngineObject[];
  readonly measures: ReadonlyMap<string, EngineObject>;
  readonly dimensions: ReadonlyMap<string, EngineObject>;
  /** Snapshots too: to the engine they are bookmarks of another type. */
  readonly bookmarks: ReadonlyMap<string, EngineObject>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly variablesByName: ReadonlyMap<string, Variable>;
}

const indexes = new WeakMap<AppContent, AppIndex>();

const byId = (objects: readonly EngineObject[]): ReadonlyMap<string, EngineObject> =>
  new Map(objects.map((object) => [object.qId, object]));

/** Made once per content. */
export function indexOf(content: AppContent): AppIndex {
  const made = indexes.get(content);
  if (made) return made;
  const objects = new Map<string, Placed>();
  const place = (object: EngineObject, parent: EngineObject | null): void => {
    objects.set(object.qId, { object, parent });
    for (const child of object.children) place(child, object);
  };
  const isSnapshot = (object: EngineObject): boolean => object.qType === 'snapshot';
  const others = content.others.filter((object) => !isSnapshot(object));
  const roots = [...content.sheets, ...content.stories, ...content.masterVisualizations, ...others];
  for (const root of roots) place(root, null);
  const index = {
    objects,
    roots,
    measures: byId(content.masterMeasures),
    dimensions: byId(content.masterDimensions),
    bookmarks: byId([...content.bookmarks, ...content.others.filter(isSnapshot)]),
    variables: new Map(content.variables.map((variable) => [variable.qId, variable])),
    variablesByName: new Map(content.variables.map((variable) => [variable.name, variable])),
  };
  indexes.set(content, index);
  return index;
}
