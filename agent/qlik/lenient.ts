import { z } from 'zod';

/**
 * Values of Qlik's REST answers. Releases differ: what is missing or null must not make a whole site unreadable because
 * of a property that nobody asked for.
 */
export const Text = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

export const Flag = z
  .boolean()
  .nullish()
  .transform((flag) => flag ?? false);

/** Null where nothing was said, since 0 says something. */
export const Amount = z
  .number()
  .nullish()
  .transform((number) => number ?? null);

export const Texts = z
  .array(z.string())
  .nullish()
  .transform((texts) => texts ?? []);
