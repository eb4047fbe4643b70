import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type ObjectState, surveyObjects } from '#agent/crawl/delta/objects.ts';
import { SILENT } from '#agent/qlik/log.ts';
import type { RepositoryClient } from '#agent/qlik/repository/client.ts';
import { countObjects, objectDigests } from '#agent/qlik/repository/object-digests.ts';
import type { Site } from '#agent/qlik/site.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const APPS = 250;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heldBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** A repository that makes its objects up as they are asked for, and notes the most that was held after a collection. */
class MadeUp {
  mostBytes = 0;
  readonly #objects: number;
  #pages = 0;

  constructor(objects: number) {
    this.#objects = objects;
  }

  get site(): Site {
    const repository = this as unknown as RepositoryClient;
    return {
      objectDigests: (apps: readonly string[] | 'all', onObject) => objectDigests(repository, apps, onObject),
      countObjects: () => countObjects(repository),
    } satisfies Partial<Site> as unknown as Site;
  }

  get(): Promise<unknown> {
    return Promise.resolve({ value: this.#objects });
  }

  post(_: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    this.#pages += 1;
    // To collect takes its time; of few pages each is looked at.
    if (this.#objects < 10_000 || this.#pages % 50 === 0) this.mostBytes = Math.max(this.mostBytes, heldBytes());
    const from = Number(query['skip']);
    const rows: unknown[] = [];
    for (let n = from; n < Math.min(this.#objects, from + Number(query['take'])); n++) rows.push(this.#row(n));
    // As an answer comes: texts that nobody else has.
    return Promise.resolve(JSON.parse(JSON.stringify({ rows })));
  }

  #row(n: number): unknown[] {
    const id = n.toString(16).padStart(32, '0');
    const modified = new Date(NOW_MS - (n % 9973) * 60_000).toISOString();
    return [id, `app-${n % APPS}`, `${id}${id}`, modified];
  }
}

const surveyed = async (objects: number): Promise<{ state: ObjectState; mostBytes: number }> => {
  const made = new MadeUp(objects);
  const before = heldBytes();
  const state = await surveyObjects(made.site, NOW_MS, SILENT);
  return { state, mostBytes: made.mostBytes - before };
};

describe('objects of apps', () => {
  test('500,000 are told apart with no more memory than 5,000', { timeout: 60_000 }, async () => {
    await surveyed(5_000);
    const few = await surveyed(5_000);
    const many = await surveyed(500_000);
    expect(many.state.byApp.size).toBe(APPS);
    expect(many.state.of('app-1')).toMatch(/^2000:/);
    // Both hold a page or two and the marks of the last minutes; half a million of them would be a hundred megabytes.
    expect(many.mostBytes - few.mostBytes).toBeLessThan(1024 ** 2);
  });
});
