import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SettingsReload } from '#agent/commands/settings-reload.ts';
import { loadSettings } from '#config/settings.ts';
import { replace } from '../config/watching.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-reload-'));
  file = join(folder, 'agent.conf');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const following = () => {
  const loaded = loadSettings(file);
  const { settings } = loaded;
  if (settings === undefined) throw new Error('the settings of the test cannot be used');
  const lines: string[] = [];
  const say = (_fields: object, message: string): void => void lines.push(message);
  const bridge = { reroute: vi.fn(), statusChanged: vi.fn() };
  const log = { level: settings.log.level as string, info: say, warn: say };
  const onLevel = (level: string): void => {
    log.level = level;
  };
  const onSecrets = vi.fn();
  const reload = new SettingsReload({
    loaded: { ...loaded, settings },
    bridge,
    log,
    onLevel,
    onSecrets,
    intervalMs: 5,
  });
  return { reload, onSecrets, bridge, log, lines, [Symbol.asyncDispose]: () => reload.close() };
};

const BASE = 'gateway.url = "wss://catalog.example.com"\nproxy { from_environment = false }\n';

describe('agent.conf, edited while the agent runs', () => {
  test('a proxy is taken up at once; its password is told to nobody', async () => {
    await writeFile(file, `${BASE}proxy { hostname = one.example, port = 1, username = u, password = canary-old }\n`);
    await using agent = following();
    await replace(file, `${BASE}proxy { hostname = one.example, port = 1, username = u, password = canary-new }\n`);
    await expect.poll(() => agent.bridge.reroute).toHaveBeenCalledTimes(1);
    const way = agent.bridge.reroute.mock.calls[0]?.[0] as { proxy: { proxy: { password: { reveal(): string } } } };
    expect(way.proxy.proxy.password.reveal()).toBe('canary-new');
    expect(agent.lines).toEqual([`reloaded ${file}: proxy.password changed`, 'the catalog is dialled anew']);
    expect(JSON.stringify(agent.lines)).not.toContain('canary');
  });

  test('so is a password in a file of its own, and a switched-off check is in the status', async () => {
    await writeFile(join(folder, 'password'), 'canary-old');
    const proxy = 'proxy { hostname = one.example, port = 1, username = u, password = "file:password" }\n';
    await writeFile(file, `${BASE}${proxy}`);
    await using agent = following();
    await replace(join(folder, 'password'), 'canary-new');
    await expect.poll(() => agent.bridge.reroute).toHaveBeenCalledTimes(1);
    const way = agent.bridge.reroute.mock.calls[0]?.[0] as { proxy: { proxy: { password: { reveal(): string } } } };
    expect(way.proxy.proxy.password.reveal()).toBe('canary-new');
    await replace(file, `${BASE}${proxy}tls.bypass_certificate_validation = true\n`);
    await expect.poll(() => agent.bridge.reroute).toHaveBeenCalledTimes(2);
    expect(agent.reload.now.settings.tls.bypassCertificateValidation).toBe(true);
    expect(agent.bridge.statusChanged).toHaveBeenCalled();
  });

  test('the level of the log needs no new link; the address of the catalog needs a restart, and that is said', async () => {
    await writeFile(file, BASE);
    await using agent = following();
    await replace(file, `${BASE}log.level = debug\n`);
    await expect.poll(() => agent.log.level).toBe('debug');
    await replace(file, `${BASE.replace('catalog.example.com', 'other.example.com')}log.level = debug\n`);
    await expect.poll(() => agent.lines.at(-1)).toBe(`gateway.url in ${file} counts from the next start only`);
    expect(agent.bridge.reroute).not.toHaveBeenCalled();
  });

  test('another secret manager, or another secret in a file for it, is taken up without a new link', async () => {
    await writeFile(join(folder, 'id'), 'canary-1');
    const vault = (mount: string): string =>
      `${BASE}secret_manager { provider = vault, configuration { url = "https://v.example", mount = ${mount}, auth { role_id = r, secret_id_file = id } } }\n`;
    await writeFile(file, vault('one'));
    await using agent = following();
    await replace(file, vault('two'));
    await expect.poll(() => agent.onSecrets).toHaveBeenCalledTimes(1);
    await replace(join(folder, 'id'), 'canary-2');
    await expect.poll(() => agent.onSecrets).toHaveBeenCalledTimes(2);
    expect(agent.lines).toEqual([
      `reloaded ${file}: secret_manager.configuration.mount changed`,
      `reloaded ${file}: file id changed`,
    ]);
    expect(agent.bridge.reroute).not.toHaveBeenCalled();
  });

  test('a version that cannot be used is in the status until it is mended', async () => {
    await writeFile(file, BASE);
    await using agent = following();
    await replace(file, `${BASE}log.level = "debug\n`);
    await expect.poll(() => agent.bridge.statusChanged).toHaveBeenCalledTimes(1);
    expect(agent.reload.faults).toMatchObject([
      { code: 'config.syntax', message: expect.stringContaining(`${file}:3`) },
    ]);
    await replace(file, BASE);
    await expect.poll(() => agent.reload.faults).toEqual([]);
    expect(agent.bridge.reroute).not.toHaveBeenCalled();
  });
});
