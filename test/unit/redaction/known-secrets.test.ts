import { expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { KnownSecrets, knownSecrets } from '#config/redaction/known-secrets.ts';
import { head } from '../config/sample.ts';

const SECRET = 'canary/"pä ss"\\+1?';
const knowing = (...values: readonly string[]): KnownSecrets => {
  const known = new KnownSecrets();
  for (const value of values) known.add(value);
  return known;
};

const json = JSON.stringify(SECRET).slice(1, -1);
const basic = (user: string, after = ''): string => Buffer.from(`${user}:${SECRET}${after}`).toString('base64');

test.each<[string, string]>([
  ['as it is', SECRET],
  ['in JSON', json],
  ['in JSON in JSON', JSON.stringify(json).slice(1, -1)],
  ['in an address', encodeURIComponent(SECRET)],
  ['in an address, in small letters', encodeURIComponent(SECRET).toLowerCase()],
  ['in a form', encodeURIComponent(SECRET).replaceAll('%20', '+')],
  ['in XML', SECRET.replaceAll('"', '&quot;')],
  ['in hexadecimal', Buffer.from(SECRET).toString('hex')],
  ['in hexadecimal, in capitals', Buffer.from(SECRET).toString('hex').toUpperCase()],
])('a secret value goes in every form: %s', (_what, form) => {
  const known = knowing(SECRET);
  expect(known.redact(`before ${form} after`)).toBe('before [redacted] after');
  expect(known.redact(form.repeat(3))).toBe('[redacted]'.repeat(3));
  expect(known.in(`x${form}`)).toBe(true);
});

test.each(['', 'u', 'us', 'use', 'user'])('it goes in the base64 of a longer text, behind %j', (user) => {
  const known = knowing(SECRET);
  for (const after of ['', 'x', 'xy', 'xyz']) {
    for (const text of [basic(user, after), basic(user, after).replaceAll('+', '-').replaceAll('/', '_')]) {
      const clean = known.redact(`Basic ${text}`);
      expect(clean).toContain('[redacted]');
      // Two characters at either end belong to its neighbours too; of the secret itself nothing is left to read.
      const left = clean.replace('[redacted]', '').replace('Basic ', '');
      expect(Buffer.from(left, 'base64').toString('latin1')).not.toMatch(/anar|ss"/);
    }
  }
});

test('of two that begin alike the longer goes whole, and of a long one a part that was cut off', () => {
  expect(knowing('canary', 'canary-longer').redact('canary-longer canary')).toBe('[redacted] [redacted]');
  const long = `canary-${'0123456789'.repeat(5)}`;
  expect(knowing(long).redact(`it said ${long.slice(0, 30)}…`)).toBe('it said [redacted]…');
  expect(knowing(long).redact('canary-01')).toBe('canary-01');
});

test('what is too short to be told from a word stays', () => {
  expect(knowing('12345').redact('12345')).toBe('12345');
  expect(knowing('     a    ').redact('     a    ')).toBe('     a    ');
});

test('of a key in PEM each line goes, also alone, and what every key begins with does not', () => {
  const pem =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIcanary1\nAAAAcanary2\ncanarycanarycanary3\n-----END PRIVATE KEY-----\n';
  const known = knowing(pem);
  expect(known.redact('found MC4CAQAwBQYDK2VwBCIEIcanary1 there')).toBe('found [redacted] there');
  expect(known.redact(JSON.stringify(pem))).not.toContain('canary3');
  expect(known.redact('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----');
});

test('the oldest values are forgotten when there are very many, and the younger are still found', () => {
  const known = new KnownSecrets();
  for (let n = 0; n < 2_500; n += 1) known.add(`canary-value-${n}-x`);
  expect(known.in('canary-value-2499-x')).toBe(true);
  expect(known.in('canary-value-600-x')).toBe(true);
  expect(known.in('canary-value-3-x')).toBe(false);
});

test('the time is in proportion to the text, also where everything seems to begin a secret', () => {
  const value = 'ababababababababX';
  const known = knowing(value, ...Array.from({ length: 500 }, (_, n) => `abab${n}abab`), `${'a'.repeat(4_000)}b`);
  for (const piece of ['ab', 'a', 'abababX', value.slice(0, 15)]) {
    const text = piece.repeat(2_000_000 / piece.length);
    expect(known.redact(text).length).toBeGreaterThan(0);
  }
}, 30_000);

test.each([
  ['"CANARIES\\\\svc_user"', 'CANARIES\\svc_user', false],
  ['"canary-agreed-with-a-proxy"', 'canary-agreed-with-a-proxy', true],
  ['"canaries; user=\\\\root"', 'canaries; user=\\root', true],
])('of header authentication the name of a user is no secret, anything else is: %s', (written, value, isSecret) => {
  const text = `${head}connection.auth { key = "X-User", value = ${written} }\n`;
  const { connection } = parseConnection(Buffer.from(text), 'q.conf', { folder: '/nowhere', env: {} });
  expect(JSON.stringify(connection)).not.toContain(JSON.stringify(value).slice(1, -1));
  expect(connection?.authentication).toBeDefined();
  expect(knownSecrets.in(`for ${value}, who logs in`)).toBe(isSecret);
});

test('a site that gives thousands of session ids that begin alike stops nothing', () => {
  const known = new KnownSecrets();
  for (let n = 0; n < 2_000; n += 1) known.addSession(`aaaaaaaaaaaaaaaaaaaa${String(n).padStart(5, '0')}`);
  // Each place of the text begins like all of them: compared one by one this takes minutes.
  const text = `${'aaaaaab'.repeat(30_000)}${'aaaaaaaaaaaaaaaaaaaa00999 '}`;
  expect(known.redact(text)).toBe(`${'aaaaaab'.repeat(30_000)}[redacted] `);
}, 20_000);

test('a site that gives ever new session ids does not have secrets of ours forgotten', () => {
  const known = knowing('canary-password');
  for (let n = 0; n < 5_000; n += 1) known.addSession(`canary-session-${n}`);
  expect(known.redact('canary-password canary-session-4999')).toBe('[redacted] [redacted]');
});

test('of many that begin alike the one that agrees furthest tells how much goes', () => {
  const all = Array.from(
    { length: 300 },
    (_, n) => `canary-0123456789-${String(n * 7).padStart(5, '0')}-${'x'.repeat(n % 9)}`,
  );
  const known = knowing(...all);
  for (const value of all) expect(known.redact(`<${value}>`)).toBe('<[redacted]>');
  expect(known.redact('<canary-0123456789-00014-cut')).toBe('<[redacted]cut');
});

test('the id of a session does not change keys: a site that gives ids of another site away as cookies takes nothing from it', () => {
  const known = new KnownSecrets();
  known.add('canary-own-password');
  known.addSession('0f3c8b1e-1f6a-4c36-9a7b-5d2f6a7b8c9d');
  const key = 'other/0f3c8b1e-1f6a-4c36-9a7b-5d2f6a7b8c9d/canary-own-password';
  expect(known.redactOurs(key)).toBe('other/0f3c8b1e-1f6a-4c36-9a7b-5d2f6a7b8c9d/[redacted]');
  expect(known.redact(key)).toBe('other/[redacted]/[redacted]');
});
