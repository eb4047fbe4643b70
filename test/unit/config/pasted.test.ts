import { expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
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
