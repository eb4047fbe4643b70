import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { culvert } from '../commands/culvert.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-arguments-'));
  await writeFile(join(folder, 'agent.conf'), 'gateway.url = "ws://127.0.0.1:1"\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['an argument', ['canary-token']],
  ['an option', ['--token', 'canary-token']],
  ['an option with =', ['--token=canary-token']],
])('an enrolment token as %s is refused before anything is dialled', async (_, more) => {
  const { code, stdout, stderr } = await culvert(['enroll', '--config', 'agent.conf', ...more], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr).not.toContain('bridge.');
  // An option with its value in one is repeated by its name only.
  expect(stdout + stderr).not.toContain('canary-token');
});
