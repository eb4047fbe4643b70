import { readFileSync } from 'node:fs';

/** The release, from package.json; there is no second place to keep it. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
