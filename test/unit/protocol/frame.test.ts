import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '#protocol/constants.ts';
import { CODECS, decodeFrame, encodeFrame, FRAME_HEADER_BYTES, type Frame, FrameError } from '#protocol/frame.ts';

const frames: fc.Arbitrary<Frame> = fc
  .record({
    codec: fc.constantFrom(...CODECS),
    stream: fc.integer({ min: 1, max: 0xffff_ffff }),
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    records: fc.integer({ min: 1, max: LIMITS.batchRecords }),
    rawBytes: fc.integer({ min: 1, max: LIMITS.batchRawBytes }),
    payload: fc.uint8Array({ minLength: 1, maxLength: 2000 }),
  })
  .map((frame) => (frame.codec === 'none' ? { ...frame, rawBytes: frame.payload.length } : frame))
  .chain((frame) =>
    fc
      .constantFrom(undefined, 'first' as const, 'middle' as const, 'last' as const)
      .map((part) => (part === undefined ? frame : { ...frame, part, records: part === 'last' ? 1 : 0 })),
  );

const flawOf = (bytes: Uint8Array): string => {
  try {
    decodeFrame(bytes);
    return 'none';
  } catch (error) {
    if (error instanceof FrameError) return error.flaw;
    throw error;
  }
};

const some: Frame = { codec: 'zstd', stream: 7, seq: 3, records: 2, rawBytes: 50, payload: new Uint8Array([1, 2, 3]) };

describe('a data frame', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const { crc32, ...decoded } = decodeFrame(encodeFrame(frame));
        expect(decoded).toEqual(frame);
        expect(crc32).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('has the layout that PROTOCOL.md states', () => {
    const bytes = encodeFrame(some);
    expect(Buffer.from(bytes.subarray(0, 24)).toString('hex')).toBe('420100010000000700000000000000030000000200000032');
    expect([...bytes.subarray(FRAME_HEADER_BYTES)]).toEqual([1, 2, 3]);
  });

  test('is refused when any bit of it is another', () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 0, max: 7 }), (frame, at, bit) => {
        const bytes = encodeFrame(frame);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        expect(flawOf(bytes)).not.toBe('none');
      }),
      { numRuns: 2_000 },
    );
  });

  test('is refused when it is cut anywhere or longer than it was', () => {
    const bytes = encodeFrame(some);
    for (let length = 0; length < bytes.length; length += 1) expect(flawOf(bytes.subarray(0, length))).not.toBe('none');
    expect(flawOf(new Uint8Array([...bytes, 0]))).toBe('crc');
  });

  test('never makes the decoder throw anything but a FrameError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, marked) => {
        if (marked) bytes.set([0x42, 1, 0, 1].slice(0, bytes.length));
        flawOf(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each<[string, Partial<Frame>]>([
    ['stream', { stream: 0 }],
    ['seq', { seq: 0 }],
    ['seq', { seq: 2 ** 53 }],
    ['records', { records: 0 }],
    ['records', { records: LIMITS.batchRecords + 1 }],
    ['raw_bytes', { rawBytes: LIMITS.batchRawBytes + 1 }],
    ['records', { part: 'first', records: 1 }],
    ['records', { part: 'middle', records: 1 }],
    ['records', { part: 'last', records: 0 }],
    ['records', { part: 'last', records: 2 }],
    ['payload', { part: 'last', records: 1, payload: new Uint8Array(LIMITS.batchBytes + 1) }],
    ['payload', { payload: new Uint8Array() }],
    ['payload', { payload: new Uint8Array(LIMITS.batchBytes + 1) }],
    ['payload', { codec: 'none' }],
    ['too_large', { records: 1, payload: new Uint8Array(LIMITS.dataBytes) }],
  ])('is not made with a wrong %s', (flaw, change) => {
    expect(() => encodeFrame({ ...some, ...change })).toThrow(expect.objectContaining({ flaw }));
  });

  test.each([
    ['first', 0x20],
    ['middle', 0x60],
    ['last', 0x40],
  ] as const)('says by its flags that it holds the %s part of a record', (part, flags) => {
    const bytes = encodeFrame({ ...some, part, records: part === 'last' ? 1 : 0 });
    expect(bytes[3]).toBe(flags | 1);
    expect(decodeFrame(bytes).part).toBe(part);
    expect(decodeFrame(encodeFrame(some))).not.toHaveProperty('part');
  });

  test('may be large when it holds one record', () => {
    const payload = new Uint8Array(LIMITS.dataBytes - FRAME_HEADER_BYTES);
    expect(decodeFrame(encodeFrame({ ...some, records: 1, payload })).payload.length).toBe(payload.length);
  });

  test.each([
    ['magic', 0, 0x43],
    ['version', 1, 2],
    ['flags', 3, 0x11],
    ['codec', 3, 9],
  ])('with another %s is refused by name', (flaw, at, value) => {
    const bytes = encodeFrame(some);
    bytes[at] = value;
    expect(flawOf(bytes)).toBe(flaw);
  });

  test('with a sequence number beyond 2⁵³ is refused, not rounded', () => {
    const bytes = encodeFrame(some);
    bytes[8] = 0xff;
    expect(flawOf(bytes)).toBe('seq');
  });
});
