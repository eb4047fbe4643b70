import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';

const CANDIDATES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executablePath = CANDIDATES.find((path) => path !== undefined && path !== '' && existsSync(path));

/**
 * Whether the lane has to be skipped because there is no browser; says so loudly, with the line to type. Where `CI` is
 * set, a missing browser is a failure: a lane that skips there would pass for ever.
 */
export const noBrowser = (): boolean => {
  if (executablePath !== undefined) return false;
  const line = 'Chromium is missing: as root, type  apt-get install chromium  (or set CHROMIUM to its path)';
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** browser lane skipped. ${line}\n\n`);
  return true;
};

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: executablePath ?? '', args: FLAGS });

/** Builds the page into a folder of its own, which disappears with the handle. */
export const buildPage = async (): Promise<{ readonly folder: string } & AsyncDisposable> => {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-page-'));
  const root = join(import.meta.dirname, '../../catalog/web');
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir: folder } });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
};
