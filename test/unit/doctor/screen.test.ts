import { describe, expect, test } from 'vitest';
import { colours, neededText, painter, screen, settingsText } from '#agent/commands/doctor-screen.ts';
import { settingsFor } from '#agent/doctor/settings.ts';
import { Secret } from '#config/secret.ts';
import { CHECK_IDS, type CheckRecord } from '#protocol/checks.ts';
import { connectionTo } from '../qlik/fake-site.ts';

const record = (check: string, more: Partial<CheckRecord> = {}): CheckRecord => ({
  t: 'check',
  target: 'connection',
  check,
  status: 'pass',
  seen: `${check} was seen.`,
  details: [],
  durationMs: 1,
  ...more,
});
const plain = painter(false);
const LONG = 'Something long was seen here, with a name such as qlik-prod-central-node-01.internal.example.com. ';

describe('the screen', () => {
  test('of a healthy connection has 80 columns and 24 lines at most', () => {
    const records = CHECK_IDS.map((id) => record(id, id === 'proxy' ? { status: 'skip', seen: 'None.' } : {}));
    const lines = screen('prod (Qlik production)', records, plain).split('\n');
    expect(lines[0]).toBe('PASS  prod (Qlik production): all 14 checks passed');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.length).toBeLessThanOrEqual(24);
  });

  test('of a broken one names the cause and what to do first, folds what was skipped, and keeps to 32 lines', () => {
    const records = CHECK_IDS.map((id, i) =>
      record(
        id,
        i < 7
          ? { seen: LONG }
          : i === 7
            ? {
                status: 'fail',
                seen: `the token ${LONG.repeat(2)}`,
                code: 'qlik.token_expired',
                advice: 'Put a new one there.',
                details: Array.from({ length: 30 }, (_, n) => `detail ${n}`),
              }
            : { status: 'skip', seen: 'Not looked at, because the log-in failed.' },
      ),
    );
    const text = screen('prod', records, plain);
    const lines = text.split('\n');
    expect(lines.slice(0, 3)).toEqual(['FAIL  prod', '', expect.stringMatching(/^ {2}Cause: {2}The token Something/)]);
    expect(text).toContain('  To do:  Put a new one there.');
    expect(text).toContain('more (culvert doctor --json)');
    expect(text.match(/SKIP/g)).toHaveLength(1);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'SKIP repository, objects, websocket, engine, open_app, rights, sessions: Not looked at, because the log-in failed.',
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.length).toBeLessThanOrEqual(32);
  });

  test('breaks a fingerprint in the middle alone, its halves one below the other', () => {
    const half = Array.from({ length: 16 }, (_, n) => (n + 160).toString(16).toUpperCase()).join(':');
    const detail = `root: CN=R; SHA-256 ${half}:${half}`;
    const lines = screen(
      'prod',
      [record('tls', { status: 'fail', code: 'x', advice: 'y', details: [detail] })],
      plain,
    ).split('\n');
    const [first, second] = lines.filter((line) => line.includes('A0:A1'));
    expect([first?.trim(), second?.trim()]).toEqual([`${half}:`, half]);
    expect(first?.indexOf('A0')).toBe(second?.indexOf('A0'));
  });

  test('shows a remark of a check that passed, and nothing of a server that a terminal would obey', () => {
    const text = screen(
      'prod (\u001b]0;x\u0007\u202Edorp)',
      [record('tls', { seen: 'bad \u001b[2J\u0007\u2066 name', code: 'tls.expires_soon', advice: 'Renew it.' })],
      plain,
    ).concat(settingsText([{ about: 'rights', title: 'QMC\u001b[2J', fields: [['Name', 'x\u202E']] }]));
    expect(text).toContain('note: Renew it.');
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('has colours on a terminal only, and none with NO_COLOR', () => {
    expect(colours({ isTTY: true }, {})).toBe(true);
    expect(colours({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(colours({ isTTY: false }, {})).toBe(false);
    const painted = screen('prod', [record('dns', { status: 'fail', code: 'x', advice: 'y' })], painter(true));
    expect(painted).toContain('\u001b[1;31mFAIL\u001b[0m');
    // Colours do not change where lines break.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of colours.
    expect(painted.replaceAll(/\u001b\[[\d;]*m/g, '')).toBe(
      screen('prod', [record('dns', { status: 'fail', code: 'x', advice: 'y' })], plain),
    );
  });
});

describe('the settings of the QMC', () => {
  test('name the user as the site does, quoted for a rule, and the virtual proxy field by field', () => {
    const connection = connectionTo('https://qlik.example.com:8443', {
      prefix: 'Sales/EU',
      authentication: { type: 'header', header: 'X-User', value: new Secret('CORP\\canary-user') },
    });
    const [rule, virtualProxy] = settingsFor(connection, 'CORP\\o"neil');
    expect(Object.fromEntries(rule?.fields ?? [])).toMatchObject({
      Conditions: 'user.userDirectory="CORP" and user.userId="o""neil"',
      Actions: 'Read',
      Context: 'Both in hub and QMC',
    });
    expect(Object.fromEntries(virtualProxy?.fields ?? [])).toMatchObject({
      Prefix: 'sales/eu',
      'Header name': 'X-User',
      'Host allow list': 'qlik.example.com',
      'Session cookie header name': expect.stringContaining('X-Qlik-Session-sales-eu'),
    });
    expect(settingsText([rule, virtualProxy].filter((block) => block !== undefined))).not.toContain('canary-user');
  });

  test('are printed where they mend what failed, and a rule only for a user who was let in', () => {
    const settings = settingsFor(connectionTo('https://qlik.example.com'), 'CORP\\svc');
    const needed = (check: string, code: string) =>
      neededText({ records: [record(check, { status: 'fail', code, advice: '' })], settings }, 'prod');
    expect(needed('rights', 'qlik.script_not_visible')).toMatch(/^QMC > Security rules.*\n {2}Resource filter/);
    expect(needed('repository', 'qlik.forbidden')).toContain('Conditions');
    expect(needed('engine', 'qlik.license')).toMatch(/^QMC > Security rules.*\n {2}Besides\n.*allocation/);
    expect(needed('authentication', 'qlik.forbidden')).toBe('');
    expect(needed('websocket', 'qlik.origin_not_allowed').split('\n')).toEqual([
      expect.stringContaining('QMC > Virtual proxies'),
      expect.stringMatching(/^ {2}Host allow list +qlik\.example\.com$/),
      '  culvert doctor prod --rules prints the rest',
      '',
    ]);
    expect(needed('tcp', 'network.refused')).toBe('');
  });

  test('without a user that the site named, the file says whom they are for', () => {
    const connection = connectionTo('https://qlik.example.com', {
      authentication: {
        type: 'windows',
        domain: 'CORP',
        user: 'svc',
        password: new Secret('canary-password'),
        method: 'auto',
      },
    });
    const text = settingsText(settingsFor(connection));
    expect(text).toContain('user.userDirectory="CORP" and user.userId="svc"');
    expect(text).toMatch(/Windows authentication pattern +Windows/);
    expect(text).not.toContain('canary-password');
    const signed = settingsFor(
      connectionTo('https://qlik.example.com', {
        authentication: {
          type: 'signed-jwt',
          key: new Secret('canary-key'),
          claims: { email: 'e', user_id: 'svc', user_directory: 'CULVERT' },
          lifetimeMs: 300_000,
        },
      }),
    );
    expect(settingsText(signed)).toContain('user.userDirectory="CULVERT" and user.userId="svc"');
    expect(settingsText(signed)).toMatch(/JWT attribute for user directory +user_directory/);
  });
});
