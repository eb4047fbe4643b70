import { describe, expect, test } from 'vitest';
import { parseQvdHeader, type QvdRead, readQvdHeader } from '#agent/lineage/qvd/header.ts';
import { qvdFile } from './qvd.ts';

/** A file in memory that counts what is read of it; `chunk`: the most that one read gives. */
const fileOf = (bytes: Buffer, chunk = Number.MAX_SAFE_INTEGER) => {
  const file = {
    bytesRead: 0,
    read: (buffer: Buffer, offset: number, length: number, position: number) => {
      const part = bytes.subarray(position, position + Math.min(length, chunk));
      part.copy(buffer, offset);
      file.bytesRead += part.length;
      return Promise.resolve({ bytesRead: part.length, buffer });
    },
  };
  return file as typeof file & Parameters<typeof readQvdHeader>[0];
};
const read = (bytes: Buffer | string, chunk?: number): Promise<QvdRead> =>
  readQvdHeader(fileOf(Buffer.from(bytes), chunk));

const ORDERS = qvdFile({
  table: 'Orders & <more>',
  creator: '0d1b0e0a-1111-4222-8333-444455556666',
  rows: 1234,
  fields: [
    { name: 'OrderID', symbols: 1200, type: 'INTEGER', tags: ['$key', '$numeric'] },
    { name: 'Größe "netto" 📈', symbols: 7, comment: 'net < gross' },
  ],
  lineage: [
    ['{STORE - [lib://QVD/x.qvd]\n(qvd)};', ''],
    ['Provider=X;Password=canary-qvd', 'SQL SELECT * FROM t'],
  ],
  comment: 'nightly',
  tags: ['stage'],
});

describe('the header of a QVD', () => {
  test('tells table, fields, rows, producer and sources', async () => {
    expect(await read(ORDERS)).toEqual({
      type: 'header',
      header: {
        tableName: 'Orders & <more>',
        creator: '0d1b0e0a-1111-4222-8333-444455556666',
        created: '2025-03-04 05:06:07',
        build: '50689',
        rows: 1234,
        recordBytes: 2,
        comment: 'nightly',
        tags: ['stage'],
        encrypted: false,
        fields: [
          { name: 'OrderID', distinctValues: 1200, numberType: 'INTEGER', comment: '', tags: ['$key', '$numeric'] },
          { name: 'Größe "netto" 📈', distinctValues: 7, numberType: 'UNKNOWN', comment: 'net < gross', tags: [] },
        ],
        sources: [
          { discriminator: '{STORE - [lib://QVD/x.qvd]\r\n(qvd)};', statement: '' },
          { discriminator: 'Provider=X;Password=canary-qvd', statement: 'SQL SELECT * FROM t' },
        ],
      },
    });
  });

  test.each([1, 7, 16, 17, 1000])('is found whatever pieces a read gives: %i bytes', async (chunk) => {
    const small = qvdFile({ table: 'T', creator: 'x', rows: 1, fields: [{ name: 'a', symbols: 1 }] });
    const found = await read(small, Math.max(chunk, 400));
    expect(found.type).toBe('header');
  });

  test('is all that is read of a large file', async () => {
    const file = fileOf(Buffer.concat([ORDERS, Buffer.alloc(20_000_000, 7)]));
    expect((await readQvdHeader(file)).type).toBe('header');
    expect(file.bytesRead).toBeLessThanOrEqual(64 * 1024);
  });

  test('of several thousand fields lies across many pieces', async () => {
    const fields = Array.from({ length: 4000 }, (_, index) => ({ name: `F${index}`, symbols: index }));
    const found = await read(qvdFile({ table: 'Wide', creator: 'x', rows: 1, fields }));
    expect(found.type === 'header' && found.header.fields.length).toBe(4000);
  });
});

describe('what is no QVD is refused with a reason', () => {
  const head = ORDERS.toString('latin1');
  test.each<[string, string | Buffer, string]>([
    ['an empty file', '', 'is empty'],
    ['a pointer of a large-file store', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n', 'does not begin'],
    ['a script', '///$tab Main\nLOAD 1;', 'does not begin'],
    ['a file that was cut off', ORDERS.subarray(0, 900), 'ends within its header'],
    ['another document', '<?xml version="1.0"?><html/>', 'does not begin'],
    ['a header that does not close an element', head.replace('</Fields>', ''), 'damaged header'],
    ['a document type', head.replace('<QvBuildNo>', '<!DOCTYPE x [<!ENTITY a "b">]><QvBuildNo>'), 'document type'],
    ['no fields', '<QvdTableHeader><TableName>x</TableName></QvdTableHeader>', 'names no field'],
    ['deep elements', `<QvdTableHeader>${'<a>'.repeat(100)}</QvdTableHeader>`, 'too many elements'],
  ])('%s', async (_what, bytes, why) => {
    const found = await read(bytes);
    expect(found).toMatchObject({ type: 'refused', why: expect.stringContaining(why) });
  });

  test('a header without end, after four mebibytes', async () => {
    const file = fileOf(Buffer.from(`<QvdTableHeader>${'<a></a>'.repeat(1_000_000)}`));
    expect(await readQvdHeader(file)).toMatchObject({ type: 'refused' });
    expect(file.bytesRead).toBeLessThanOrEqual(4 * 1024 * 1024 + 64 * 1024);
  });

  test('long texts are cut, and characters by number are read', () => {
    const xml = `<QvdTableHeader><TableName>${'x'.repeat(50_000)}</TableName><Fields><QvdFieldHeader><FieldName>a&#65;&#x1F4C8;&unknown;</FieldName></QvdFieldHeader></Fields></QvdTableHeader>`;
    const found = parseQvdHeader(xml);
    if (found.type !== 'header') throw new Error(found.why);
    expect(found.header.tableName.length).toBeLessThanOrEqual(4_000);
    expect(found.header.fields[0]?.name).toBe('aA📈&unknown;');
  });
});

test('a head of half a million elements below thirty long names is read as what it is: no QVD', () => {
  const names = Array.from({ length: 30 }, (_, i) => `${'a'.repeat(95)}${i}`);
  const [open, close] = [names.map((name) => `<${name}>`), names.toReversed().map((name) => `</${name}>`)];
  const xml = `<QvdTableHeader>${open.join('')}${'<b/>'.repeat(450_000)}${close.join('')}</QvdTableHeader>`;
  expect(parseQvdHeader(xml)).toEqual({ type: 'refused', why: 'names no field in its header' });
});
