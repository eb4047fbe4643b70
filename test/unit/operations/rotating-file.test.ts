import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLog } from '#agent/operations/log.ts';
import { type LogDisk, logDisk, RotatingFile } from '#agent/operations/rotating-file.ts';
import { Secret } from '#config/secret.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-logs-'));
  path = join(folder, 'logs', 'agent.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MAX = 1000;
const FILES = 4;
const lineOf = (number: number): string => `${String(number).padStart(49, '0')}\n`;
const sizes = (): number[] =>
  readdirSync(join(folder, 'logs')).map((name) => statSync(join(folder, 'logs', name)).size);
const total = (): number => sizes().reduce((sum, size) => sum + size, 0);
const failing = (what: Partial<LogDisk>): LogDisk => ({ ...logDisk, ...what });
const fail = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

describe('log files', () => {
  test('follow each other, keep the newest lines, and stay within their size together', () => {
    const file = new RotatingFile({ path, maxBytes: MAX, files: FILES });
    for (let i = 0; i < 500; i++) {
      file.write(lineOf(i));
      expect(total()).toBeLessThanOrEqual(MAX * FILES);
    }
    file.close();
    const names = readdirSync(join(folder, 'logs')).sort();
    expect(names).toEqual(['agent.log', 'agent.log.1', 'agent.log.2', 'agent.log.3']);
    const text = ['agent.log.3', 'agent.log.2', 'agent.log.1', 'agent.log']
      .map((name) => readFileSync(join(folder, 'logs', name), 'utf8'))
      .join('');
    const lines = text.trimEnd().split('\n');
    expect(lines.at(-1)).toBe(lineOf(499).trimEnd());
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => lineOf(500 - lines.length + i).trimEnd()));
    expect(file.dropped).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('go on where an earlier process stopped, and take its files into account', () => {
    for (let process = 0; process < 20; process++) {
      const file = new RotatingFile({ path, maxBytes: MAX, files: FILES });
      for (let i = 0; i < 30; i++) file.write(lineOf(i));
      file.close();
      expect(total()).toBeLessThanOrEqual(MAX * FILES);
    }
    const fewer = new RotatingFile({ path, maxBytes: MAX, files: 2 });
    for (let i = 0; i < 30; i++) fewer.write(lineOf(i));
    fewer.close();
    expect(total()).toBeLessThanOrEqual(MAX * 2);
  });

  test.each([
    ['moved', { rename: fail('EBUSY') }],
    ['moved or deleted', { rename: fail('EPERM'), remove: fail('EPERM') }],
    ['emptied', { rename: fail('EPERM'), remove: fail('EPERM'), empty: fail('EACCES') }],
  ] as const)('that cannot be %s, as another program has them open, stay within their size', (_, what) => {
    const before = new RotatingFile({ path, maxBytes: MAX, files: FILES });
    for (let i = 0; i < 70; i++) before.write(lineOf(i));
    before.close();
    const file = new RotatingFile({ path, maxBytes: MAX, files: FILES, disk: failing(what) });
    for (let i = 0; i < 500; i++) {
      file.write(lineOf(i));
      expect(total()).toBeLessThanOrEqual(MAX * FILES);
    }
    file.close();
  });

  test('that one of them blocks go on once it no longer does', () => {
    let blocked = true;
    const rename: LogDisk['rename'] = (from, to) => (blocked ? fail('EBUSY')() : logDisk.rename(from, to));
    const file = new RotatingFile({ path, maxBytes: MAX, files: FILES, disk: failing({ rename }) });
    for (let i = 0; i < 50; i++) file.write(lineOf(i));
    blocked = false;
    for (let i = 50; i < 100; i++) file.write(lineOf(i));
    file.close();
    expect(readdirSync(join(folder, 'logs')).length).toBeGreaterThan(1);
    expect(readFileSync(path, 'utf8')).toContain(lineOf(99));
  });

  test('of a full disk lose lines, say how many, and never end the program', () => {
    let full = true;
    const append: LogDisk['append'] = (...args) => (full ? fail('ENOSPC')() : logDisk.append(...args));
    const file = new RotatingFile({ path, maxBytes: MAX, files: FILES, disk: failing({ append }) });
    file.write(lineOf(1));
    expect(file.dropped).toBe(1);
    full = false;
    file.write(lineOf(2));
    file.close();
    expect(readFileSync(path, 'utf8')).toBe(lineOf(2));
  });
});

describe('the log of the agent', () => {
  test('an error every second for three days stays within its size, and the first and the last are there', () => {
    const maxBytes = 65_536;
    using logging = openLog({ level: 'info', file: { path, maxBytes, files: 3 }, standardError: false });
    // Each with a message of its own, so that nothing is a repetition.
    for (let second = 0; second < 3 * 86_400; second += 100)
      logging.log.error({ code: 'bridge.unreachable' }, `no link since ${second} s ${'x'.repeat(200)}`);
    expect(total()).toBeLessThanOrEqual(maxBytes * 3);
    expect(total()).toBeGreaterThan(maxBytes);
    expect(readFileSync(path, 'utf8')).toContain('no link since 259100 s');
    expect(logging.recent.list[0]).toMatchObject({ code: 'bridge.unreachable', level: 'error' });
    expect(logging.recent.list.length).toBeLessThanOrEqual(20);
  });

  test('repetitions take one line', () => {
    {
      using logging = openLog({ level: 'info', file: { path, maxBytes: 65_536, files: 3 }, standardError: false });
      for (let i = 0; i < 1000; i++) logging.log.warn({ code: 'x' }, 'again');
      expect(logging.recent.list).toMatchObject([{ message: 'again', count: 1000 }]);
    }
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('again … repeated 999 times');
  });

  test('a secret that somebody logs does not get into it', () => {
    const value = new Secret('canary-logged-by-mistake').reveal();
    {
      using logging = openLog({ level: 'info', file: { path, maxBytes: 65_536, files: 3 }, standardError: false });
      logging.log.warn(
        { header: `Basic ${Buffer.from(`u:${value}`).toString('base64')}` },
        `login with ${value} failed`,
      );
      expect(logging.recent.list[0]?.message).toBe('login with [redacted] failed');
    }
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain('canary');
    expect(text).not.toContain(Buffer.from('canary-logged-by').toString('base64').slice(2, 18));
  });

  test('a line without end is cut', () => {
    {
      using logging = openLog({ level: 'info', file: { path, maxBytes: 65_536, files: 3 }, standardError: false });
      logging.log.warn({ name: 'y'.repeat(100_000) }, 'z'.repeat(100_000));
    }
    const [line = ''] = readFileSync(path, 'utf8').split('\n');
    expect(line.length).toBeLessThan(10_000);
    expect((JSON.parse(line) as { msg: string }).msg).toContain('cut');
  });

  test('without a place for its file it says so, and goes to standard error', () => {
    writeFileSync(join(folder, 'logs'), 'a file where the folder should be');
    using logging = openLog({
      level: 'silent' as 'info',
      file: { path, maxBytes: 65_536, files: 3 },
      standardError: false,
    });
    expect(logging.fileTrouble).toContain(path);
  });
});
