import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { WALK_BOUNDS, Walks } from '#catalog/api/walks.ts';
import type { Sql } from '#catalog/store/sql.ts';

/** Runs what it is given at once. */
const sql = { begin: (_: string, work: (tx: unknown) => unknown) => work(() => [{ pid: 1 }]) } as unknown as Sql;

class Answer extends EventEmitter {
  destroyed = false;
  writableFinished = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}
const reply = (): { raw: ServerResponse & Answer } => ({ raw: new Answer() as unknown as ServerResponse & Answer });
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('two organisations with long queues do not keep a third one waiting behind all of theirs', async () => {
  const walks = new Walks(sql);
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const ask = (organisation: string): void => {
    void walks.walk(organisation, reply(), () => {
      begun.push(organisation);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(resolve);
      return promise;
    });
  };
  for (let n = 0; n < WALK_BOUNDS.perOrganisation + WALK_BOUNDS.waiting; n += 1) for (const one of ['a', 'b']) ask(one);
  await settled();
  expect(begun).toHaveLength(WALK_BOUNDS.atOnce);
  ask('c');
  await settled();
  ends[0]?.();
  await settled();
  expect(begun.at(-1)).toBe('c');
  for (let n = 1; n < ends.length; n += 1) {
    ends[n]?.();
    await settled();
  }
  expect(begun).toHaveLength(2 * (WALK_BOUNDS.perOrganisation + WALK_BOUNDS.waiting) + 1);
});

test('who fetches tables and does not take them gets no further ones, until those are taken or given up', async () => {
  const walks = new Walks(sql, { ...WALK_BOUNDS, takenWithinMs: 20 });
  const replies = Array.from({ length: WALK_BOUNDS.held }, reply);
  for (const one of replies) walks.hold('a', one);
  expect(() => walks.hold('a', reply())).toThrow(expect.objectContaining({ code: 'api.too_many_requests' }));
  const other = reply();
  walks.hold('b', other);
  replies[0]?.raw.emit('close');
  const next = reply();
  walks.hold('a', next);
  expect(() => walks.hold('a', reply())).toThrow();
  // Whoever takes nothing is left in the end.
  await new Promise((resolve) => next.raw.once('close', resolve));
  await settled();
  expect([...replies.slice(1), other, next].every(({ raw }) => raw.destroyed)).toBe(true);
  for (const one of Array.from({ length: WALK_BOUNDS.held }, reply)) walks.hold('a', one);
});
