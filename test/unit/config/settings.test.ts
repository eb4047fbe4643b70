import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings } from '#config/settings.ts';
import { issue } from './certificates.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-settings-'));
  writeFileSync(join(folder, 'ca.pem'), issue('ca', new Date(0), new Date(Date.UTC(2100, 0))).certificate);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string, env: Record<string, string> = {}) => {
  writeFileSync(join(folder, 'agent.conf'), text);
  return loadSettings(join(folder, 'agent.conf'), env);
};

describe('agent.conf', () => {
  test('has defaults for everything, relative to itself', () => {
    const { settings, problems } = load('');
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      file: join(folder, 'agent.conf'),
      policy: { type: 'none' },
      name: undefined,
      transport: 'auto',
      gatewayUrl: undefined,
      connectionsFolder: join(folder, 'connections'),
      stateFolder: join(folder, 'state'),
      tls: {
        extraAuthorities: [],
        replaceDefaultRoots: false,
        systemAuthorities: false,
        bypassCertificateValidation: false,
      },
      log: { level: 'info', file: undefined, maxBytes: 10_485_760, files: 8 },
      watch: { polling: false, intervalMs: 2000, lineageMs: 900_000 },
    });
  });

  test('sets what it names', () => {
    const { settings, problems } = load(
      `name = agent-1
gateway.url = "wss://catalog.example.com/"
connections = /srv/connections
state = ../state
tls.truststore.path = ca.pem
log { level = DEBUG, file = \${WHERE}/agent.log, max_bytes = 100000, files = 3 }
health.port = 0
watch { polling = yes, interval = 500ms, lineage = 1h }`,
      { WHERE: 'logs' },
    );
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      name: 'agent-1',
      gatewayUrl: 'wss://catalog.example.com',
      connectionsFolder: '/srv/connections',
      stateFolder: join(folder, '..', 'state'),
      tls: { extraAuthorities: [expect.stringContaining('BEGIN CERTIFICATE')] },
      log: { level: 'debug', file: join(folder, 'logs', 'agent.log'), maxBytes: 100_000, files: 3 },
      healthPort: 0,
      watch: { polling: true, intervalMs: 500, lineageMs: 3_600_000 },
    });
  });

  test.each([
    ['wss://catalog.example.com:8443/base/', 'wss://catalog.example.com:8443/base'],
    ['https://catalog.example.com', 'wss://catalog.example.com'],
    ['ws://localhost:9000', 'ws://localhost:9000'],
    ['http://127.0.0.1:9000', 'ws://127.0.0.1:9000'],
    ['ws://[::1]:9000', 'ws://[::1]:9000'],
  ])('takes the gateway %s', (url, expected) => {
    expect(load(`gateway.url = "${url}"`).settings?.gatewayUrl).toBe(expected);
  });

  test.each([
    ['ws://catalog.example.com', 'without TLS only'],
    ['http://127.example.com', 'without TLS only'],
    ['ws://10.0.0.1', 'without TLS only'],
    ['ftp://catalog.example.com', 'must begin with wss://'],
    ['catalog.example.com', 'is not a URL'],
    ['wss://joe:canary@catalog.example.com', 'user or a password'],
    ['wss://catalog.example.com/?a=canary', '? or #'],
  ])('refuses the gateway %s', (url, message) => {
    const { settings, problems } = load(`gateway.url = "${url}"`);
    expect(settings).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'config.invalid', line: 1, column: 15 }]);
    expect(problems[0]?.message).toContain(message);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  test('names what it does not know', () => {
    const { settings, problems } = load('gatway.url = "wss://x"\nlog.level = loud');
    expect(settings).toBeUndefined();
    expect(problems).toMatchObject([
      { severity: 'error', code: 'config.invalid', line: 2 },
      { severity: 'warning', code: 'config.unknown_key', message: expect.stringContaining('gateway.url') },
    ]);
  });

  test('that is missing or broken is a problem and no exception', () => {
    expect(loadSettings(join(folder, 'nope.conf')).problems).toMatchObject([{ code: 'config.unreadable' }]);
    expect(load('gateway.url = wss://x').problems).toMatchObject([{ code: 'config.syntax', line: 1 }]);
  });
});
