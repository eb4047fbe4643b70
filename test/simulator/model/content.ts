import {
  bookmarkObject,
  masterDimension,
  masterMeasure,
  masterVisualization,
  otherObject,
  sheetObject,
  storyObject,
} from './app-objects.ts';
import { tablesOf } from './app-tables.ts';
import { lineageOf } from './lineage-rows.ts';
import { type AppOutline, engineIds, outlineOf } from './outline.ts';
import { randomOf } from './random.ts';
import { planOf, provenanceOf } from './script-plan.ts';
import { scriptOf } from './scripts.ts';
import type { App, AppContent } from './types.ts';
import { variablesOf } from './variables.ts';
import type { World } from './world.ts';

/** Builds all that is inside an app; equal for equal arguments. */
export const generateContent = (world: World, app: App, outline: AppOutline = outlineOf(world, app)): AppContent => {
  const random = randomOf(world.seed, 'content', app.id);
  const { model } = outline;
  const library = {
    model,
    dimensions: outline.dimensions.map(({ qId }) => qId),
    measures: outline.measures.map(({ qId }) => qId),
    visualizations: outline.visualizations.map(({ qId }) => qId),
  };
  const taken = new Set(
    Object.values(outline).flatMap((list: unknown) =>
      Array.isArray(list) ? list.map((entry: { qId: string }) => entry.qId.toLowerCase()) : [],
    ),
  );
  const fresh = engineIds(random);
  const nextId = (): string => {
    for (;;) {
      const id = fresh();
      if (!taken.has(id.toLowerCase())) return id;
    }
  };
  const making = { random, library, nextId };
  const plan = planOf(world, app, model);
  const canaries = { seed: world.seed, appId: app.id };
  return {
    script: scriptOf(world, app, model, plan),
    sheets: outline.sheets.map((entry, rank) => sheetObject(making, entry, rank)),
    stories: outline.stories.map((entry) => storyObject(making, entry)),
    masterDimensions: outline.dimensions.map((entry) => masterDimension(entry)),
    masterMeasures: outline.measures.map((entry) => masterMeasure(entry)),
    masterVisualizations: outline.visualizations.map((entry) => masterVisualization(making, entry)),
    bookmarks: outline.bookmarks.map((entry) => bookmarkObject(making, entry)),
    others: outline.others.map((entry) => otherObject(making, entry)),
    variables: variablesOf(randomOf(world.seed, 'variables', app.id), app, canaries, nextId, plan.variables),
    ...(app.lastReloadTime === null
      ? { tables: [], fields: [] }
      : tablesOf(randomOf(world.seed, 'tables', app.id), model)),
    ...(app.lastReloadTime === null
      ? { lineage: [], provenance: { fields: [], stores: [], reads: [], includes: [] } }
      : { lineage: lineageOf(world, app, plan), provenance: provenanceOf(plan) }),
  };
};
