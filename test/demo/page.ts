import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Builds the web page when it was never built or its sources changed since. */
export const buildPage = async (): Promise<void> => {
  const hash = createHash('sha256');
  for (const file of globSync(['catalog/web/**/*.{ts,tsx,css,html,svg}', 'package-lock.json'], { cwd: root }).sort()) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  const sources = hash.digest('hex');
  const stamp = join(root, 'dist', 'web', '.sources');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  const { build } = await import('vite');
  await build({ root: join(root, 'catalog/web'), logLevel: 'warn' });
  writeFileSync(stamp, sources);
};
