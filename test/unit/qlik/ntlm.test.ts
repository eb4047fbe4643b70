import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindingAlgorithm } from '#agent/qlik/auth/ntlm/channel-binding.ts';
import { md4 } from '#agent/qlik/auth/ntlm/md4.ts';
import { AV, type AvPair, negotiateMessage, parseChallenge, textOf } from '#agent/qlik/auth/ntlm/messages.ts';
import { authenticateMessage, clientPart, prove, responseKey } from '#agent/qlik/auth/ntlm/proof.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

describe('MD4', () => {
  // RFC 1320, appendix A.5.
  test.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ])('of "%s"', (text, digest) => {
    expect(md4(Buffer.from(text)).toString('hex')).toBe(digest);
  });
});

// MS-NLMP 4.2.1 and 4.2.4: the values that the specification computes with.
const nonce = Buffer.alloc(8, 0xaa);
const serverNonce = hex('0123456789abcdef');
const target: readonly AvPair[] = [
  { id: AV.domain, value: utf16('Domain') },
  { id: AV.computer, value: utf16('Server') },
];

describe('NTLMv2, by the numbers of MS-NLMP 4.2.4', () => {
  const key = responseKey('Password', 'User', 'Domain');
  const part = clientPart(Buffer.alloc(8), nonce, target);
  test('the key of the user', () => {
    expect(key).toEqual(hex('0c 86 8a 40 3b fd 7a 93 a3 00 1e f2 2e f0 2e 3f'));
  });
  test('the proof and the key of the session', () => {
    expect(prove(key, serverNonce, part)).toEqual({
      proof: hex('68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c'),
      sessionKey: hex('8d e4 0c ca db c1 4a 82 f1 5c b0 ad 0d e9 5c a3'),
    });
  });
});

/** A challenge with these pairs, as a server would write it. */
const challenge = (pairs: readonly { id: number; value: Buffer }[], flags = 0xe28a8235): Buffer => {
  const info = Buffer.concat(
    [...pairs, { id: 0, value: Buffer.alloc(0) }].flatMap(({ id, value }) => {
      const head = Buffer.alloc(4);
      head.writeUInt16LE(id, 0);
      head.writeUInt16LE(value.length, 2);
      return [head, value];
    }),
  );
  const bytes = Buffer.alloc(56);
  bytes.write('NTLMSSP\0', 'latin1');
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(flags, 20);
  serverNonce.copy(bytes, 24);
  bytes.writeUInt16LE(info.length, 40);
  bytes.writeUInt16LE(info.length, 42);
  bytes.writeUInt32LE(56, 44);
  return Buffer.concat([bytes, info]);
};

const field = (message: Buffer, at: number): Buffer =>
  message.subarray(message.readUInt32LE(at + 4), message.readUInt32LE(at + 4) + message.readUInt16LE(at));

describe('the answer to a challenge', () => {
  const answer = (domain: Parameters<typeof authenticateMessage>[2]['domain'], user = 'User', pairs = target): Buffer =>
    authenticateMessage(
      negotiateMessage(),
      parseChallenge(challenge(pairs)),
      { user, domain, password: 'Password' },
      { targetName: 'HTTP/qlik.example', nonce, nowMs: 0 },
    );

  test('an older server, which tells no time, gets an LMv2 response by the numbers of MS-NLMP 4.2.4.2.1', () => {
    expect(field(answer('Domain'), 12)).toEqual(
      hex('86 c3 50 97 ac 9c ec 10 25 54 76 4a 57 cc cc 19 aa aa aa aa aa aa aa aa'),
    );
  });

  test('one that tells its time gets none, and its own time back', () => {
    const time = hex('0102030405060708');
    const message = answer('Domain', 'User', [...target, { id: AV.timestamp, value: time }]);
    expect(field(message, 12)).toEqual(Buffer.alloc(24));
    expect(field(message, 20).subarray(16 + 8, 16 + 16)).toEqual(time);
  });

  test('names user and domain as they were written, and takes the domain from the server when none was', () => {
    const names = (message: Buffer): string[] => [28, 36].map((at) => field(message, at).toString('utf16le'));
    expect(names(answer('corp', 'svc'))).toEqual(['corp', 'svc']);
    expect(names(answer('', 'svc@corp.example'))).toEqual(['', 'svc@corp.example']);
    expect(names(answer(undefined, 'svc'))).toEqual(['Domain', 'svc']);
    expect(names(answer({ of: 'server' }, 'svc'))).toEqual(['Server', 'svc']);
  });

  test('the key does not depend on the case of the user, and ß is a letter of its own', () => {
    expect(responseKey('p', 'müller', 'D')).toEqual(responseKey('p', 'MÜLLER', 'D'));
    expect(responseKey('p', 'strauß', 'D')).not.toEqual(responseKey('p', 'STRAUSS', 'D'));
  });
});

describe('a challenge', () => {
  test('is read', () => {
    const read = parseChallenge(challenge(target));
    expect(read.nonce).toEqual(serverNonce);
    expect([textOf(read, AV.domain), textOf(read, AV.computer), textOf(read, AV.targetName)]).toEqual([
      'Domain',
      'Server',
      undefined,
    ]);
  });

  test('of any bytes is read or refused, and nothing else', () => {
    const valid = challenge(target);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 12 }),
        fc.nat(valid.length),
        (edits, length) => {
          const bytes = Buffer.from(valid);
          for (const [at, value] of edits) bytes[at] = value;
          try {
            expect(parseChallenge(bytes.subarray(0, length)).nonce.length).toBe(8);
          } catch (error) {
            expect(error).toMatchObject({ code: 'qlik.protocol' });
          }
        },
      ),
    );
  });

  const cut = challenge(target);
  cut.writeUInt32LE(0xffff_fff0, 44);
  const long = challenge(target);
  long.writeUInt16LE(0xffff, 56 + 2);
  test.each([
    ['empty', Buffer.alloc(0)],
    ['of another kind', negotiateMessage()],
    ['too large', Buffer.concat([challenge(target), Buffer.alloc(20_000)])],
    ['with target information that lies outside', cut],
    ['with a pair that lies outside', long],
    ['with too many pairs', challenge(Array.from({ length: 70 }, () => ({ id: 3, value: Buffer.alloc(0) })))],
    ['not in Unicode', challenge(target, 0xe28a8234)],
  ])('%s is refused', (_, bytes) => {
    expect(() => parseChallenge(bytes)).toThrow(expect.objectContaining({ code: 'qlik.protocol' }));
  });
});

describe('channel binding', () => {
  test.each([
    ['sha1WithRSAEncryption', 'sha256'],
    ['md5WithRSAEncryption', 'sha256'],
    ['sha256WithRSAEncryption', 'sha256'],
    ['ecdsa-with-SHA384', 'sha384'],
    ['sha512WithRSAEncryption', 'sha512'],
    ['ED25519', undefined],
  ])('of a certificate signed with %s takes %s', (signature, algorithm) => {
    expect(bindingAlgorithm(signature)).toBe(algorithm);
  });
});
