import { z } from 'zod';

/** The most that a record of an inventory may hold, in characters; whoever makes one cuts what is longer. */
export const INVENTORY_LIMITS = { name: 500, rule: 500, rules: 200 } as const;

const Rule = z.string().min(1).max(INVENTORY_LIMITS.rule);

/**
 * Opens the list of a job of kind `inventory`, or opens it afresh: what came before counts for nothing. `rules` are those of
 * the filter in force in the order in which they are tried, each as its writer knows it and with its place
 * (`exclude stream "Test*" (qlik-prod.conf, line 12)`), so that also a rule that matches nothing is shown.
 */
export const InventoryRecord = z.object({
  t: z.literal('inventory'),
  rules: z.array(Rule).max(INVENTORY_LIMITS.rules),
});
export type InventoryRecord = z.infer<typeof InventoryRecord>;

/** One stream, app or sheet and what the filter says of it. Nothing of it is published. */
export const ItemRecord = z.object({
  t: z.literal('item'),
  kind: z.enum(['stream', 'app', 'sheet']),
  /** As the asset's key would be. */
  key: z.string().min(1).max(4096),
  name: z.string().max(INVENTORY_LIMITS.name),
  /** Name of the stream of an app, of the app of a sheet; absent for streams and personal apps. */
  within: z.string().max(INVENTORY_LIMITS.name).optional(),
  kept: z.boolean(),
  /** The rule that decided; absent when none did and the item is kept or rejected for want of one. */
  rule: Rule.optional(),
});
export type ItemRecord = z.infer<typeof ItemRecord>;
