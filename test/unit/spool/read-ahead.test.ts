import { expect, test } from 'vitest';
import type { DiskFile } from '#agent/spool/disk.ts';
import { ReadAhead } from '#agent/spool/read-ahead.ts';

/** A file of 1 MiB whose bytes tell where they are, and how often it was read. */
const countedFile = () => {
  const bytes = Uint8Array.from({ length: 1024 * 1024 }, (_, at) => (at * 31 + (at >> 8)) % 251);
  const reads: (readonly [number, number])[] = [];
  const file = {
    read: async (position: number, length: number) => {
      reads.push([position, length]);
      return bytes.slice(position, position + length);
    },
  } as unknown as DiskFile;
  return { bytes, reads, file };
};

test('pieces one behind the other are read together, and each is what lies there', async () => {
  const { bytes, reads, file } = countedFile();
  const ahead = new ReadAhead();
  for (let at = 0; at + 20_000 <= bytes.length; at += 20_012)
    expect(Buffer.from(await ahead.read(file, at, 20_000, bytes.length))).toEqual(
      Buffer.from(bytes.subarray(at, at + 20_000)),
    );
  expect(reads.length).toBeLessThan(6);
});

test('nothing is read beyond what is complete', async () => {
  const { reads, file } = countedFile();
  const ahead = new ReadAhead();
  await ahead.read(file, 100, 50, 150);
  await ahead.read(file, 150, 50, 400);
  expect(reads).toEqual([
    [100, 50],
    [150, 250],
  ]);
});

test('what is asked for again is read again, and so is another file', async () => {
  const { reads, file } = countedFile();
  const other = countedFile();
  const ahead = new ReadAhead();
  await ahead.read(file, 0, 10, 100);
  await ahead.read(file, 10, 10, 100);
  await ahead.read(file, 10, 10, 100);
  expect(reads.length).toBe(2);
  await ahead.read(other.file, 20, 10, 100);
  expect(other.reads.length).toBe(1);
});
