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
  const opened: string[] = [];
  const open = remembering((bytes) => opened.push(bytes.toString()), 2);
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) open(Buffer.from(name), undefined);
  expect(opened).toEqual(['a', 'b', 'c', 'b']);
});
