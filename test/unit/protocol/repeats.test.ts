import { describe, expect, test } from 'vitest';
import { causesOf } from '#protocol/logging/causes.ts';
import { readableLine } from '#protocol/logging/readable.ts';
import { Repeats } from '#protocol/logging/repeats.ts';

const line = (msg: string, more: object = {}): string =>
  `${JSON.stringify({ level: 40, time: '2026-11-22T04:00:00.000Z', ...more, msg })}\n`;
const collected = () => {
  const lines: string[] = [];
  const repeats = new Repeats((text) => lines.push(text));
  const said = (): string[] => lines.splice(0).map((text) => String((JSON.parse(text) as { msg: string }).msg));
  return { repeats, said, lines };
};

describe('what repeats itself', () => {
  test('is said once, and once a minute how often', () => {
    const { repeats, said } = collected();
    for (let i = 0; i < 38; i++) repeats.take(line('away', { code: 'bridge.unreachable' }), i * 1000);
    expect(said()).toEqual(['away']);
    repeats.tick(59_999);
    expect(said()).toEqual([]);
    repeats.tick(60_000);
    expect(said()).toEqual(['away … repeated 37 times']);
    repeats.take(line('away', { code: 'bridge.unreachable' }), 61_000);
    expect(said()).toEqual([]);
    repeats.tick(120_000);
    expect(said()).toEqual(['away … repeated once more']);
    repeats.tick(180_000);
    expect(said()).toEqual([]);
    repeats.take(line('away', { code: 'bridge.unreachable' }), 181_000);
    expect(said()).toEqual(['away']);
  });

  test('is not what has another code, message, level or connection', () => {
    const { repeats, said } = collected();
    repeats.take(line('a', { code: 'x' }), 0);
    repeats.take(line('a', { code: 'y' }), 0);
    repeats.take(line('b', { code: 'x' }), 0);
    repeats.take(line('a', { code: 'x', level: 50 }), 0);
    repeats.take(line('a', { code: 'x', connection: 'prod' }), 0);
    expect(said()).toHaveLength(5);
  });

  test.each([
    [{ appId: 'a' }, { appId: 'b' }],
    [{ jobId: 'a' }, { jobId: 'b' }],
    [{ path: '/a' }, { path: '/b' }],
    [{ key: true }, { key: false }],
    [{ seen: ['a'] }, { seen: ['b'] }],
    [{ err: { message: 'a', stack: '1' } }, { err: { message: 'b', stack: '1' } }],
  ])('is not what is about something else: %j and %j', (one, other) => {
    const { repeats, lines } = collected();
    for (const fields of [one, other, one, other]) repeats.take(line('a', { code: 'x', ...fields }), 0);
    expect(lines.map((text) => JSON.parse(text) as object)).toMatchObject([one, other]);
    repeats.flush();
    expect(lines.slice(2).map((text) => JSON.parse(text) as object)).toMatchObject([
      { ...one, repeated: 1 },
      { ...other, repeated: 1 },
    ]);
  });

  test('is what differs in numbers and advice alone, and very long fields are not kept', () => {
    const { repeats, lines } = collected();
    const long = 'x'.repeat(100_000);
    repeats.take(line('a', { waitMs: 1, advice: 'Wait.', attempt: 1, text: `${long}1` }), 0);
    repeats.take(line('a', { waitMs: 2, advice: 'Go.', attempt: 2, text: `${long}2` }), 0);
    expect(lines).toHaveLength(1);
  });

  test('is told with the fields of the last one, and the count for programs', () => {
    const { repeats, lines } = collected();
    repeats.take(line('a', { attempt: 1 }), 0);
    repeats.take(line('a', { attempt: 2 }), 0);
    repeats.flush();
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ level: 40, attempt: 2, repeated: 1 });
    repeats.flush();
    expect(lines).toHaveLength(2);
  });

  test('leaves alone what is no warning, no JSON, or fatal', () => {
    const { repeats, lines } = collected();
    for (const text of [line('a', { level: 30 }), 'text\n', line('a', { level: 60 })])
      for (let i = 0; i < 3; i++) repeats.take(text, 0);
    expect(lines).toHaveLength(9);
  });

  test('is bounded: of very many different ones the oldest is let go, with its count', () => {
    const { repeats, said } = collected();
    repeats.take(line('first'), 0);
    repeats.take(line('first'), 0);
    for (let i = 0; i < 200; i++) repeats.take(line(`other ${i}`), 0);
    expect(said()).toContain('first … repeated once more');
    repeats.take(line('first'), 0);
    expect(said()).toEqual(['first']);
  });
});

describe('a line for people', () => {
  test('has causes and advice below it', () => {
    const text = readableLine(
      line('no link', { code: 'bridge.unreachable', advice: 'Look.', causes: ['refused'], host: 'x' }),
    );
    expect(text.replace(/^\S+/, 'TIME')).toBe(
      `TIME warn  no link [bridge.unreachable] (host=x)\n${' '.repeat(15)}because refused\n${' '.repeat(15)}→ Look.\n`,
    );
    expect(readableLine(line('failed', { err: { message: 'a: b', stack: 'at x' } }))).toContain('because a: b\n');
  });

  test('steers no terminal, whatever it is', () => {
    for (const odd of [
      '\u001b[2J',
      'null',
      '{"level":',
      line('\u001b[2Jx\ny', { advice: '\u001b[2J', causes: ['\u0007'] }),
    ])
      expect(readableLine(odd).trimEnd()).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

test('the chain of causes is kept, without repetitions and without end', () => {
  const root = new Error('refused');
  expect(causesOf(new Error('top', { cause: new Error('top', { cause: root }) }))).toEqual(['refused']);
  const circle = new Error('a');
  circle.cause = new Error('b', { cause: circle });
  expect(causesOf(circle)).toEqual(['b']);
  expect(causesOf('text')).toEqual([]);
});
