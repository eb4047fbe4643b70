import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockStateFolder } from '#agent/bridge/state-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'culvert-lock-')), 'state');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

test('a second agent in one state folder is refused while the first one works, and not after', async () => {
  {
    using _lock = await lockStateFolder(folder);
    await expect(lockStateFolder(folder)).rejects.toMatchObject({
      code: 'bridge.already_running',
      message: `Another agent (process ${process.pid}) works in ${folder}`,
    });
  }
  expect(existsSync(join(folder, 'lock'))).toBe(false);
  using _again = await lockStateFolder(folder);
});

test('the lock of an agent that was killed is taken over', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  {
    using _lock = await lockStateFolder(folder);
    const text = await readFile(join(folder, 'lock'), 'utf8');
    await writeFile(join(folder, 'lock'), text.replace(String(process.pid), String(child.pid)).replace(/ .*/, ' '));
    await expect(lockStateFolder(folder)).rejects.toMatchObject({ code: 'bridge.already_running' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    using _next = await lockStateFolder(folder);
    expect(await readFile(join(folder, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  }
});

test('a number that the system gave to another program since is not the agent', async () => {
  using _lock = await lockStateFolder(folder);
  const file = join(folder, 'lock');
  // Where the system says when a process began, by that…
  if (process.platform === 'linux') {
    await writeFile(file, `${process.pid} 1\n`);
    using _next = await lockStateFolder(folder);
  }
  // …elsewhere because nobody touches the lock any more.
  await writeFile(file, `${process.pid} \n`);
  await expect(lockStateFolder(folder)).rejects.toMatchObject({ code: 'bridge.already_running' });
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(file, longAgo, longAgo);
  using _last = await lockStateFolder(folder);
});
