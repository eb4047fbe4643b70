import type { RecordSnapshot } from '#test/simulator/record.ts';
import { rounded } from '../figures.ts';
import { crawlOneByOne } from '../one-by-one.ts';
import { runAgent } from './agent-process.ts';
import { crawlInSequence } from './in-sequence.ts';
import { Place, type PlaceOptions } from './place.ts';

/** What the last line of the benchmark says of it. */
export interface Sequential {
  readonly apps: number;
  /** Of the crawler with one socket and one request at a time. */
  readonly seconds: number;
  /** How many times as long as ours. */
  readonly speedup: number;
}

/** Our crawl beside one with one socket and one request at a time, and beside our own calls one after another. */
export const besideOthers = async (
  options: PlaceOptions,
  command: (place: Place) => readonly string[],
): Promise<Sequential> => {
  await using place = await Place.make(options);
  const { apps } = options;
  const rows: string[][] = [['', 'seconds', 'ms an app', 'requests an app', 'app data loaded']];
  const row = async (name: string, crawl: () => Promise<number>): Promise<number> => {
    await place.forget();
    const seconds = await crawl();
    const { requests, loadedBytes } = await place.site.ask<RecordSnapshot>('/record');
    rows.push([
      name,
      seconds.toFixed(1),
      ((seconds / apps) * 1000).toFixed(0),
      (requests / apps).toFixed(1),
      `${(loadedBytes / 1024 ** 3).toFixed(1)} GiB`,
    ]);
    return seconds;
  };
  const ours = await row('culvert crawl, two sessions', async () => (await runAgent(command(place))).seconds);
  let found = '';
  const others = await row('one socket, one request at a time, with data', async () => {
    const { seconds, sheets, charts, tables, fields, scripts, refused } = await crawlOneByOne(place.site.addresses);
    found = `${sheets} sheets, ${charts} objects in them, ${tables} tables, ${fields} fields, ${scripts} scripts; ${refused} apps refused`;
    return seconds;
  });
  await row('our calls, one at a time, one session', async () => crawlInSequence(await place.connection()));
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  for (const cells of rows)
    process.stdout.write(
      `${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ')}\n`,
    );
  process.stdout.write(`the second brought ${found}\n`);
  return { apps, seconds: rounded(others), speedup: rounded(others / ours) };
};
