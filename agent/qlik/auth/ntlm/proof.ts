/** The third message of NTLM (AUTHENTICATE): NTLMv2 with a message integrity code, MS-NLMP 3.1.5.1.2 and 3.3.2. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { md4 } from './md4.ts';
import { AV, type AvPair, type Challenge, FLAGS, SIGNATURE, textOf, VERSION } from './messages.ts';

/** Whom the proof is for. */
export interface NtlmUser {
  readonly user: string;
  /**
   * The domain as the user's directory has it; empty for a user principal name. `server`: the machine itself, for local
   * accounts; undefined: the domain that the server belongs to.
   */
  readonly domain: string | { readonly of: 'server' } | undefined;
  readonly password: string;
}

export interface ProofOptions {
  /** `tls-server-end-point:` and the hash of the server's certificate (RFC 5929); undefined: none. */
  readonly channelBinding?: Buffer | undefined;
  /** The service that was called, `HTTP/host`. */
  readonly targetName: string;
  readonly nowMs?: number;
  /** Eight random bytes. */
  readonly nonce?: Buffer;
}

const HEADER_BYTES = 88;
const MIC_AT = 72;
/** 1601 in ms before 1970: where the clock of Windows starts. */
const FILETIME_EPOCH_MS = 11_644_473_600_000n;
/** The message carries an integrity code (MS-NLMP 2.2.2.1, MsvAvFlags). */
const HAS_MIC = Buffer.from([2, 0, 0, 0]);

const hmacMd5 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

/** Upper case letter by letter, as Windows does it: `ß` stays one letter. */
const upperCase = (text: string): string =>
  Array.from(text, (letter) => {
    const upper = letter.toUpperCase();
    return upper.length === letter.length ? upper : letter;
  }).join('');

/** NTOWFv2 (MS-NLMP 3.3.2): the key that stands for password, user and domain. */
export const responseKey = (password: string, user: string, domain: string): Buffer =>
  hmacMd5(md4(Buffer.from(password, 'utf16le')), Buffer.from(upperCase(user) + domain, 'utf16le'));

const encodePairs = (pairs: readonly AvPair[]): Buffer =>
  Buffer.concat(
    [...pairs, { id: AV.end, value: Buffer.alloc(0) }].flatMap(({ id, value }) => {
      const head = Buffer.alloc(4);
      head.writeUInt16LE(id, 0);
      head.writeUInt16LE(value.length, 2);
      return [head, value];
    }),
  );

/** The client's part of an NTLMv2 response (`temp` in MS-NLMP 3.3.2). `time`: 100 ns since 1601, eight bytes. */
export const clientPart = (time: Buffer, nonce: Buffer, pairs: readonly AvPair[]): Buffer =>
  Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    time,
    nonce,
    Buffer.alloc(4),
    encodePairs(pairs),
    Buffer.alloc(4),
  ]);

/** NTProofStr and SessionBaseKey (MS-NLMP 3.3.2). */
export const prove = (
  key: Buffer,
  serverNonce: Buffer,
  part: Buffer,
): { readonly proof: Buffer; readonly sessionKey: Buffer } => {
  const proof = hmacMd5(key, serverNonce, part);
  return { proof, sessionKey: hmacMd5(key, proof) };
};

/** MD5 of `gss_channel_bindings_struct` with nothing but application data (MS-NLMP 2.2.2.1, MsvAvChannelBindings). */
const bindingHash = (binding: Buffer | undefined): Buffer => {
  if (binding === undefined) return Buffer.alloc(16);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(binding.length, 16);
  return createHash('md5').update(head).update(binding).digest();
};

const now = (ms: number): Buffer => {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Math.trunc(ms)) + FILETIME_EPOCH_MS) * 10_000n);
  return time;
};

/** Answers `challenge`, which answered `negotiate`. */
export const authenticateMessage = (
  negotiate: Buffer,
  challenge: Challenge,
  who: NtlmUser,
  options: ProofOptions,
): Buffer => {
  const domain =
    typeof who.domain === 'string'
      ? who.domain
      : (textOf(challenge, who.domain === undefined ? AV.domain : AV.computer) ?? '');
  const nonce = options.nonce ?? randomBytes(8);
  const theirTime = challenge.pairs.find(({ id }) => id === AV.timestamp)?.value;
  const time = theirTime?.length === 8 ? theirTime : now(options.nowMs ?? Date.now());
  const replaced: readonly number[] = [AV.flags, AV.targetName, AV.channelBinding];
  const part = clientPart(time, nonce, [
    ...challenge.pairs.filter(({ id }) => !replaced.includes(id)),
    { id: AV.flags, value: HAS_MIC },
    { id: AV.channelBinding, value: bindingHash(options.channelBinding) },
    { id: AV.targetName, value: Buffer.from(options.targetName, 'utf16le') },
  ]);
  const key = responseKey(who.password, who.user, domain);
  const { proof, sessionKey } = prove(key, challenge.nonce, part);
  // A server that tells its time wants no LM response (MS-NLMP 3.1.5.1.2); an older one gets LMv2.
  const lm = theirTime === undefined ? Buffer.concat([hmacMd5(key, challenge.nonce, nonce), nonce]) : Buffer.alloc(24);
  const fields = [
    lm,
    Buffer.concat([proof, part]),
    Buffer.from(domain, 'utf16le'),
    Buffer.from(who.user, 'utf16le'),
    Buffer.alloc(0),
    Buffer.alloc(0),
  ];
  const header = Buffer.alloc(HEADER_BYTES);
  SIGNATURE.copy(header);
  header.writeUInt32LE(3, 8);
  let offset = HEADER_BYTES;
  fields.forEach((field, i) => {
    header.writeUInt16LE(field.length, 12 + 8 * i);
    header.writeUInt16LE(field.length, 14 + 8 * i);
    header.writeUInt32LE(offset, 16 + 8 * i);
    offset += field.length;
  });
  header.writeUInt32LE((challenge.flags & FLAGS) >>> 0, 60);
  VERSION.copy(header, 64);
  const message = Buffer.concat([header, ...fields]);
  hmacMd5(sessionKey, negotiate, challenge.bytes, message).copy(message, MIC_AT);
  return message;
};
