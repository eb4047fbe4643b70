import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSecrets } from '#agent/commands/secrets.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { ConnectionFolder } from '#config/folder.ts';
import { loadSettings } from '#config/settings.ts';
import { Moto, noMoto } from './moto.ts';

describe.skipIf(noMoto())('a secret that is rotated in AWS', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-rotation-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('reaches the connection without a restart; when AWS is gone, what is in force stays', async () => {
    await using moto = await Moto.start();
    await moto.secrets('CreateSecret', { Name: 'qlik', SecretString: '{"password":"canary-first"}' });
    const connections = join(folder, 'connections');
    mkdirSync(connections);
    writeFileSync(
      join(folder, 'agent.conf'),
      `connections = connections\nstate = state\nsecret_manager { provider = aws-secrets-manager, key = qlik, cache_lifetime = 1s
        configuration { region = eu-west-1, access_key_id = canary, secret_access_key = canary-key, endpoint = "${moto.origin}" } }\n`,
    );
    writeFileSync(
      join(connections, 'site.conf'),
      `name = Site\ncode = site\nconnector_id = qlik-sense\nsecret_manager.enabled = true\nconnection {
        url = "https://qlik.example.com"
        auth { type = windows, username = "DOMAIN\\\\user", password = \${secret_manager.password} } }\n`,
    );
    const { settings } = loadSettings(join(folder, 'agent.conf'));
    if (settings === undefined) throw new Error('the settings are wrong');
    const watched = new ConnectionFolder({
      folder: connections,
      secrets: openSecrets(settings, new Dialer(), undefined),
    });
    const changed = (): Promise<string> =>
      new Promise((resolve) => {
        const end = watched.onChange((changes) => {
          end();
          resolve(changes.map(({ journal }) => journal).join('\n'));
        });
      });
    const password = (): string | undefined => {
      const auth = watched.get('site')?.authentication;
      return auth?.type === 'windows' ? auth.password.reveal() : undefined;
    };
    try {
      await watched.start();
      expect(password()).toBe('canary-first');
      const rotated = changed();
      await moto.secrets('PutSecretValue', { SecretId: 'qlik', SecretString: '{"password":"canary-second"}' });
      expect(await rotated).not.toContain('canary-');
      expect(password()).toBe('canary-second');
      const lost = changed();
      await moto[Symbol.asyncDispose]();
      await lost;
      const [state] = watched.states();
      expect(state?.problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
        expect.stringMatching(/^secrets\.unreachable AWS Secrets Manager .*the connection was refused/),
      ]);
      expect(password()).toBe('canary-second');
    } finally {
      await watched.close();
    }
  });
});
