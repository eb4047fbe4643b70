import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** CHROMIUM when it is set, else where Debian and others put it; undefined when nothing is there. */
export const findBrowser = (asked: string | undefined): string | undefined =>
  (asked ? [asked] : CANDIDATES).find((path) => existsSync(path));

const executablePath = findBrowser(process.env['CHROMIUM']);

/**
 * Whether the lane has to be skipped because there is no browser; says so loudly, with the line to type.
 *
 * @throws Error where `CI` is set: a lane that skips there would pass for ever.
 */
export const noBrowser = (
  { found, ci } = { found: executablePath, ci: process.env['CI'] },
  say = (line: string): unknown => process.stderr.write(line),
): boolean => {
  if (found !== undefined) return false;
  const line = 'Chromium is missing: as root, type  apt-get install chromium  (or set CHROMIUM to its path)';
  if (ci) throw new Error(line);
  say(`\n*** browser lane skipped. ${line}\n\n`);
  return true;
};

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: executablePath ?? '', args: FLAGS });
