import { join } from 'node:path';
import type { RecordSnapshot } from '#test/simulator/record.ts';
import { rounded } from '../figures.ts';
import { runAgent } from './agent-process.ts';
import { Place, type PlaceOptions } from './place.ts';
import type { SummaryWithState } from './with-state.ts';

/** What the last line of the benchmark says of a crawl that reads only what changed. */
export interface DeltaRun {
  readonly apps: number;
  readonly changed: number;
  readonly requests: number;
  readonly opens: number;
  readonly seconds: number;
}

const PROGRAM = join(import.meta.dirname, 'with-state.ts');

/** Crawls a site, crawls it again unchanged, changes some apps, and crawls once more. Only the last counts for the line. */
export const deltaRun = async (options: PlaceOptions, changed: number): Promise<DeltaRun> => {
  await using place = await Place.make(options);
  let checkpoint: string | null = null;
  const crawl = async (what: string): Promise<Omit<DeltaRun, 'apps' | 'changed'>> => {
    await place.forget();
    const run = await runAgent<SummaryWithState>([
      PROGRAM,
      place.file,
      place.folder,
      ...(checkpoint === null ? [] : [checkpoint]),
    ]);
    checkpoint = run.summary.checkpoint;
    const record = await place.site.ask<RecordSnapshot>('/record');
    const qrs = Object.entries(record.http).reduce(
      (n, [path, { count }]) => n + (path.includes('/qrs/') ? count : 0),
      0,
    );
    process.stdout.write(
      `${what}: ${rounded(run.seconds)} s, ${record.requests} requests (${qrs} to QRS), ${record.opens} opens\n`,
    );
    return { requests: record.requests, opens: record.opens, seconds: rounded(run.seconds) };
  };
  await crawl('full');
  await crawl('nothing changed');
  const apps = await place.site.ask<readonly { readonly id: string }[]>('/apps');
  const modifiedDate = new Date().toISOString();
  for (const { id } of apps.slice(0, changed))
    await place.site.ask('/mutate', { action: 'change', appId: id, change: { modifiedDate } });
  return { apps: options.apps, changed, ...(await crawl(`${changed} apps changed`)) };
};
