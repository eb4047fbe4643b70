import { type DataModel, dataModelOf } from './data-model.ts';
import {
  type DimensionDefinition,
  dimensionDefinition,
  type MeasureDefinition,
  madeOfOthers,
  measureDefinition,
} from './masters.ts';
import { description, oddly, sheetName } from './names.ts';
import { between, type Random, randomOf } from './random.ts';
import type { App } from './types.ts';
import type { World } from './world.ts';

/** The persisted objects of an app as the repository knows them: no properties, no children. */
export interface ObjectOutline {
  readonly qId: string;
  readonly repositoryId: string;
  readonly qType: string;
  readonly name: string;
  readonly description: string;
  readonly ownerId: string;
  readonly approved: boolean;
  readonly published: boolean;
  readonly createdDate: string;
  readonly modifiedDate: string;
  readonly sizeBytes: number;
}

export interface AppOutline {
  readonly model: DataModel;
  readonly sheets: readonly ObjectOutline[];
  readonly stories: readonly ObjectOutline[];
  readonly dimensions: readonly (ObjectOutline & { readonly definition: DimensionDefinition })[];
  readonly measures: readonly (ObjectOutline & { readonly definition: MeasureDefinition })[];
  readonly visualizations: readonly ObjectOutline[];
  readonly bookmarks: readonly ObjectOutline[];
  readonly others: readonly ObjectOutline[];
}

const SPELLINGS = { guid: 50, short: 40, hex: 10 } as const;

/** A source of engine ids in all spellings of real sites; never twice the same in one app. */
export const engineIds = (random: Random): (() => string) => {
  const used = new Set<string>();
  return () => {
    for (;;) {
      const style = random.weighted(SPELLINGS);
      const id =
        style === 'guid' ? random.guid() : style === 'short' ? random.letters(random.int(5, 7)) : random.hex(32);
      if (used.has(id.toLowerCase())) continue;
      used.add(id.toLowerCase());
      return id;
    }
  };
};

const CLASSES = { base: 60, community: 20, private: 20 } as const;

/**
 * What an app holds, cheap enough to be asked of all apps when the repository lists their objects. The content is built
 * from the same outline, so that both always agree.
 */
export const outlineOf = (world: World, app: App): AppOutline => {
  const random = randomOf(world.seed, 'outline', app.id);
  const model = dataModelOf(world, app);
  const nextId = engineIds(random);
  const never = app.lastReloadTime === null;
  const entry = (qType: string, name: string, kind: keyof typeof CLASSES): ObjectOutline => {
    const createdDate = between(random, app.createdDate, app.modifiedDate);
    return {
      qId: nextId(),
      repositoryId: random.guid(),
      qType,
      name,
      description: description(random, 0.15),
      ownerId: kind === 'base' || random.chance(0.3) ? app.ownerId : random.pick(world.users.slice(5)).id,
      approved: app.published && kind === 'base',
      published: app.published && kind !== 'private',
      createdDate,
      modifiedDate: between(random, createdDate, app.modifiedDate),
      sizeBytes: Math.round(random.logNormal(1800, 1)),
    };
  };
  const several = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  const size = random.logNormal(1, 0.6);
  const some = (median: number): number => Math.round(median * size * (0.6 + random.next() * 0.8));
  const extractor = model.layer === 'extract' || model.layer === 'transform';
  const classOf = (): keyof typeof CLASSES => (app.published ? random.weighted(CLASSES) : 'private');
  return {
    model,
    sheets: several(extractor ? random.int(0, 1) : Math.min(30, Math.max(1, some(5))), (index) =>
      entry('sheet', sheetName(random), index === 0 && app.published ? 'base' : classOf()),
    ),
    stories: several(random.chance(0.25) ? random.int(1, 2) : 0, () =>
      entry('story', oddly(random, random.pick(['Board meeting', 'Q3 results', 'My new story']), 0.1, true), classOf()),
    ),
    dimensions: several(extractor ? 0 : never ? Math.max(15, some(15)) : some(7), () => {
      const definition = dimensionDefinition(random, model);
      return { ...entry('dimension', definition.title, 'base'), definition };
    }),
    // Which names are fields is known of an app that was reloaded.
    measures: madeOfOthers(
      several(extractor ? 0 : never ? Math.max(15, some(20)) : some(9), () => {
        const definition = measureDefinition(random, model);
        return { ...entry('measure', definition.title, 'base'), definition };
      }),
      never ? undefined : model,
    ),
    visualizations: several(extractor ? 0 : never ? Math.max(4, some(6)) : some(3), (index) =>
      entry('masterobject', oddly(random, `${model.subject.name} visual ${index + 1}`, 0.06, true), 'base'),
    ),
    bookmarks: several(random.chance(0.6) ? random.int(1, 6) : 0, () =>
      entry(
        'bookmark',
        oddly(random, random.pick(['Current year', 'Top customers', 'DE only', 'Meine Auswahl']), 0.1, true),
        classOf(),
      ),
    ),
    others: [
      entry('appprops', '', 'base'),
      // The one object that every app has under the same id: clients ask for it by name.
      { ...entry('LoadModel', '', 'base'), qId: 'LoadModel' },
      ...(random.chance(0.2) ? [entry('snapshot', 'Snapshot 1', 'private')] : []),
      ...(random.chance(0.1) ? [entry('ColorMap', '', 'base')] : []),
    ],
  };
};
