import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leaveNote } from '#agent/audit/audit-log.ts';
import { culvert } from './culvert.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-terminal-'));
  await writeFile(
    join(folder, 'agent.conf'),
    'gateway.url = "wss://catalog.example.com"\npolicy = "policy.conf"\nstate = "state"\n',
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a reader that has seen enough is no defect', async () => {
  const child = spawn(process.execPath, [MAIN, 'schema', 'connection'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = await once(child, 'close');
  expect([code, errors]).toEqual([0, '']);
});

test('the policy that agent.conf names is checked as what it is', async () => {
  await writeFile(join(folder, 'policy.conf'), 'scripts = false\nhours = ["20:00-06:00"]\ntime_zone = Mars\n');
  const wrong = await culvert(['validate', 'policy.conf'], { cwd: folder });
  expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining('time_zone = Mars')]);
  expect(wrong.stdout).toContain('1 file, 1 error, 0 warnings');
  await writeFile(join(folder, 'policy.conf'), 'scripts = false\n');
  expect((await culvert(['validate', 'policy.conf'], { cwd: folder })).code).toBe(0);
});

test('what was done before the agent ran is announced by the audit', async () => {
  await leaveNote(join(folder, 'state', 'audit'), { event: 'identityReset', agent: 'agent-1' });
  const { stdout } = await culvert(['audit'], { cwd: folder });
  expect(stdout).toContain('0 entries, 0 records, 0 B\n1 more is taken into the log when the agent runs\n');
});
