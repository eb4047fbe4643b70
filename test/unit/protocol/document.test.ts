import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CLOSE, CREDIT, LIMITS, SUBPROTOCOL, TIMES } from '#protocol/constants.ts';
import { type DecodedFrame, decodeFrame, encodeFrame } from '#protocol/frame.ts';
import { challenge, keyProof, ToAgent, ToGateway } from '#protocol/messages.ts';
import { POLLING, POLLING_HEADERS, POLLING_PATHS } from '#protocol/polling.ts';
import { ASSET_KINDS, EDGE_KINDS, StreamRecord } from '#protocol/records.ts';
import { AgentStatus, ConnectionSetting, ConnectionState, Problem, Refusal } from '#protocol/status.ts';

const document = readFileSync(new URL('../../../protocol/PROTOCOL.md', import.meta.url), 'utf8');

/** The cells of each row of a table whose head is this. */
const rows = (head: string): string[][] =>
  document
    .split(`${head}\n`)
    .slice(1)
    .flatMap((after) => {
      const lines = after.split('\n').slice(1);
      return lines.slice(
        0,
        lines.findIndex((line) => !line.startsWith('|')),
      );
    })
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

/** The text of the fenced block that is called this. */
const block = (name: string): string => {
  const text = document.split(`\n\`\`\`${name}\n`)[1]?.split('\n```')[0];
  if (text === undefined) throw new Error(`PROTOCOL.md has no block ${name}`);
  return text;
};

describe('PROTOCOL.md and the code', () => {
  test('have the same constants with the same values, each with a reason', () => {
    const prefixed = (prefix: string, values: Readonly<Record<string, number>>): [string, number][] =>
      Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]);
    const code = [
      ...prefixed('', LIMITS),
      ...prefixed('credit.', CREDIT),
      ...prefixed('', TIMES),
      ...prefixed('polling.', POLLING),
    ];
    const written = rows('| constant | value | why |');
    expect(Object.fromEntries(written.map(([name, value]) => [name, value]))).toEqual(
      Object.fromEntries(code.map(([name, value]) => [`\`${name}\``, value.toLocaleString('en').replaceAll(',', ' ')])),
    );
    expect(written).toHaveLength(code.length);
    for (const [name, , why] of written) expect(why, name).toMatch(/\w{3}/);
  });

  test('have the same close codes', () => {
    const written = rows('| code | name | sent when |').map(([code, name]) => [name, Number(code)]);
    expect(Object.fromEntries(written)).toEqual(CLOSE);
    expect(document).not.toMatch(/^\| 4\d\d\d \|.*reserved/m);
  });

  test('have the same messages, each with its direction', () => {
    const typesOf = (union: { options: readonly { shape: { type: { value: string } } }[] }) =>
      union.options.map(({ shape }) => shape.type.value);
    const written = new Map<string, Set<string>>();
    for (const head of [
      '| message | from | fields | rules |',
      '| message | from | fields | meaning |',
      '| message | from | fields |',
    ])
      for (const [name = '', from = ''] of rows(head)) {
        const type = name.replaceAll('`', '');
        written.set(type, (written.get(type) ?? new Set()).add(from));
      }
    const from = (side: string) => [...written].filter(([, sides]) => sides.has(side)).map(([type]) => type);
    expect(from('gateway').sort()).toEqual(typesOf(ToAgent as never).sort());
    expect(from('agent').sort()).toEqual(typesOf(ToGateway as never).sort());
  });

  /** Fields as the document writes them: `name?` may be missing, `name|null` null, `name[]` is a list. */
  const written = (shape: Readonly<Record<string, z.ZodType>>, ...without: readonly string[]): string[] =>
    Object.entries(shape)
      .filter(([name]) => !without.includes(name))
      .map(([name, type]) => {
        const present = type instanceof z.ZodOptional ? (type.unwrap() as z.ZodType) : type;
        const marks = [present instanceof z.ZodArray && '[]', present !== type && '?', type.isNullable() && '|null'];
        return `${name}${marks.filter(Boolean).join('')}`;
      });
  const listed = (cell = ''): string[] =>
    [...cell.replaceAll('\\|', '|').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

  test('have the same records with the same fields, and the same kinds', () => {
    const inDocument = document
      .split('| record | fields besides `t` | rules |\n')[1]
      ?.split('\n\n')[0]
      ?.split('\n')
      .slice(1)
      .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    const records = StreamRecord.options.map(({ shape }) => [shape.t.value, written(shape, 't')]);
    expect(inDocument?.map(([, name, fields]) => [name?.replaceAll('`', ''), listed(fields)])).toEqual(records);
    const kinds = document.split('- Asset kinds: ')[1]?.split('Both lists')[0]?.split('Edge kinds: ');
    expect(kinds?.map(listed)).toEqual([ASSET_KINDS, EDGE_KINDS]);
  });

  test('have the same status', () => {
    const inDocument = document
      .split('| part | fields | what |\n')[1]
      ?.split('\n\n')[0]
      ?.split('\n')
      .slice(1)
      .map((line) => listed(line.split(/(?<!\\)\|/)[2]));
    const { link, policy, logLevel, faults } = AgentStatus.shape;
    const parts = [
      AgentStatus,
      ConnectionState,
      Refusal,
      Problem,
      ConnectionSetting,
      faults.unwrap().element,
      link.unwrap(),
      policy.unwrap(),
      logLevel.unwrap(),
    ];
    expect(inDocument).toEqual(parts.map(({ shape }) => written(shape)));
  });

  test('name the same addresses and headers of the long polling', () => {
    for (const path of Object.values(POLLING_PATHS)) expect(document).toContain(`\`${path}\``);
    for (const header of Object.values(POLLING_HEADERS)) expect(document).toContain(header);
    expect(document).toContain(`${POLLING_HEADERS.gateway}: ${SUBPROTOCOL}`);
  });

  test('have a test of its name for every race', () => {
    const races = document.split('### Races')[1]?.split('\n## ')[0] ?? '';
    const tests = readFileSync(new URL('races.test.ts', import.meta.url), 'utf8').toLowerCase();
    const elsewhere = new Set(['both drain at once', 'two processes with one identity']);
    const named = [...races.matchAll(/^- \*\*(.*?)\*\*/gm)].map(([, name = '']) =>
      name.toLowerCase().replace(/\.$/, ''),
    );
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) if (!elsewhere.has(name)) expect(tests).toContain(`describe('${name}`);
  });
});

describe('the worked examples', () => {
  const frameOf = (name: string): Uint8Array => Buffer.from(block(name).replaceAll(/\s/g, ''), 'hex');
  const seedKey = (first: number) =>
    createPrivateKey({
      key: Buffer.concat([
        Buffer.from('302e020100300506032b657004220420', 'hex'),
        Buffer.from(Array.from({ length: 32 }, (_, n) => first + n)),
      ]),
      format: 'der',
      type: 'pkcs8',
    });
  const spki = (key: ReturnType<typeof seedKey>): string =>
    createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');
  const nonce = Buffer.from(Array.from({ length: 32 }, (_, n) => 0x20 + n)).toString('base64');

  test('of frames are read, and made again byte by byte', () => {
    const frames = ['frame whole', 'frame first', 'frame last'].map((name): DecodedFrame => {
      const bytes = frameOf(name);
      const { crc32: _, ...frame } = decodeFrame(bytes);
      expect(Buffer.from(encodeFrame(frame)).equals(bytes)).toBe(true);
      return decodeFrame(bytes);
    });
    const [whole, first, last] = frames;
    expect(whole).toMatchObject({ codec: 'none', stream: 1, seq: 1, records: 1, rawBytes: 13 });
    expect([first?.part, last?.part]).toEqual(['first', 'last']);
    const line = Buffer.from('{"t":"test"}\n');
    expect(Buffer.from(whole?.payload ?? []).equals(line)).toBe(true);
    expect(Buffer.concat([first?.payload ?? new Uint8Array(), last?.payload ?? new Uint8Array()]).equals(line)).toBe(
      true,
    );
    const packed = Buffer.alloc(12);
    for (const [n, frame] of frames.entries()) packed.writeUInt32BE(frame.crc32, n * 4);
    expect(document).toContain(`\`${packed.toString('hex')}\``);
    expect(createHash('sha256').update(packed).digest('hex')).toBe(block('sha256'));
  });

  test('of a challenge is signed so', () => {
    const key = seedKey(0);
    expect(block('challenge publicKey')).toBe(spki(key));
    const text = challenge('Catalog.example.com:8443', nonce, 'agent-1', 'boot-1');
    expect(block('challenge text')).toBe(text);
    const signature = block('challenge signature');
    expect(sign(null, Buffer.from(text), key).toString('base64')).toBe(signature);
    expect(verify(null, Buffer.from(text), createPublicKey(key), Buffer.from(signature, 'base64'))).toBe(true);
  });

  test('of a rotation is proven so', () => {
    const key = seedKey(0x40);
    expect(block('rotation publicKey')).toBe(spki(key));
    const text = keyProof('agent-1', nonce, spki(key));
    expect(block('rotation text')).toBe(text);
    expect(sign(null, Buffer.from(text), key).toString('base64')).toBe(block('rotation proof'));
  });
});
