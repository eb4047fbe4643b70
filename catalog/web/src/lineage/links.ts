import { withQuery } from '../api.ts';
import type { Direction } from './model.ts';

/** The page of all that depends on an asset, or of all that it comes from. */
export const impactLink = (key: string, direction: Direction, query: Record<string, string> = {}): string =>
  withQuery('/impact', { key, direction, ...query });
