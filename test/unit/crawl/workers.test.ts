import { expect, test } from 'vitest';
import { workOff } from '#agent/crawl/workers.ts';

/** What one worker does with a queue, in its order. */
const order = async (queue: string[], isLarge?: (read: string) => boolean): Promise<string[]> => {
  const done: string[] = [];
  await workOff<string, string>(
    {
      queue,
      workers: 1,
      read: async (item) => {
        done.push(`read ${item}`);
        return item;
      },
      write: async (item) => {
        await Promise.resolve();
        done.push(`begin ${item}`);
        // Longer than any reading here takes.
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
        done.push(`end ${item}`);
      },
      ...(isLarge === undefined ? {} : { isLarge }),
    },
    new AbortController().signal,
    new AbortController(),
  );
  return done;
};

test('one is read while the one before is written', async () => {
  const done = await order(['b', 'a']);
  expect(done.indexOf('read b')).toBeLessThan(done.indexOf('end a'));
});

test('while a large one is written nothing is read beside it', async () => {
  const done = await order(['c', 'large', 'a'], (read) => read === 'large');
  expect(done.indexOf('read c')).toBeGreaterThan(done.indexOf('end large'));
  // It is read beside the one before, of which nobody knew then that another would be large.
  expect(done.indexOf('read large')).toBeLessThan(done.indexOf('end a'));
});

test('what writing fails with ends the work and stops the others', async () => {
  const stop = new AbortController();
  const work = workOff<string, string>(
    {
      queue: ['b', 'a'],
      workers: 2,
      read: async (item) => item,
      write: async (item) => {
        if (item === 'a') throw new Error('the disk is gone');
      },
      isLarge: () => true,
    },
    stop.signal,
    stop,
  );
  await expect(work).rejects.toThrow('the disk is gone');
  expect(stop.signal.aborted).toBe(true);
});
