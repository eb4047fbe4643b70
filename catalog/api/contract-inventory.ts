import { z } from 'zod';
import { ItemRecord } from '#protocol/inventory.ts';

/** What a job of kind `inventory` found, by kind of item. */
const ByKind = z.object({ stream: z.int(), app: z.int(), sheet: z.int() });
export const InventoryCounts = z.object({ kept: ByKind, rejected: ByKind });

/** One rule of the filter with what it decided; `number` names it in the filter of the items. */
export const InventoryRule = z
  .object({
    /** 0: no rule decided. */
    number: z.int(),
    /** As its writer knows it, with its place; null for number 0. */
    rule: z.string().nullable(),
    ...InventoryCounts.shape,
  })
  .meta({ id: 'InventoryRule' });
export type InventoryRule = z.infer<typeof InventoryRule>;

/** The rules in the order in which they are tried, those that match nothing included. */
export const Inventory = z
  .object({ ...InventoryCounts.shape, rules: z.array(InventoryRule) })
  .meta({ id: 'Inventory' });
export type Inventory = z.infer<typeof Inventory>;

export const InventoryItem = z
  .object({
    kind: ItemRecord.shape.kind,
    key: z.string(),
    name: z.string(),
    /** Name of the stream of an app, of the app of a sheet. */
    within: z.string().nullable(),
    kept: z.boolean(),
    /** The rule that decided; null when none did. */
    rule: z.string().nullable(),
  })
  .meta({ id: 'InventoryItem' });
export type InventoryItem = z.infer<typeof InventoryItem>;

export const InventoryItemList = z.object({ items: z.array(InventoryItem), next: z.string().nullable() });
