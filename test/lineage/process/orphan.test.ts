import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'culvert-orphan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const room = pathToFileURL(join(import.meta.dirname, '../../../agent/lineage/process/')).href;

/** Runs code, which one that is dead and that nobody has asked after does not. */
const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test.runIf(process.platform === 'linux')(
  'a child that never yields does not outlive an agent that was killed',
  async () => {
    const [busy, started, child, agent] = (['busy', 'started', 'child.mjs', 'agent.mjs'] as const).map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    // The child as it is, but for one script that it never comes back from.
    writeFileSync(
      child,
      `import { writeFileSync } from 'node:fs';
process.on('message', ({ question }) => {
  if (question.text !== 'for ever') return;
  writeFileSync(${JSON.stringify(busy)}, '');
  for (;;);
});
await import('${room}child.ts');`,
    );
    writeFileSync(
      agent,
      `import { renameSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { LineageProcess } from '${room}lineage-process.ts';
const onStart = (pid) => {
  writeFileSync(${JSON.stringify(`${started}.new`)}, String(pid));
  renameSync(${JSON.stringify(`${started}.new`)}, ${JSON.stringify(started)});
};
const process = new LineageProcess({ program: pathToFileURL(${JSON.stringify(child)}), onStart, timeoutMs: 600_000 });
await process.script({ text: 'for ever' }, () => new Promise(() => {}));`,
    );
    const parent = spawn(process.execPath, [agent], { stdio: 'ignore' });
    await expect.poll(() => existsSync(busy)).toBe(true);
    const pid = Number(readFileSync(started, 'utf8'));
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    try {
      await expect.poll(() => isRunning(pid)).toBe(false);
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    }
  },
  60_000,
);
