import { expect, test } from 'vitest';
import { decodeText, textEncoding } from '#agent/lineage/text/decode.ts';

const SCRIPT = "Größe:\r\nLOAD a AS [Straße], 'ß' AS b FROM [lib://Daten/größe.qvd] (qvd);\r\n";
const RUSSIAN = 'Продажи:\r\nLOAD Клиент, Сумма FROM [lib://Данные/продажи.qvd] (qvd);\r\n';
const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
/** Cyrillic in windows-1251: А stands at 0xc0. */
const windows1251 = (text: string): Buffer =>
  Buffer.from(
    [...text].map((character) => {
      const code = character.codePointAt(0) ?? 0;
      if (code < 0x80) return code;
      if (code === 0x401) return 0xa8;
      if (code === 0x451) return 0xb8;
      return code - 0x410 + 0xc0;
    }),
  );

test.each<[string, Buffer, string, string]>([
  ['plain', Buffer.from('LOAD 1 AUTOGENERATE 1;'), 'utf-8', 'LOAD 1 AUTOGENERATE 1;'],
  ['UTF-8', Buffer.from(SCRIPT), 'utf-8', SCRIPT],
  ['UTF-8 with its mark', Buffer.from(`\ufeff${SCRIPT}`), 'utf-8', SCRIPT],
  ['UTF-16 with its mark', Buffer.from(`\ufeff${SCRIPT}`, 'utf16le'), 'utf-16le', SCRIPT],
  ['UTF-16, the other way round', swapped(`\ufeff${SCRIPT}`), 'utf-16be', SCRIPT],
  ['UTF-16 without a mark', Buffer.from(SCRIPT, 'utf16le'), 'utf-16le', SCRIPT],
  ['UTF-16 without a mark, the other way round', swapped(SCRIPT), 'utf-16be', SCRIPT],
  ['Russian in UTF-16 without a mark', Buffer.from(RUSSIAN, 'utf16le'), 'utf-16le', RUSSIAN],
  ['Russian in UTF-8', Buffer.from(RUSSIAN), 'utf-8', RUSSIAN],
  ['Russian in windows-1251', windows1251(RUSSIAN), 'windows-1251', RUSSIAN],
  ['western letters in windows-1252', Buffer.from(SCRIPT, 'latin1'), 'windows-1252', SCRIPT],
  ['western quotes in windows-1252', Buffer.from([0x93, 0x61, 0x94, 0x80]), 'windows-1252', '“a”€'],
  ['nothing', Buffer.alloc(0), 'utf-8', ''],
])('a text is read in its own encoding: %s', (_, bytes, encoding, text) => {
  expect(textEncoding(bytes)).toBe(encoding);
  expect(decodeText(bytes)).toBe(text);
});

test('an 8-bit encoding that somebody names is used, and only for 8-bit text', () => {
  expect(decodeText(Buffer.from([0xa3, 0xb1, 0x61]), 'windows-1250')).toBe('Ł±a');
  expect(decodeText(Buffer.from('ą'), 'windows-1250')).toBe('ą');
  expect(() => decodeText(Buffer.from([0xa3]), 'klingon')).toThrow(RangeError);
});

test('a UTF-8 text with a byte that was cut off is still UTF-8', () => {
  const cut = Buffer.from(RUSSIAN).subarray(0, 30);
  expect(textEncoding(cut)).toBe('utf-8');
  expect(decodeText(cut).slice(0, 8)).toBe('Продажи:');
});
