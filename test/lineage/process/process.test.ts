import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LineageProcess, type ProcessOptions } from '#agent/lineage/process/lineage-process.ts';
import type { LookUp } from '#agent/lineage/process/messages.ts';
import { wildChild } from './children.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-child-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const nothing: LookUp = ({ type }) =>
  Promise.resolve(
    type === 'include'
      ? { type, text: undefined }
      : type === 'columns'
        ? { type, columns: undefined }
        : type === 'files'
          ? { type, files: undefined }
          : { type, facts: undefined },
  );

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A process whose child is the wild one, and the ids of all children that it started. */
const wild = (options: ProcessOptions = {}): { lineage: LineageProcess; pids: number[] } => {
  const pids: number[] = [];
  const lineage = new LineageProcess({ program: wildChild(folder), onStart: (pid) => pids.push(pid), ...options });
  return { lineage, pids };
};

describe('the process of the interpreter', () => {
  test('is started by the first script, and the next ones use it', async () => {
    const { lineage, pids } = wild();
    await using _ = lineage;
    expect(pids).toHaveLength(0);
    await lineage.script({ text: 'a' }, nothing);
    await lineage.script({ text: 'b' }, nothing);
    expect(pids).toHaveLength(1);
  });

  test('a script that ends it, or needs too much memory, fails alone', async () => {
    const { lineage, pids } = wild({ heapMiB: 40 });
    await using _ = lineage;
    await expect(lineage.script({ text: 'exit' }, nothing)).rejects.toMatchObject({ code: 'lineage.crashed' });
    await expect(lineage.script({ text: 'memory' }, nothing)).rejects.toMatchObject({ code: 'lineage.crashed' });
    await expect(lineage.script({ text: 'a' }, nothing)).resolves.toBeDefined();
    expect(pids).toHaveLength(3);
  });

  test('a script that takes too long is killed, and the timers of this process go on meanwhile', async () => {
    const { lineage, pids } = wild({ timeoutMs: 5_000 });
    await using _ = lineage;
    let beats = 0;
    const heart = setInterval(() => (beats += 1), 20);
    await expect(lineage.script({ text: 'forever' }, nothing)).rejects.toMatchObject({ code: 'lineage.timeout' });
    clearInterval(heart);
    expect(beats).toBeGreaterThan(20);
    await expect.poll(() => pids.map(isAlive)).toEqual([false]);
    await expect(lineage.script({ text: 'a' }, nothing)).resolves.toBeDefined();
  });

  test('what is called off is given up at once, and the next script has a process of its own', async () => {
    const { lineage, pids } = wild();
    await using _ = lineage;
    const stop = new AbortController();
    const running = lineage.script({ text: 'forever' }, nothing, stop.signal);
    await expect.poll(() => pids).toHaveLength(1);
    stop.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await expect(lineage.script({ text: 'a' }, nothing)).resolves.toBeDefined();
  });

  test('ends when there is nothing to do', async () => {
    const { lineage, pids } = wild({ idleMs: 50 });
    await using _ = lineage;
    await lineage.script({ text: 'a' }, nothing);
    await expect.poll(() => pids.map(isAlive)).toEqual([false]);
    await lineage.script({ text: 'a' }, nothing);
    expect(pids).toHaveLength(2);
  });

  test('one that has grown is replaced before the next script', async () => {
    const { lineage, pids } = wild({ recycleBytes: 0 });
    await using _ = lineage;
    await lineage.script({ text: 'a' }, nothing);
    await lineage.script({ text: 'a' }, nothing);
    expect(pids).toHaveLength(2);
  });

  test('inherits neither arguments nor the environment', async () => {
    vi.stubEnv('CULVERT_TEST_SECRET', 'canary-of-the-environment');
    const { lineage } = wild();
    await using _ = lineage;
    const { diagnostics } = (await lineage.script({ text: 'a' }, nothing)).lineage;
    const [argv, env] = JSON.parse(diagnostics[0]?.message ?? '[]') as [string[], Record<string, string>];
    vi.unstubAllEnvs();
    expect(argv).toEqual([]);
    expect(JSON.stringify(env)).not.toContain('canary');
    expect(env).not.toHaveProperty('PATH');
  });

  test('asks back for what surrounds a script', async () => {
    const { lineage } = wild();
    await using _ = lineage;
    const { diagnostics } = (
      await lineage.script({ text: 'include' }, () => Promise.resolve({ type: 'include', text: 'told' }))
    ).lineage;
    expect(diagnostics[0]?.message).toBe('told');
  });

  test('a program that is not there is said, and not tried for ever', async () => {
    const { lineage, pids } = wild({ program: pathToFileURL(join(folder, 'missing.mjs')) });
    await using _ = lineage;
    for (let time = 0; time < 5; time++)
      await expect(lineage.script({ text: 'a' }, nothing)).rejects.toMatchObject({ code: 'lineage.unavailable' });
    expect(pids).toHaveLength(3);
  });

  test('looks up a few things at a time, however many a script asks for', async () => {
    const { lineage } = wild();
    await using _ = lineage;
    let [now, most, all] = [0, 0, 0];
    await lineage.script({ text: 'includes' }, async () => {
      now += 1;
      all += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return { type: 'include', text: 'told' };
    });
    expect(all).toBe(100);
    expect(most).toBe(8);
  });

  test('the real one interprets a script', async () => {
    await using lineage = new LineageProcess();
    const { lineage: found, effort } = await lineage.script(
      { text: 'A:\nLOAD x FROM [lib://Data/a.qvd] (qvd);' },
      nothing,
    );
    expect(found.statements.total).toBe(1);
    expect(effort.peakRssBytes).toBeGreaterThan(10 * 1024 * 1024);
  });

  test('the real one brings the parser of SQL when a script asks for it, whatever its statement is called', async () => {
    await using lineage = new LineageProcess();
    const { lineage: found } = await lineage.script(
      { text: "LIB CONNECT TO 'Erp';\nT:\nLOAD a;\nSQL EXEC dbo.turnover 2024;" },
      nothing,
    );
    expect(found.tables[0]?.fields[0]?.origins).toMatchObject([
      { source: { type: 'object', connection: 'Erp', object: 'dbo.turnover' }, field: 'a' },
    ]);
    expect(found.diagnostics).toEqual([]);
  });
});
