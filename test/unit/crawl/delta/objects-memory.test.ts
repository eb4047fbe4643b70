import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { surveyObjects } from '#agent/crawl/delta/objects.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { RepositoryClient } from '#agent/qlik/repository/client.ts';
import { type ObjectMark, objectDigests } from '#agent/qlik/repository/object-digests.ts';
import type { Site } from '#agent/qlik/site.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const APPS = 250;
const OBJECTS = 9_000;
/** One was modified each minute, and those of the last ten may still come again. */
const MINUTE_MS = 60_000;
const LATE = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A repository that makes its objects up as they are asked for, the latest first. */
const madeUp = {
  post: (_: string, query: Readonly<Record<string, string>>): Promise<unknown> => {
    const from = Number(query['skip']);
    const length = Math.min(Number(query['take']), Math.max(0, OBJECTS - from));
    const rows = Array.from({ length }, (_, i) => {
      const id = `object-${from + i}`;
      return [id, `app-${(from + i) % APPS}`, id, new Date(NOW_MS - (from + i) * MINUTE_MS).toISOString()];
    });
    return Promise.resolve({ rows });
  },
} as unknown as RepositoryClient;

test('of the objects of all apps none is held but those that may come again', async () => {
  const seen: WeakRef<ObjectMark>[] = [];
  let held: number | undefined;
  const site = {
    objectDigests: async (apps: readonly string[] | 'all', onObject: (mark: ObjectMark) => void) => {
      const digests = await objectDigests(madeUp, apps, (mark) => {
        seen.push(new WeakRef(mark));
        onObject(mark);
      });
      // What a weak reference was made of lives on to the end of the turn.
      await new Promise(setImmediate);
      collect();
      held = seen.filter((mark) => mark.deref() !== undefined).length;
      return digests;
    },
    countObjects: () => Promise.resolve(OBJECTS),
  } satisfies Partial<Site> as unknown as Site;

  const state = await surveyObjects(site, NOW_MS, SILENT);
  expect(seen).toHaveLength(OBJECTS);
  expect(held).toBeLessThanOrEqual(LATE);
  expect([state.byApp.size, state.recent.length]).toEqual([APPS, LATE]);
  expect(state.of('app-1')).toMatch(/^36:/);
});
