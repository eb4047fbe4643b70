/** MD4 (RFC 1320). NTLM derives its keys from it, and OpenSSL 3 no longer has it. It protects nothing else. */

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** Order of the words of a block in the second and third round. */
const SECOND = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
const THIRD = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
];

/** The message with a 1 bit, zeros and its length in bits, in whole blocks of 64 bytes. */
const padded = (message: Uint8Array): Buffer => {
  const result = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64);
  result.set(message);
  result[message.length] = 0x80;
  result.writeBigUInt64LE(BigInt(message.length) * 8n, result.length - 8);
  return result;
};

export const md4 = (message: Uint8Array): Buffer => {
  const bytes = padded(message);
  let [a, b, c, d] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < bytes.length; at += 64) {
    const before = [a, b, c, d] as const;
    for (let step = 0; step < 48; step += 1) {
      const round = step >> 4;
      const i = step & 15;
      const word = round === 0 ? i : ((round === 1 ? SECOND : THIRD)[i] ?? 0);
      const mixed =
        round === 0
          ? (b & c) | (~b & d)
          : round === 1
            ? ((b & c) | (b & d) | (c & d)) + 0x5a827999
            : (b ^ c ^ d) + 0x6ed9eba1;
      const sum = (a + mixed + bytes.readUInt32LE(at + 4 * word)) | 0;
      [a, d, c, b] = [d, c, b, rotate(sum, SHIFTS[round]?.[i & 3] ?? 0)];
    }
    a = (a + before[0]) | 0;
    b = (b + before[1]) | 0;
    c = (c + before[2]) | 0;
    d = (d + before[3]) | 0;
  }
  const digest = Buffer.alloc(16);
  [a, b, c, d].forEach((word, i) => {
    digest.writeInt32LE(word | 0, 4 * i);
  });
  return digest;
};
