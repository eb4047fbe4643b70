import { expect, test } from 'vitest';
import { excerptOf } from '#config/connection/excerpt.ts';
import { CONNECTION_KEYS } from '#config/connection/keys.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { leavingProblem } from '#config/connection/problem.ts';
import { head } from './sample.ts';

const key = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7canary/and+more';

test.each([
  'connection.auth.token_file = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.canary-signature"',
  'connection.auth.token_file = eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.canary-signature',
  `connection.auth.jwt { user_id = a, user_directory = b\nkey_path = "${key}"\n}`,
  `connection.auth.type = certificate\nconnection.auth.certificate.path = "${key}"`,
  'connection.auth.key = "DOMAIN\\\\canary"\nconnection.auth.value = "X-Qlik-User"',
  'connection.auth { value = "X-Qlik-User"\n  key = canary user\n}',
])('a secret that was pasted into the wrong place is not shown: %s', (text) => {
  const { problems } = parseConnection(Buffer.from(`${head}${text}\n`), 'q.conf', { folder: '/nowhere', env: {} });
  expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  expect(JSON.stringify(problems)).not.toContain('canary');
});

test('a path is shown', () => {
  const text = `${head}connection.auth.token_file = "secrets/qlik/token.jwt"\n`;
  const { problems } = parseConnection(Buffer.from(text), 'q.conf', { folder: '/nowhere', env: {} });
  expect(problems.map(({ excerpt }) => excerpt)).toContain('connection.auth.token_file = "secrets/qlik/token.jwt"');
});

test.each(CONNECTION_KEYS.filter(({ path }) => path !== 'code').map(({ path }) => path))(
  'a secret under %s stays on this machine, whatever its form',
  (path) => {
    let told = 0;
    for (const value of [
      '"Canary 4711!"',
      'Canary4711',
      '[ Canary4711 ]',
      '{ Canary4711 = 1 }',
      '{ "Canary 4711" : x }',
    ]) {
      const text = `${head.replace(/^code.*$/m, 'code = other')}${path} = ${value}\n`;
      const { problems } = parseConnection(Buffer.from(text), 'q.conf', { folder: '/nowhere', env: {} });
      told += problems.length;
      const left = problems.map(leavingProblem).map(({ excerpt }) => excerpt);
      expect(JSON.stringify(left)).not.toContain('anary');
      if (value.startsWith('"'))
        expect(JSON.stringify(problems.map(({ message, advice }) => [message, advice]))).not.toContain('anary');
    }
    expect(told).toBeGreaterThan(0);
  },
);

test('what leaves of a line still says where: its key', () => {
  const leaving = (line: string): readonly (string | undefined)[] => {
    const text = `${head}${line}\n`;
    const { problems } = parseConnection(Buffer.from(text), 'q.conf', { folder: '/nowhere', env: {} });
    return problems.map(leavingProblem).map(({ excerpt }) => excerpt);
  };
  expect(leaving('enabled = "canary"')).toContain('enabled = [redacted]');
  expect(leaving('crawl { engine_sessions = 40 }')).toContain('crawl { engine_sessions = [redacted]');
  // Nobody knows whether the name is a key that was misspelt, or a password in the wrong place.
  expect(leaving('canary = 4')).not.toContain('canary = [redacted]');
});

test('what can be the name of a header is shown', () => {
  expect(excerptOf('connection.auth.key = "X-Qlik-User"')).toBe('connection.auth.key = "X-Qlik-User"');
  expect(excerptOf('key="X-Qlik-User",')).toBe('key="X-Qlik-User",');
  expect(excerptOf('key = "DOMAIN\\canary"')).toBe('key = [redacted]');
});
