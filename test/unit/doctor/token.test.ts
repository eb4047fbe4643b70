import { describe, expect, test } from 'vitest';
import { readToken } from '#agent/doctor/token.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const SECONDS = NOW / 1000;
const DAY = 86_400;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: unknown, head: unknown = { alg: 'RS256' }): string => `${part(head)}.${part(claims)}.c2lnbg`;
const USER = { userId: 'svc', userDirectory: 'CORP' };
const read = (claims: unknown, aheadMs?: number, head?: unknown) =>
  readToken(token(claims, head), NOW, aheadMs).suspicion?.code;

describe('a token by the clock of the site', () => {
  test.each([
    [{ ...USER, exp: SECONDS + DAY }, undefined, undefined],
    [{ ...USER }, undefined, undefined],
    [{ ...USER, exp: SECONDS - 1 }, undefined, 'qlik.token_expired'],
    [{ ...USER, exp: SECONDS }, undefined, 'qlik.token_expired'],
    [{ ...USER, nbf: SECONDS + 90 }, undefined, 'qlik.token_not_yet_valid'],
    [{ ...USER, iat: SECONDS + 90 }, undefined, 'qlik.token_not_yet_valid'],
    // The site's clock counts; where ours says otherwise, the clocks are the cause.
    [{ ...USER, exp: SECONDS + 300 }, 3_600_000, 'qlik.clock_skew'],
    [{ ...USER, nbf: SECONDS - 60, exp: SECONDS + 300 }, -3_600_000, 'qlik.clock_skew'],
    [{ ...USER, exp: SECONDS - 300 }, -3_600_000, undefined],
    [{ ...USER, exp: SECONDS - DAY }, 3_600_000, 'qlik.token_expired'],
    // Less than a minute apart is no skew.
    [{ ...USER, exp: SECONDS + 10 }, 30_000, 'qlik.token_expired'],
  ])('%j, %j ms ahead: %s', (claims, aheadMs, code) => expect(read(claims, aheadMs)).toBe(code));
});

describe('claims', () => {
  test.each([
    [{ user_id: 'x', user_directory: 'y' }],
    [{ sub: 'x', ud: 'y' }],
    [{ name: 'x', 'urn:directory': 'y' }],
    [{ email: 'x', domain: 'y' }],
  ])('%j may well be what the virtual proxy wants', (claims) => expect(read(claims)).toBeUndefined());

  test.each([
    [{ userId: 'x' }, 'user directory'],
    [{ userDirectory: 'y' }, 'user ID'],
    [{ iss: 'i', aud: 'a', exp: SECONDS + DAY }, 'user ID or a user directory'],
  ])('%j lack a %s', (claims, what) => {
    const { suspicion } = readToken(token(claims), NOW, undefined);
    expect(suspicion).toMatchObject({ code: 'qlik.token_claims', text: expect.stringContaining(what) });
  });
});

test.each([
  ['', 'qlik.token_malformed'],
  ['canary.password', 'qlik.token_malformed'],
  ['a.b.c', 'qlik.token_malformed'],
  [token([1]), 'qlik.token_malformed'],
  [token(USER, { alg: 'HS256' }), 'qlik.token_malformed'],
  [token(USER, {}), 'qlik.token_malformed'],
])('%j is no token for Qlik Sense', (text, code) => expect(readToken(text, NOW, undefined).suspicion?.code).toBe(code));

test('what is told of a token is names and times, never a value or the signature', () => {
  const { details, suspicion } = readToken(
    token({ ...USER, userId: 'canary-user', exp: SECONDS - 5, roles: ['canary-role'] }),
    NOW,
    undefined,
  );
  const told = JSON.stringify([details, suspicion]);
  expect(told).toContain('userId, userDirectory, roles');
  expect(told).not.toMatch(/canary|c2lnbg/);
});

test('times that no calendar has do no harm', () => {
  expect(read({ ...USER, exp: 1e300 })).toBeUndefined();
  expect(read({ ...USER, exp: -1e300 })).toBe('qlik.token_expired');
  expect(read({ ...USER, exp: 'soon' })).toBeUndefined();
});
