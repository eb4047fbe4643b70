/** Messages of NTLM as MS-NLMP 2.2 has them: the first one (NEGOTIATE) is made, the second (CHALLENGE) is read. */
import { Fault } from '#protocol/errors.ts';

export const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');

const UNICODE = 0x0000_0001;
const TARGET_INFO = 0x0080_0000;
/**
 * What we negotiate: UTF-16, the target's name, signing (which the integrity code of the messages hangs on), NTLM,
 * extended session security, target information, the version field, 128 and 56 bits. Not a key exchange, which would
 * need RC4.
 */
export const FLAGS =
  (UNICODE |
    0x0000_0004 |
    0x0000_0010 |
    0x0000_0200 |
    0x0000_8000 |
    0x0008_0000 |
    TARGET_INFO |
    0x0200_0000 |
    0x2000_0000 |
    0x8000_0000) >>>
  0;
/** Windows 10, build 17763, NTLM revision 15: for debugging only (MS-NLMP 2.2.2.10), yet some acceptors want it there. */
export const VERSION = Buffer.from([10, 0, 0x63, 0x45, 0, 0, 0, 15]);

/** Ids of what the server tells about itself and we tell back (MS-NLMP 2.2.2.1). */
export const AV = {
  end: 0,
  computer: 1,
  domain: 2,
  flags: 6,
  timestamp: 7,
  targetName: 9,
  channelBinding: 10,
} as const;

export interface AvPair {
  readonly id: number;
  readonly value: Buffer;
}

/** What the server challenged us with. */
export interface Challenge {
  readonly bytes: Buffer;
  readonly flags: number;
  readonly nonce: Buffer;
  /** Without the pair that ends the list. */
  readonly pairs: readonly AvPair[];
}

/** Larger ones are refused: real ones have some hundred bytes. */
const MAX_BYTES = 16 * 1024;
const MAX_PAIRS = 64;

export const negotiateMessage = (): Buffer => {
  const bytes = Buffer.alloc(40);
  SIGNATURE.copy(bytes);
  bytes.writeUInt32LE(1, 8);
  bytes.writeUInt32LE(FLAGS, 12);
  // Domain and workstation are empty, and stand behind the header.
  bytes.writeUInt32LE(40, 20);
  bytes.writeUInt32LE(40, 28);
  VERSION.copy(bytes, 32);
  return bytes;
};

const wrong = (what: string): Fault => new Fault('qlik.protocol', `The NTLM challenge of the server ${what}`);

/** True for a token that is a raw message of NTLM, not one wrapped in SPNEGO. */
export const isNtlm = (token: Buffer): boolean => token.subarray(0, SIGNATURE.length).equals(SIGNATURE);

const parsePairs = (info: Buffer): readonly AvPair[] => {
  const pairs: AvPair[] = [];
  for (let at = 0; at < info.length; ) {
    if (at + 4 > info.length || pairs.length >= MAX_PAIRS) throw wrong('describes the target in a broken list');
    const id = info.readUInt16LE(at);
    const length = info.readUInt16LE(at + 2);
    if (id === AV.end) return pairs;
    if (at + 4 + length > info.length) throw wrong('describes the target in a list that is cut off');
    pairs.push({ id, value: info.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return pairs;
};

/**
 * Reads the server's challenge.
 *
 * @throws Fault `qlik.protocol` for anything else than a challenge of reasonable size
 */
export const parseChallenge = (bytes: Buffer): Challenge => {
  if (bytes.length < 32 || bytes.length > MAX_BYTES) throw wrong(`has ${bytes.length} bytes`);
  if (!isNtlm(bytes) || bytes.readUInt32LE(8) !== 2) throw wrong('is no challenge');
  const flags = bytes.readUInt32LE(20);
  if ((flags & UNICODE) === 0) throw wrong('is not in Unicode');
  let pairs: readonly AvPair[] = [];
  if ((flags & TARGET_INFO) !== 0 && bytes.length >= 48) {
    const length = bytes.readUInt16LE(40);
    const offset = bytes.readUInt32LE(44);
    if (length > 0) {
      if (offset + length > bytes.length) throw wrong('is cut off');
      pairs = parsePairs(bytes.subarray(offset, offset + length));
    }
  }
  return { bytes, flags, nonce: bytes.subarray(24, 32), pairs };
};

/** A pair as text, such as the name of the server's domain; undefined when the server did not tell it. */
export const textOf = ({ pairs }: Challenge, id: number): string | undefined =>
  pairs.find((pair) => pair.id === id)?.value.toString('utf16le');
