import { expect, test } from 'vitest';
import { LineageWatch } from '#agent/commands/lineage-watch.ts';
import { Fault } from '#protocol/errors.ts';
import type { StaleLineage } from '#protocol/status.ts';

const found = (changed: string): StaleLineage => ({ changed, apps: 1, why: 'The mapping file changed.' });

const watched = () => {
  const looks: { code: string; end: (with_: StaleLineage | undefined | Fault) => void }[] = [];
  let changes = 0;
  const watch = new LineageWatch({
    codes: () => ['a', 'b'],
    look: (code) => {
      const { promise, resolve, reject } = Promise.withResolvers<StaleLineage | undefined>();
      looks.push({ code, end: (value) => (value instanceof Fault ? reject(value) : resolve(value)) });
      return promise;
    },
    onChange: () => {
      changes += 1;
    },
    forget: (code, jobId) => Promise.resolve(code === 'b' && jobId === 'noted'),
    everyMs: 3_600_000,
    log: { debug: () => {} },
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  /** Ends the look that goes on, and lets the next begin. */
  const end = async (value: StaleLineage | undefined | Fault): Promise<void> => {
    looks.at(-1)?.end(value);
    await settle();
  };
  return { watch, end, settle, codes: () => looks.map(({ code }) => code).join(' '), changes: () => changes };
};

test('connections are looked at one after the other, and what is found is told once', async () => {
  const { watch, end, codes, changes } = watched();
  await using _ = watch;
  watch.soon();
  expect(codes()).toBe('a');
  await end(found('x'));
  expect([codes(), watch.of('a')?.changed, changes()]).toEqual(['a b', 'x', 1]);
  await end(undefined);
  watch.soon(['a']);
  await end(found('x'));
  expect(changes()).toBe(1);
  watch.soon(['a']);
  await end(undefined);
  expect([watch.of('a'), changes()]).toEqual([undefined, 2]);
});

test('a look that fails leaves what is known, and the next ones come', async () => {
  const { watch, end, codes } = watched();
  await using _ = watch;
  watch.soon(['a']);
  await end(found('x'));
  watch.soon(['a', 'b']);
  await end(new Fault('network.timeout', 'The site does not answer'));
  expect([watch.of('a')?.changed, codes()]).toEqual(['x', 'a a b']);
  await end(undefined);
});

test('a connection is looked at again when what a job noted of it was not published, and for no other reason', async () => {
  const { watch, end, settle, codes } = watched();
  await using _ = watch;
  const over = (jobId: string, why: 'closed' | 'unpublished' | 'lost' | 'broken') =>
    watch.onStep([{ type: 'remove', jobId, attempt: 1, why }]);
  over('noted', 'closed');
  over('other', 'lost');
  await settle();
  expect(codes()).toBe('');
  over('noted', 'unpublished');
  await settle();
  expect(codes()).toBe('b');
  await end(undefined);
});

test('while a job makes lineage nothing is looked at, and what was looked at before counts for nothing', async () => {
  const { watch, end, settle, codes, changes } = watched();
  await using _ = watch;
  watch.soon(['a']);
  const job = Promise.withResolvers<void>();
  const done = watch.during('a', () => job.promise);
  await end(found('x'));
  expect([watch.of('a'), changes()]).toEqual([undefined, 0]);
  watch.soon(['a']);
  await settle();
  expect(codes()).toBe('a');
  job.resolve();
  await done;
  await settle();
  expect(codes()).toBe('a a');
  await end(undefined);
});
