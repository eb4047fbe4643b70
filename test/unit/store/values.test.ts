import { deflateSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkOrigin, hostCheck } from '#catalog/api/guard.ts';
import { Limiter } from '#catalog/api/limiter.ts';
import { readCursor, readTimeCursor, wire, writeCursor } from '#catalog/api/wire.ts';
import { readLines } from '#catalog/jobs/decode.ts';
import { retryDelayMs } from '#catalog/jobs/lease.ts';
import { asRow, BadRecord, checkScope, readRecord } from '#catalog/jobs/record.ts';
import { searchText, sortName } from '#catalog/store/assets.ts';
import { canonicalJson } from '#catalog/store/canonical.ts';
import { hashPassword, newToken, passwordMatches } from '#catalog/store/secrets.ts';
import { isStorableValue, storable } from '#catalog/store/storable.ts';
import { anyText } from '../any-text.ts';
import { issue } from '../config/certificates.ts';

describe('canonical JSON', () => {
  test('is JSON that means the same, whatever the order of the members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    expect(canonicalJson({ b: 1, a: 2 })).toBe(canonicalJson({ a: 2, b: 1 }));
  });
});

describe('what PostgreSQL can hold', () => {
  test('is what storable makes of anything', () => {
    const strings = fc.oneof(anyText(), fc.constantFrom('a\0b', '\ud800', '\udc00x', '😀'));
    fc.assert(
      fc.property(fc.dictionary(strings, fc.oneof(strings, fc.array(strings))), (value) => {
        expect(isStorableValue(storable(value))).toBe(true);
        if (isStorableValue(value)) expect(storable(value)).toEqual(value);
      }),
    );
    expect(storable({ 'a\0': ['\ud800', 1, null] })).toEqual({ 'a\uFFFD': ['\uFFFD', 1, null] });
  });
});

describe('names', () => {
  test('are cut between characters', () => {
    const name = '😀'.repeat(300);
    expect(sortName(name)).toBe('😀'.repeat(64));
    expect(searchText(name, 'D'.repeat(5000))).toBe(`${name}\n${'d'.repeat(500)}`);
    expect(searchText('Name', { not: 'text' })).toBe('name');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(sortName(text).isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('batches', () => {
  const raw = Buffer.from('{"a":1}\n{"b":2}\n');
  const batch = { seq: 1, records: 2, rawBytes: raw.length, codec: 'zstd', payload: zstdCompressSync(raw) };

  test.each([
    ['zstd', zstdCompressSync(raw)],
    ['deflate', deflateSync(raw)],
    ['none', raw],
  ])('%s', async (codec, payload) => {
    const lines = await readLines({ ...batch, codec, payload });
    expect(Buffer.concat(lines)).toEqual(raw);
    expect(lines.length).toBe(2);
  });

  test.each([
    ['bytes that are no zstd', { payload: Buffer.from('nonsense') }, /cannot be unpacked/],
    ['more bytes than announced', { rawBytes: 5 }, /cannot be unpacked/],
    ['fewer bytes than announced', { rawBytes: 500 }, /16 bytes instead of 500/],
    ['more than a batch may have', { rawBytes: 50_000_000 }, /more than a batch may have/],
    ['another number of records', { records: 3 }, /2 records instead of 3/],
    ['more records than it says', { records: 1 }, /more records than its header says, 1/],
    ['an unknown codec', { codec: 'xz' }, /unknown way/],
    [
      'no line feed at the end',
      { codec: 'none', payload: raw.subarray(0, -1), rawBytes: raw.length - 1 },
      /within a line/,
    ],
  ])('%s', async (_, wrong, message) => {
    await expect(readLines({ ...batch, ...wrong })).rejects.toMatchObject({
      code: 'bridge.protocol',
      message: expect.stringMatching(message),
    });
  });

  test('a small batch that unpacks to gigabytes stops where it should', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(20_000);
    await expect(readLines({ ...batch, payload: bomb, rawBytes: 1024 * 1024 })).rejects.toThrow('cannot be unpacked');
  });
});

describe('records', () => {
  test('a record in parts with millions of values is refused unparsed, for its scope alone', () => {
    const record = (attributes: string) =>
      Buffer.from(
        `{"t":"asset","scope":"prod/a \\"b","key":"k","kind":"sheet","name":"n","attributes":{"a":${attributes}}}\n`,
      );
    const refusal = (bytes: Uint8Array): unknown => {
      try {
        return readRecord(bytes).t;
      } catch (error) {
        return error instanceof BadRecord ? [error.scope, error.message] : error;
      }
    };
    const size = 2 * 1024 * 1024;
    for (const piece of ['{},', '[],', '"",', '1,', '{"a":0},'])
      expect(refusal(record(`[${piece.repeat(size / piece.length)}0]`))).toEqual([
        'prod/a "b',
        'it holds too many values',
      ]);
    // What records are in parts for: a text may hold as many commas as it likes.
    expect(refusal(record(JSON.stringify(',{"a":[\\'.repeat(size / 8))))).toBe('asset');
  });

  const line = (value: unknown) => Buffer.from(JSON.stringify(value));
  const record = { t: 'asset', scope: 'prod/a', key: 'prod/a/x', kind: 'sheet', name: 'x', parent: 'prod/a' } as const;

  test('that cannot be read say whose they are, when that much can be read', () => {
    const scopeOf = (bytes: Uint8Array): string | undefined => {
      try {
        readRecord(bytes);
      } catch (error) {
        if (error instanceof BadRecord) return error.scope;
      }
      throw new Error('it should have been refused');
    };
    expect(scopeOf(line({ ...record, kind: 'x' }))).toBe('prod/a');
    expect(scopeOf(line({ ...record, attributes: { 'a\0': 1 } }))).toBe('prod/a');
    expect(scopeOf(line({ ...record, attributes: { a: { b: ['\udc00'] } } }))).toBe('prod/a');
    expect(scopeOf(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
    expect(scopeOf(line(null))).toBeUndefined();
    expect(scopeOf(line([1]))).toBeUndefined();
    // The text of an escape is no escape.
    expect(readRecord(line({ ...record, name: String.raw`C:\ud8 \u0000` }))).toMatchObject({ t: 'asset' });
  });

  test('the hash of a row is that of its content, not of the order in which it was written', () => {
    const hash = (attributes: Record<string, string | number>, name = 'x') =>
      asRow({ ...record, name, attributes }, 'prod', 1).hash;
    expect(hash({ a: 1, b: 'y' })).toBe(hash({ b: 'y', a: 1 }));
    expect(hash({ a: 1 })).not.toBe(hash({ a: 2 }));
    expect(hash({ a: 1 }, 'y')).not.toBe(hash({ a: 1 }));
    expect(asRow({ ...record, parent: 'prod' }, 'prod', 1).hash).not.toBe(asRow(record, 'prod', 1).hash);
  });

  test('lie in their scope, and scopes in their connection', () => {
    const row =
      (key: string, parent = 'prod/a') =>
      () =>
        asRow({ ...record, key, parent }, 'prod', 1);
    expect(row('prod/a/x')).not.toThrow();
    expect(row('prod/ab')).toThrow('does not lie in its scope');
    expect(row('prod/a/x', 'production/a')).toThrow('another connection');
    expect(() => checkScope('prod', 'prod/a', 'app')).not.toThrow();
    expect(() => checkScope('prod', 'production/a', 'app')).toThrow('does not belong');
    expect(() => checkScope('prod', 'prod', 'app')).toThrow('does not belong');
    expect(() => checkScope('my%20site', 'my%20site', 'site')).not.toThrow();
  });

  test('a code that was never encoded owns no keys: it could be the root of an app of another connection', () => {
    expect(() => checkScope('prod/a', 'prod/a', 'site')).toThrow('does not belong');
    expect(() => checkScope('prod/a', 'prod%2Fa', 'site')).toThrow('does not belong');
    expect(() => checkScope('my site', 'my%20site', 'site')).toThrow('does not belong');
  });

  test('nothing of another connection can be named, not as a dataset and not by an edge', () => {
    const dataset = { ...record, kind: 'dataset' as const };
    const key = 'postgres://db.example:5432/sales.orders';
    expect(() => asRow({ ...dataset, key, parent: 'prod/a' }, 'prod', 1)).not.toThrow();
    expect(() => asRow({ ...dataset, key: 'other/a' }, 'prod', 1)).toThrow('does not lie in its scope');
    expect(() => asRow({ ...dataset, key, parent: 'other/a' }, 'prod', 1)).toThrow('another connection');
    const edge = (from: string, to: string) => () =>
      asRow({ t: 'edge', scope: 'prod/a', kind: 'uses', from, to }, 'prod', 1);
    expect(edge('prod/a/x', key)).not.toThrow();
    expect(edge('prod/a/x', 'prod/b')).not.toThrow();
    expect(edge('prod/a/x', 'other/a')).toThrow('another connection');
    expect(edge('other/a', 'prod/a')).toThrow('another connection');
  });
});

describe('cursors', () => {
  test('come back as they were given', () => {
    expect(readCursor(writeCursor(['a', 'ü😀', '']) ?? undefined, 3)).toEqual(['a', 'ü😀', '']);
    expect(writeCursor(null)).toBeNull();
    expect(readCursor(undefined, 3)).toBeUndefined();
  });

  test.each([
    '',
    'zz',
    '%',
    Buffer.from('{}').toString('base64url'),
    writeCursor(['a']) ?? '',
    writeCursor(['a', 'b\0']) ?? '',
  ])('others are refused: %j', (cursor) => {
    expect(() => readCursor(cursor, 2)).toThrow('not a value that `next` gave');
  });

  test('a time is a time', () => {
    const time = '2026-11-21 22:00:00.123456+00';
    expect(readTimeCursor(writeCursor([time, 'x']) ?? '')).toEqual([time, 'x']);
    expect(() => readTimeCursor(writeCursor(['now', 'x']) ?? '')).toThrow('after');
  });
});

test('times become text on the wire', () => {
  expect(wire({ at: new Date(0), list: [{ at: null }] })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    list: [{ at: null }],
  });
});

test('passwords match themselves only, and a missing one matches nothing', async () => {
  const hash = await hashPassword('pässword');
  // The same text, composed in another way.
  expect(await passwordMatches('pa\u0308ssword', hash)).toBe(true);
  expect(await passwordMatches('passwort', hash)).toBe(false);
  expect(await passwordMatches('', null)).toBe(false);
  expect(await hashPassword('pässword')).not.toBe(hash);
  expect(newToken('cva')).not.toBe(newToken('cva'));
});

test('the limiter forgets with time and is bounded', () => {
  let now = 0;
  const limiter = new Limiter(2, 1000, () => now);
  expect([limiter.take('a'), limiter.take('a'), limiter.take('a'), limiter.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  now = 1000;
  expect(limiter.take('a')).toBe(true);
  limiter.take('a');
  limiter.clear('a');
  expect(limiter.take('a')).toBe(true);
  for (let i = 0; i < 20_000; i++) limiter.take(`${i}`);
  expect([limiter.take('a'), limiter.take('a')]).toEqual([true, true]);
});

test('the next attempt comes later each time, and within minutes', () => {
  const delays = [1, 2, 3, 4, 5, 20].map(retryDelayMs);
  expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 300_000]);
});

describe('names that the catalog answers to', () => {
  const ask = (host: string, answersTo: (host: string) => boolean, origin?: string) => () =>
    checkOrigin({ method: 'POST', headers: { host, ...(origin === undefined ? {} : { origin }) } }, answersTo);
  const loopback = hostCheck({ loopbackOnly: true });
  const named = hostCheck({ loopbackOnly: false, publicHost: 'catalog.example.com' });

  test('on loopback: names of this machine', () => {
    for (const host of ['localhost:1', '127.0.0.1', '127.1.2.3:80', '[::1]:1'])
      expect(ask(host, loopback)).not.toThrow();
    for (const host of ['', 'a.localhost.evil', '10.0.0.1', 'evil', '[::2]'])
      expect(ask(host, loopback)).toThrow('this name');
  });

  test('with a public name: that name, and probes on this machine', () => {
    expect(ask('catalog.example.com', named, 'https://catalog.example.com')).not.toThrow();
    expect(ask('CATALOG.example.com:443', named)).not.toThrow();
    expect(ask('127.0.0.1:8090', named)).not.toThrow();
    expect(ask('evil.example.com', named)).toThrow('this name');
  });

  test('with a certificate and no public name: the names in the certificate', () => {
    const { certificate } = issue('catalog.example.com', new Date(Date.now() - 1000), new Date(Date.now() + 60_000));
    const certified = hostCheck({ loopbackOnly: false, certificate });
    expect(certified('catalog.example.com:8443')).toBe(true);
    expect(certified('evil.example.com')).toBe(false);
    expect(certified('10.0.0.1')).toBe(false);
  });

  test('changes come from the same origin or from no browser', () => {
    expect(ask('localhost:1', loopback, 'http://localhost:1')).not.toThrow();
    for (const origin of ['http://localhost:2', 'null', 'https://evil.example.com'])
      expect(ask('localhost:1', loopback, origin)).toThrow('Another site');
  });
});
