import { expect, test } from 'vitest';
import { redactText, secretPlaces } from '#config/redaction/rules.ts';

test.each<[string, readonly [number, string][]]>([
  ['LOAD * FROM x;', []],
  ["SET a = 1;\nLET vPassword = 'canary-1';\n", [[2, 'password']]],
  ['OLEDB CONNECT TO [Provider=X;Password=canary-2;User=u];', [[1, 'password']]],
  ["LET vToken = 'canary-3';", [[1, 'token']]],
  ['\n\nFROM [https://user:canary-4@host.example/a.csv] (txt);', [[3, 'address']]],
  ['QUERY "Authorization" "Bearer canary-5-long-enough"', [[1, 'header']]],
  ['Password=$(vPassword);\nAuthorization: Bearer $(vToken)', []],
  ["LET vPassword = '';", []],
  ['SECTION ACCESS;\nLOAD * INLINE [\nACCESS, USERID, PASSWORD\nADMIN, X, canary-6\n];', []],
  [
    'Password=a1;\r\nPWD=canary-7;\r\nPWD=canary-8;',
    [
      [1, 'password'],
      [2, 'password'],
      [3, 'password'],
    ],
  ],
])('places of secrets in %j', (text, places) => {
  const found = secretPlaces(text);
  expect(found.map(({ line, kind }) => [line, kind])).toEqual(places);
  expect(JSON.stringify(found)).not.toContain('canary');
  // What leaves has none any more.
  expect(secretPlaces(redactText(text))).toEqual([]);
});

test('a script full of secrets has a bounded list of places', () => {
  expect(secretPlaces('Password=canary;\n'.repeat(20_000)).length).toBeLessThanOrEqual(200);
});
