import { beforeEach, describe, expect, test } from 'vitest';
import { CLOSE, SUBPROTOCOL } from '#protocol/constants.ts';
import { decodeEntries, encodeEntry, POLLING_HEADERS, POLLING_PATHS } from '#protocol/polling.ts';
import { MemoryBackend } from '../gateway/memory-backend.ts';
import { Loopback, until } from './loopback.ts';

let backend: MemoryBackend;
beforeEach(() => {
  backend = new MemoryBackend({ nowMs: () => performance.now() });
});

/** A session by hand. */
const open = async (url: string) => {
  const answer = await fetch(url + POLLING_PATHS.open, { method: 'POST' });
  const { session } = (await answer.json()) as { session: string };
  const ask = (path: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer> = new Uint8Array()) =>
    fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${session}`, ...headers }, body });
  return {
    answer,
    session,
    ask,
    poll: async (received: number) => {
      const reply = await ask(POLLING_PATHS.poll, { [POLLING_HEADERS.received]: String(received) });
      return { reply, entries: decodeEntries(new Uint8Array(await reply.arrayBuffer())) };
    },
    send: (first: number, ...texts: string[]) =>
      ask(
        POLLING_PATHS.send,
        { [POLLING_HEADERS.first]: String(first) },
        new Uint8Array(Buffer.concat(texts.map((text) => encodeEntry({ kind: 'text', text })))),
      ),
  };
};

describe('the gateway', () => {
  test('answers completely, with its mark, and lets nobody keep it', async () => {
    await using loopback = await Loopback.start({ backend });
    const session = await open(loopback.url);
    expect(session.answer.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(session.answer.headers.get(POLLING_HEADERS.gateway)).toBe(SUBPROTOCOL);
    const { reply, entries } = await session.poll(0);
    expect(reply.headers.get('content-length')).toMatch(/^\d+$/);
    expect(reply.headers.get('content-encoding')).toBeNull();
    expect(entries).toMatchObject([{ kind: 'text', text: expect.stringContaining('"hello"') }]);
    // What was not said to have arrived is there again.
    expect((await session.poll(0)).entries).toEqual(entries);
  });

  test('takes a body that comes twice once, and none that comes too early', async () => {
    await using loopback = await Loopback.start({ backend });
    const session = await open(loopback.url);
    const ignored = JSON.stringify({ type: 'x', opt: true });
    const first = await session.send(1, ignored, ignored);
    expect([first.status, first.headers.get(POLLING_HEADERS.received)]).toEqual([200, '2']);
    const again = await session.send(1, ignored, ignored);
    expect([again.status, again.headers.get(POLLING_HEADERS.received)]).toEqual([200, '2']);
    const early = await session.send(4, ignored);
    expect([early.status, early.headers.get(POLLING_HEADERS.received)]).toEqual([409, '2']);
  });

  test('holds a poll until there is something to say, and one at a time', async () => {
    await using loopback = await Loopback.start({ backend, pollHoldMs: 60 });
    const session = await open(loopback.url);
    await session.poll(0);
    expect((await session.poll(1)).entries).toEqual([]);
    const long = await Loopback.start({ backend });
    await using _ = long;
    const other = await open(long.url);
    await other.poll(0);
    const older = other.poll(1);
    const newer = other.poll(1);
    expect((await older).entries).toEqual([]);
    await other.send(1, '{"type":"nonsense"}');
    expect((await newer).entries).toMatchObject([{ kind: 'text' }, { kind: 'close', code: CLOSE.unknownMessage }]);
  });

  test('tells how a session ended also to who asks late, and then knows it no more', async () => {
    await using loopback = await Loopback.start({ backend });
    const session = await open(loopback.url);
    await session.poll(0);
    await session.send(1, 'this is not JSON');
    // The gateway has given it up by now.
    await until(() => loopback.gateway.connections === 0);
    expect((await session.poll(1)).entries).toMatchObject([
      { kind: 'text', text: expect.stringContaining('"bye"') },
      { kind: 'close', code: CLOSE.badMessage },
    ]);
    expect((await session.poll(3)).entries).toEqual([]);
    expect((await session.poll(3)).reply.status).toBe(410);
    expect((await session.send(2, '{}')).status).toBe(410);
  });

  test.each([
    [{ origin: 'https://page.example' }, 403],
    [{ 'content-encoding': 'gzip' }, 415],
  ])('refuses %o', async (headers, status) => {
    await using loopback = await Loopback.start({ backend });
    const reply = await fetch(loopback.url + POLLING_PATHS.open, { method: 'POST', headers });
    expect([reply.status, reply.headers.get(POLLING_HEADERS.gateway)]).toEqual([status, SUBPROTOCOL]);
  });

  test('refuses other methods, other names, handles that it did not give, and numbers that are none', async () => {
    await using loopback = await Loopback.start({ backend, answersTo: (host) => host.startsWith('127.') });
    expect((await fetch(loopback.url + POLLING_PATHS.poll)).status).toBe(405);
    const elsewhere = loopback.url.replace('127.0.0.1', 'localhost');
    expect((await fetch(elsewhere + POLLING_PATHS.open, { method: 'POST' })).status).toBe(421);
    const session = await open(loopback.url);
    const wrong = { authorization: `Bearer ${'x'.repeat(43)}`, [POLLING_HEADERS.received]: '0' };
    expect((await session.ask(POLLING_PATHS.poll, wrong)).status).toBe(410);
    expect((await session.ask(POLLING_PATHS.poll, { [POLLING_HEADERS.received]: '-1' })).status).toBe(400);
    expect((await session.poll(7)).reply.status).toBe(400);
    expect((await session.ask(POLLING_PATHS.poll, {})).status).toBe(400);
  });

  test('takes no more than an `auth` of somebody who has not shown who he is', async () => {
    await using loopback = await Loopback.start({ backend });
    const session = await open(loopback.url);
    const body = new Uint8Array(129 * 1024);
    const reply = await session.ask(POLLING_PATHS.send, { [POLLING_HEADERS.first]: '1' }, body);
    expect(reply.status).toBe(413);
    expect((await session.poll(0)).entries.at(-1)).toMatchObject({ kind: 'close', code: CLOSE.badMessage });
  });

  test('ends a session whose body is none', async () => {
    await using loopback = await Loopback.start({ backend });
    for (const bytes of [[9, 0, 0, 0, 0], [1, 0, 0, 0, 9, 1], [1, 0, 255, 255, 255], [3, 0, 0, 0, 1, 1], [1]]) {
      const session = await open(loopback.url);
      const reply = await session.ask(POLLING_PATHS.send, { [POLLING_HEADERS.first]: '1' }, new Uint8Array(bytes));
      expect(reply.status).toBe(400);
    }
    await until(() => loopback.gateway.connections === 0);
  });

  test('lets polling agents in by the same bucket as all others', async () => {
    await using loopback = await Loopback.start({ backend, handshakesPerSecond: 1 });
    await open(loopback.url);
    await open(loopback.url);
    const reply = await fetch(loopback.url + POLLING_PATHS.open, { method: 'POST' });
    expect(reply.status).toBe(503);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
