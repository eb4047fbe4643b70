import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSecrets } from '#agent/commands/secrets.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { loadSettings } from '#config/settings.ts';
import { head } from './sample.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'culvert-bounds-'));
  for (const folder of ['connections', 'state', 'outside']) mkdirSync(join(root, folder));
  for (const file of ['connections/pw', 'state/identity.json', 'outside/pw', 'secrets.conf'])
    writeFileSync(join(root, file), 'canary');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What is said of a connection in the folder `connections` (or another) whose password is in a file. */
const said = async (value: string, settings = '', folder = 'connections'): Promise<readonly string[]> => {
  const conf = join(root, 'agent.conf');
  writeFileSync(conf, settings);
  const loaded = loadSettings(conf, {});
  if (loaded.settings === undefined) throw new Error(JSON.stringify(loaded.problems));
  const secrets = openSecrets(loaded.settings, new Dialer(), undefined);
  writeFileSync(
    join(root, folder, 'q.conf'),
    `${head}connection.auth { key = X-User, value = ${JSON.stringify(value)} }\n`,
  );
  const parsed = await loadConnectionFile('q.conf', { folder: join(root, folder), env: {}, secrets });
  expect(parsed?.connection === undefined).toBe(parsed?.problems.length !== 0);
  expect(JSON.stringify(parsed?.problems)).not.toContain('canary');
  return (parsed?.problems ?? []).map(({ message }) => message);
};

describe('files that a connection may take values from', () => {
  test('are any by the rules of the system, unless agent.conf says otherwise', async () => {
    expect(await said('file:pw')).toEqual([]);
    expect(await said('file:../outside/pw')).toEqual([]);
    const folders = `secrets.folders = ["elsewhere"]`;
    expect(await said('file:pw', folders)).toEqual([]);
    expect(await said('file:../outside/pw', folders)).toEqual([expect.stringContaining('secrets.folders')]);
    expect(await said('file:../outside/pw', 'secrets.folders = []')).toEqual([
      expect.stringContaining('secrets.folders'),
    ]);
    expect(await said('file:../outside/pw', 'secrets.folders = [outside]')).toEqual([]);
    symlinkSync(join(root, 'outside', 'pw'), join(root, 'connections', 'link'));
    expect(await said('file:link', folders)).toEqual([expect.stringContaining('secrets.folders')]);
    expect(loadSettings(join(root, 'agent.conf'), {}).problems).toEqual([]);
    writeFileSync(join(root, 'agent.conf'), 'secrets.folders = [{ a = b }]');
    expect(loadSettings(join(root, 'agent.conf'), {}).settings).toBeUndefined();
  });

  test("are never the agent's own", async () => {
    const manager = 'secret_manager { provider = file, configuration.file_path = secrets.conf }';
    symlinkSync(join(root, 'state'), join(root, 'connections', 'link'));
    for (const value of ['../state/identity.json', 'link/identity.json', '../secrets.conf', '../agent.conf'])
      expect(await said(`file:${value}`, manager)).toEqual([expect.stringContaining("agent's own")]);
    expect(await said(`file:${join(root, 'state', 'identity.json')}`)).toEqual([
      expect.stringContaining("agent's own"),
    ]);
  });

  test('are there though the folder of the connections lies in the state folder, or the other way round', async () => {
    mkdirSync(join(root, 'state', 'connections'));
    writeFileSync(join(root, 'state', 'connections', 'pw'), 'canary');
    expect(await said('file:pw', '', 'state/connections')).toEqual([]);
    expect(await said('file:../identity.json', '', 'state/connections')).toEqual([
      expect.stringContaining("agent's own"),
    ]);
    mkdirSync(join(root, 'connections', 'state'));
    writeFileSync(join(root, 'connections', 'state', 'identity.json'), 'canary');
    expect(await said('file:state/identity.json', 'state = connections/state')).toEqual([
      expect.stringContaining("agent's own"),
    ]);
  });

  test.skipIf(process.platform !== 'linux')('are none that the system makes up, by whatever link', async () => {
    symlinkSync('/proc/self/environ', join(root, 'connections', 'link'));
    for (const value of [
      '/proc/self/environ',
      '/sys/kernel/mm/ksm/run',
      '/dev/null',
      '../../../../../proc/version',
      'link',
    ])
      expect(await said(`file:${value}`)).toEqual([expect.stringContaining('no file of /proc, /sys or /dev')]);
  });
});
