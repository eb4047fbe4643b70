import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { ControlError, readToAgent, readToGateway } from '#protocol/control.ts';
import { decodeFrame, encodeFrame } from '#protocol/frame.ts';
import { ToAgent, ToGateway } from '#protocol/messages.ts';
import { StreamRecord } from '#protocol/records.ts';
import { filesOf, type Recording, recordSessions } from './record.ts';

interface Shapes {
  readonly toAgent: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly toGateway: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const days = readdirSync(import.meta.dirname).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name));
const linesOf = (day: string, name: string): string[] =>
  readFileSync(join(import.meta.dirname, day, name), 'utf8')
    .split('\n')
    .slice(0, -1);
const recorded = (day: string): Recording => ({
  toAgent: linesOf(day, 'to-agent.jsonl'),
  toGateway: linesOf(day, 'to-gateway.jsonl'),
  frames: linesOf(day, 'frames.base64').map((text) => Buffer.from(text, 'base64')),
});
const typesOf = (union: { readonly options: readonly { readonly shape: { readonly type: unknown } }[] }): string[] =>
  union.options.map(({ shape }) => (shape.type as { readonly value: string }).value).sort();
const typesIn = (texts: readonly string[]): string[] =>
  [...new Set(texts.map((text) => (JSON.parse(text) as { type: string }).type))].sort();

/**
 * A reader as somebody would have written it on that day from the document alone: it knows the fields that it needs and
 * their types, and nothing of this code. `a.b` is a field in a field, `a[].b` one of each in a list, `?` one that may lack.
 */
const misses = (value: unknown, path: string, type: string): boolean => {
  const [name = '', ...rest] = path.split('.');
  const isList = name.endsWith('[]');
  const inner = (value as Record<string, unknown> | null)?.[isList ? name.slice(0, -2) : name];
  if (inner === undefined) return !type.endsWith('?');
  if (isList && !Array.isArray(inner)) return true;
  if (rest.length > 0)
    return (isList ? (inner as unknown[]) : [inner]).some((one) => misses(one, rest.join('.'), type));
  const allowed = type.replace('?', '').split('|');
  const kind = (one: unknown): string => (one === null ? 'null' : Array.isArray(one) ? 'list' : typeof one);
  return isList ? (inner as unknown[]).some((one) => !allowed.includes(kind(one))) : !allowed.includes(kind(inner));
};

const frozenRead = (shapes: Shapes['toAgent'], text: string): string[] => {
  const message = JSON.parse(text) as { type: string; opt?: boolean };
  const shape = shapes[message.type];
  if (!shape) return message.opt === true ? [] : [`${message.type} is not known`];
  return Object.entries(shape).flatMap(([path, type]) =>
    misses(message, path, type) ? [`${message.type}: ${path} is no ${type}`] : [],
  );
};

/** Data frames by the document: header, checksum, payload; returns the records of a stream, joined. */
const frozenFrames = (frames: readonly Uint8Array[]): string[] => {
  const lines: string[] = [];
  const open = new Map<number, Buffer[]>();
  for (const bytes of frames) {
    const frame = Buffer.from(bytes);
    if (frame[0] !== 0x42 || frame[1] !== 1) throw new Error('no frame of version 1');
    const flags = frame.readUInt16BE(2);
    if ((flags & 0xf) !== 1) throw new Error('a codec that was not in use');
    if (crc32(frame.subarray(28), crc32(frame.subarray(0, 24))) !== frame.readUInt32BE(24)) throw new Error('crc');
    const raw = zstdDecompressSync(frame.subarray(28));
    if (raw.length !== frame.readUInt32BE(20)) throw new Error('raw bytes');
    const stream = frame.readUInt32BE(4);
    const before = (flags & 0x40) !== 0 ? (open.get(stream) ?? []) : [];
    open.delete(stream);
    if ((flags & 0x20) !== 0) {
      open.set(stream, [...before, raw]);
      continue;
    }
    const text = Buffer.concat([...before, raw]).toString();
    const here = text.split('\n').slice(0, -1);
    if (here.length !== frame.readUInt32BE(16)) throw new Error('records');
    lines.push(...here);
  }
  return lines;
};

test('there is a corpus', () => expect(days).toContain('2026-11-22'));

let now: Recording;
beforeAll(async () => {
  now = await recordSessions();
});

describe('what is recorded today', () => {
  test('has every message of both directions, and frames with and without parts', () => {
    expect(typesIn(now.toAgent)).toEqual(typesOf(ToAgent as never));
    expect(typesIn(now.toGateway)).toEqual(typesOf(ToGateway as never));
    const parts = new Set(now.frames.map((bytes) => decodeFrame(bytes).part));
    expect(parts.has(undefined) && parts.has('first') && parts.has('last')).toBe(true);
    expect(Object.keys(filesOf(now))).toHaveLength(3);
  });
});

describe.each(days)('the corpus of %s', (day) => {
  const { toAgent, toGateway, frames } = recorded(day);
  const shapes = JSON.parse(readFileSync(join(import.meta.dirname, day, 'shapes.json'), 'utf8')) as Shapes;

  test('is read by the code of today, and nothing in it is lost', () => {
    for (const text of toAgent) expect(readToAgent(text)).toEqual(JSON.parse(text));
    for (const text of toGateway) expect(readToGateway(text)).toEqual(JSON.parse(text));
    for (const bytes of frames) {
      const { crc32: _, ...frame } = decodeFrame(bytes);
      expect(Buffer.from(encodeFrame(frame)).equals(bytes)).toBe(true);
    }
    for (const line of frozenFrames(frames)) expect(StreamRecord.safeParse(JSON.parse(line)).success).toBe(true);
  });

  test('has every message that its reader knows', () => {
    expect(typesIn(toAgent)).toEqual(Object.keys(shapes.toAgent).sort());
    expect(typesIn(toGateway)).toEqual(Object.keys(shapes.toGateway).sort());
    for (const text of toAgent) expect(frozenRead(shapes.toAgent, text)).toEqual([]);
    for (const text of toGateway) expect(frozenRead(shapes.toGateway, text)).toEqual([]);
  });

  test('is from peers that understand what is said today', () => {
    for (const text of now.toAgent) expect(frozenRead(shapes.toAgent, text)).toEqual([]);
    for (const text of now.toGateway) expect(frozenRead(shapes.toGateway, text)).toEqual([]);
    expect(frozenFrames(now.frames).length).toBeGreaterThan(10);
  });

  test('shows what its reader checks: a message without one of its fields is refused by both', () => {
    for (const [texts, known, read] of [
      [toAgent, shapes.toAgent, readToAgent],
      [toGateway, shapes.toGateway, readToGateway],
    ] as const)
      for (const text of texts) {
        const { type, ...fields } = JSON.parse(text) as Record<string, unknown> & { type: string };
        for (const [path, kind] of Object.entries(known[type] ?? {})) {
          if (path.includes('.') || kind.endsWith('?')) continue;
          const name = path.replace('[]', '');
          const without = JSON.stringify({ type, ...fields, [name]: undefined });
          expect(frozenRead(known, without), path).not.toEqual([]);
          expect(() => read(without), `${type} without ${name}`).toThrow(ControlError);
        }
      }
  });
});
