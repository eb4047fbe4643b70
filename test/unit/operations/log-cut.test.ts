import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLog } from '#agent/operations/log.ts';
import { Secret } from '#config/secret.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const VALUE = 'canary-8f2b61d0c97e4a53';
/** A piece of it as short as this would help somebody who guesses. */
const PIECE = 6;

/** What stands in the file, and in what is kept for the status page, when this is logged. */
const logged = (fields: object, message: string): string => {
  const path = join(folder, 'agent.log');
  const kept = openLog({ level: 'info', file: { path, maxBytes: 1024 * 1024, files: 1 } });
  kept.log.warn(fields, message);
  const recent = JSON.stringify(kept.recent.list);
  kept[Symbol.dispose]();
  return `${readFileSync(path, 'utf8')}${recent}`;
};

const pieces = Array.from({ length: VALUE.length - PIECE + 1 }, (_, at) => VALUE.slice(at, at + PIECE));
const leaked = (text: string): string[] => pieces.filter((piece) => text.includes(piece));

describe('a line of the log that is too long', () => {
  // The mark of a cut line stands behind an eighth of the longest line.
  const cutAt = (32 * 1024) / 8;

  test.each(Array.from({ length: VALUE.length + 2 }, (_, n) => n))(
    'leaks no piece of a secret that stands %i characters before the cut',
    (before) => {
      const secret = new Secret(VALUE);
      const text = logged(
        { code: 'internal' },
        `${'.'.repeat(cutAt - before)}${secret.reveal()}${'.'.repeat(64 * 1024)}`,
      );
      expect(text).toContain('the line was too long');
      expect(leaked(text)).toEqual([]);
    },
  );

  test('leaks none that stands in its fields, which are left out', () => {
    const secret = new Secret(VALUE);
    const text = logged({ answer: `${secret.reveal()}${'.'.repeat(64 * 1024)}` }, 'short');
    expect(text).toContain('short');
    expect(leaked(text)).toEqual([]);
  });
});
