import { expect, test } from 'vitest';
import { findBrowser, noBrowser } from './chromium.ts';

test('a path that was asked for is the only one looked at', () => {
  expect(findBrowser('/nowhere/chromium')).toBeUndefined();
  expect(findBrowser(process.execPath)).toBe(process.execPath);
});

test('without a browser the lane is skipped and says what to type; where CI is set it fails', () => {
  const said: string[] = [];
  expect(noBrowser({ found: undefined, ci: undefined }, (line) => said.push(line))).toBe(true);
  expect(said.join('')).toContain('apt-get install chromium');
  expect(() => noBrowser({ found: undefined, ci: 'true' })).toThrow('apt-get install chromium');
  expect(noBrowser({ found: '/usr/bin/chromium', ci: 'true' })).toBe(false);
});
