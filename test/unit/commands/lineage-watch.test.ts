import { expect, test } from 'vitest';
import { LineageWatch } from '#agent/commands/lineage-watch.ts';
import type { AgentEffect, RemovedFor } from '#protocol/agent-events.ts';
import { Fault } from '#protocol/errors.ts';
import type { StaleLineage } from '#protocol/status.ts';

const found = (changed: string): StaleLineage => ({ changed, apps: 1, why: 'The mapping file changed.' });

const removed = (jobId: string, why: RemovedFor): AgentEffect[] => [{ type: 'remove', jobId, attempt: 1, why }];

const watched = () => {
  const looks: { code: string; end: (with_: StaleLineage | undefined | Fault) => void }[] = [];
  let changes = 0;
  const forgets: { readonly what: string; readonly end: () => void }[] = [];
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
    forget: async (code, jobId) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      forgets.push({ what: `${code} ${jobId}`, end: resolve });
      if (code === 'a' && jobId === 'slow') await promise;
      return code === 'b' && jobId === 'noted';
    },
    everyMs: 3_600_000,
    log: { debug: () => {} },
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  /** Ends the look that goes on, and lets the next begin. */
  const end = async (value: StaleLineage | undefined | Fault): Promise<void> => {
    looks.at(-1)?.end(value);
    await settle();
  };
  const forgotten = () => forgets.map(({ what }) => what);
  const endForget = () => forgets.at(-1)?.end();
  return {
    watch,
    end,
    settle,
    forgotten,
    endForget,
    codes: () => looks.map(({ code }) => code).join(' '),
    changes: () => changes,
  };
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
  watch.onStep(removed('noted', 'closed'));
  watch.onStep(removed('other', 'lost'));
  await settle();
  expect(codes()).toBe('');
  watch.onStep(removed('noted', 'unpublished'));
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

test('what a job noted is not forgotten while another is at work there, which would write over it', async () => {
  const { watch, end, settle, forgotten, codes } = watched();
  await using _ = watch;
  const job = Promise.withResolvers<void>();
  const done = watch.during('b', () => job.promise);
  watch.onStep(removed('noted', 'unpublished'));
  await settle();
  expect(forgotten()).toEqual(['a noted']);
  job.resolve();
  await done;
  await settle();
  expect(forgotten()).toEqual(['a noted', 'b noted']);
  // It is looked at after the job, and once more for what was forgotten.
  await end(undefined);
  expect(codes()).toBe('b b');
  await end(undefined);
});

test('a job begins, and the agent ends, when what is being forgotten is written', async () => {
  const { watch, end, settle, endForget } = watched();
  const steps: string[] = [];
  watch.onStep(removed('slow', 'unpublished'));
  await settle();
  const job = watch.during('a', () => Promise.resolve(steps.push('job')));
  await settle();
  expect(steps).toEqual([]);
  endForget();
  await job;
  expect(steps).toEqual(['job']);
  await end(undefined);
  watch.onStep(removed('slow', 'lost'));
  await settle();
  const ended = watch[Symbol.asyncDispose]().then(() => steps.push('ended'));
  await settle();
  expect(steps).toEqual(['job']);
  endForget();
  await ended;
  expect(steps).toEqual(['job', 'ended']);
});
