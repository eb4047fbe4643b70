import { expect, test } from 'vitest';
import { fieldsOfText } from '#agent/secrets/fields.ts';
import { quoted } from '#agent/secrets/quote.ts';
import { Secret } from '#config/secret.ts';

const fields = (text: string): Record<string, string> =>
  Object.fromEntries([...fieldsOfText(text)].map(([name, secret]) => [name, secret.reveal()]));

test('JSON has fields as they are written; objects in it have dotted names', () => {
  const json =
    '{"a":"x","n":12345678901234567890.10,"t":true,"none":null,"kh1":{"eu-west-1":{"password":"p"}},"list":["1",{"b":2}]}';
  expect(fields(json)).toEqual({
    a: 'x',
    n: '12345678901234567890.10',
    t: 'true',
    'kh1.eu-west-1.password': 'p',
    list: '["1",{"b":"2"}]',
  });
});

test.each(['canary password', '12345', '"quoted"', '["a"]', '{"broken": ', '', ' padded '])(
  'text that is no JSON object is one field, to the letter: %j',
  (text) => expect(fields(text)).toEqual({ value: text }),
);

test('a name like __proto__ is a name', () => expect(fields('{"__proto__":"x"}')).toHaveProperty(['__proto__'], 'x'));

test('depth and number are bounded', () => {
  const deep = `${'{"a":'.repeat(50)}"x"${'}'.repeat(50)}`;
  expect([...fieldsOfText(deep).keys()]).toEqual(['a.a.a.a.a.a.a.a']);
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 'v'])));
  expect(fieldsOfText(wide).size).toBe(1000);
});

test('what a server says is quoted without what was sent, in any spelling', () => {
  const secret = new Secret('canary/"pass" word');
  const said = `no ${secret.reveal()} nor ${encodeURIComponent(secret.reveal())} nor ${JSON.stringify(secret.reveal())}\r\n\u001b[31mred`;
  expect(quoted(said, [secret, undefined])).toBe('no [redacted] nor [redacted] nor "[redacted]" [31mred');
});

test('what looks like a credential is cut, names and identifiers stay', () => {
  expect(quoted('token s.canarycanarycanarycanary1 of arn:aws:iam::123456789012:user/culvert-production-eu')).toBe(
    'token [redacted] of arn:aws:iam::123456789012:user/culvert-production-eu',
  );
  expect(quoted('x '.repeat(1000))).toHaveLength(300);
});
