import { expect, test } from 'vitest';
import { StoreFailure } from '#config/keystore/failure.ts';
import { remembering } from '#config/keystore/remembered.ts';

test('a store is opened once for each content and password, failures included', () => {
  const opened: string[] = [];
  const open = remembering((bytes, password) => {
    opened.push(`${bytes.toString()} ${password}`);
    if (password === 'canary-wrong') throw new StoreFailure('password', 'wrong');
    return bytes.toString();
  });
  const a = Buffer.from('a');
  expect([open(a, 'x'), open(Buffer.from('a'), 'x'), open(a, undefined), open(a, '')]).toEqual(['a', 'a', 'a', 'a']);
  for (let i = 0; i < 2; i += 1) expect(() => open(a, 'canary-wrong')).toThrow('wrong');
  expect(opened).toEqual(['a x', 'a undefined', 'a ', 'a canary-wrong']);
  expect(open(Buffer.from('b'), 'x')).toBe('b');
});

test('the store that was not asked for longest is forgotten', () => {
  let opened = 0;
  const open = remembering((bytes) => {
    opened += 1;
    return bytes.length;
  });
  for (let i = 0; i < 64; i += 1) open(Buffer.from(String(i)), undefined);
  open(Buffer.from('0'), undefined);
  open(Buffer.from('64'), undefined);
  expect(opened).toBe(65);
  open(Buffer.from('0'), undefined);
  expect(opened).toBe(65);
  open(Buffer.from('1'), undefined);
  expect(opened).toBe(66);
});
