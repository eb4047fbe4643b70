import { crc32, deflateSync, zstdCompressSync } from 'node:zlib';
import { LIMITS } from '#protocol/constants.ts';
import { CODECS, FRAME_HEADER_BYTES } from '#protocol/frame.ts';
import type { Random } from '../simulation/random.ts';

/** A small thing that unpacks to 64 MiB. */
const BOMB = Buffer.alloc(64 * 1024 * 1024);
const BOMBS = { none: BOMB.subarray(0, 100), zstd: zstdCompressSync(BOMB), deflate: deflateSync(BOMB) } as const;
const ODD_NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Bytes changed in one to five places, cut, doubled, or with something put in between. */
export const mutateBytes = (bytes: Uint8Array, random: Random): Buffer => {
  let out = Buffer.from(bytes);
  for (let times = random.int(1, 5); times > 0; times -= 1) {
    const at = random.int(0, Math.max(0, out.length - 1));
    switch (random.int(0, 5)) {
      case 0:
        if (out.length > 0) out.writeUInt8(out.readUInt8(at) ^ (1 << random.int(0, 7)), at);
        break;
      case 1:
        if (out.length - at >= 4) out.writeUInt32BE(random.pick(ODD_NUMBERS) ?? 0, at);
        break;
      case 2:
        out = out.subarray(0, at);
        break;
      case 3:
        out = Buffer.concat([
          out.subarray(0, at),
          Buffer.alloc(random.int(1, 300), random.int(0, 255)),
          out.subarray(at),
        ]);
        break;
      case 4:
        out = Buffer.concat([out, out.subarray(at)]);
        break;
      default:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + random.int(1, 40))]);
    }
  }
  return out.subarray(0, 4 * LIMITS.dataBytes);
};

const ODD_VALUES = [null, -1, 0.5, 1e308, 2 ** 53, '', '\u0000', 'x'.repeat(70_000), [], {}, true, '__proto__'];

const SMALL_VALUES = [0, null, 'x', [], {}, { jobId: 'job-1', attempt: 1, leaseToken: 'lease-1' }];

/** Changes values, names and depth of a JSON value, or what it is written as. */
export const mutateJson = (value: unknown, random: Random): string => {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (let times = random.int(1, 3); times > 0; times -= 1) {
    const names = Object.keys(copy);
    const name = random.pick(names) ?? 'x';
    switch (random.int(0, 5)) {
      case 0:
        delete copy[name];
        break;
      case 1:
        copy[name] = random.pick(ODD_VALUES);
        break;
      case 2:
        copy[random.pick(['opt', 'toString', 'unknown', 'type']) ?? 'x'] = random.pick(ODD_VALUES);
        break;
      case 3: {
        let deep: unknown = 1;
        for (let level = random.int(1, 3_000); level > 0; level -= 1) deep = [deep];
        copy[name] = deep;
        break;
      }
      case 4:
        copy[name] = Array.from({ length: random.int(1, 2_000) }, () => random.pick(SMALL_VALUES));
        break;
      default:
        Object.defineProperty(copy, '__proto__', {
          value: { type: 'auth' },
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
  }
  const text = JSON.stringify(copy);
  if (random.chance(0.7)) return text;
  return mutateBytes(Buffer.from(text), random).toString(random.chance(0.5) ? 'utf8' : 'latin1');
};

/** The bytes of a frame that may lie about anything, but not about its CRC: it gets past the first look. */
export const lyingFrame = (random: Random): Buffer => {
  const codec = random.pick(CODECS) ?? 'none';
  const payload = random.chance(0.3)
    ? BOMBS[codec]
    : codec === 'zstd'
      ? zstdCompressSync(Buffer.from('{"t":"test"}\n'.repeat(random.int(1, 20))))
      : Buffer.from('{"t":"test"}\n'.repeat(random.int(0, 20)));
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUInt8(0x42, 0);
  head.writeUInt8(1, 1);
  const flags = CODECS.indexOf(codec) | (random.chance(0.2) ? (random.pick([0x20, 0x40, 0x60, 0x10, 0x8000]) ?? 0) : 0);
  head.writeUInt16BE(flags, 2);
  head.writeUInt32BE(random.pick([1, 2, 3, 0, 0xffff_ffff]) ?? 1, 4);
  head.writeBigUInt64BE(random.pick([1n, 2n, 3n, 0n, 2n ** 53n, 2n ** 64n - 1n]) ?? 1n, 8);
  head.writeUInt32BE(random.pick([1, 5, 500, 501, 0, 0xffff_ffff]) ?? 1, 16);
  head.writeUInt32BE(
    random.pick([1, 13, payload.length, LIMITS.batchRawBytes, 64 * 1024 * 1024, 0xffff_ffff]) ?? 1,
    20,
  );
  head.writeUInt32BE(crc32(payload, crc32(head.subarray(0, 24))), 24);
  const frame = Buffer.concat([head, payload]);
  return random.chance(0.2) ? mutateBytes(frame, random) : frame;
};
