import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Where the catalog looks for the page unless it is told another place. */
const PAGE = join(root, 'dist', 'web');

/** Builds the web page when it was never built or its sources changed since. @returns its folder */
export const buildPage = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of globSync(['catalog/web/**/*.{ts,tsx,css,html,svg}', 'package-lock.json'], { cwd: root }).sort()) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  const sources = hash.digest('hex');
  const stamp = join(PAGE, '.sources');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return PAGE;
  const { build } = await import('vite');
  await build({ root: join(root, 'catalog/web'), logLevel: 'warn' });
  writeFileSync(stamp, sources);
  return PAGE;
};
