import { outlineOf } from './outline.ts';
import { hashOf } from './random.ts';
import type { App, AppObject } from './types.ts';
import type { World } from './world.ts';

/**
 * The repository's view of an app: every object that is persisted on its own (sheets, stories, master items, bookmarks,
 * `LoadModel`, `appprops`, …), not what lies inside a sheet. Built from the outline, without the content.
 */
export const objectsOf = (world: World, app: App): readonly AppObject[] => {
  const { sheets, stories, dimensions, measures, visualizations, bookmarks, others } = outlineOf(world, app);
  return [...sheets, ...stories, ...dimensions, ...measures, ...visualizations, ...bookmarks, ...others].map(
    (outline) => ({
      id: outline.repositoryId,
      engineObjectId: outline.qId,
      objectType: outline.qType,
      name: outline.name,
      description: outline.description,
      ownerId: outline.ownerId,
      approved: outline.approved,
      published: outline.published,
      createdDate: outline.createdDate,
      modifiedDate: outline.modifiedDate,
      sizeBytes: outline.sizeBytes,
      contentHash: hashOf(`${outline.qId}/${outline.modifiedDate}/${outline.name}`)
        .toString(16)
        .padStart(8, '0')
        .repeat(4),
    }),
  );
};
