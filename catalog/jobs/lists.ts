import { storeChecks } from './checks.ts';
import { storeInventory } from './inventory.ts';
import { storePictures } from './pictures.ts';

/** Kinds of jobs whose records are a list that is stored as it comes, instead of scopes that are published. */
export const LISTS: Readonly<Partial<Record<string, typeof storeChecks>>> = {
  test: storeChecks,
  inventory: storeInventory,
  preview: storePictures,
};
