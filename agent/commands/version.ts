import { readFileSync } from 'node:fs';
import { BUILD } from '#protocol/build.ts';

/** The release, from package.json; a bundle carries it along. */
export const VERSION: string =
  BUILD?.version ??
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
