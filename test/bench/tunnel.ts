import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, rounded, type Spread, shown, spreadOf, wholeNumber } from './figures.ts';
import type { Measured } from './tunnel/clock.ts';
import { crawledDataset, type Dataset } from './tunnel/dataset.ts';
import { TunnelPlace } from './tunnel/place.ts';

/**
 * How much of what the machine can do the tunnel leaves: bytes beside a WebSocket without a protocol, rows beside COPY. Each
 * repetition takes every figure once, in turns, each in fresh processes, so that a machine that is busy with other things
 * slows all alike; ratios are taken within a repetition.
 */
export const run = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      apps: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      mib: { type: 'string', default: '256' },
      repeat: { type: 'string', default: '5' },
      only: { type: 'string', default: 'bytes,rows' },
    },
  });
  const repeat = wholeNumber('repeat', values.repeat);
  const mib = wholeNumber('mib', values.mib);
  const folder = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
  try {
    say(machine());
    const dataset = await crawledDataset(folder, wholeNumber('apps', values.apps), wholeNumber('seed', values.seed, 0));
    describe(dataset, mib);
    await using place = await TunnelPlace.open(folder, dataset, mib * 1024 ** 2);
    const results: Repetition[] = [];
    for (let n = 1; n <= repeat; n++) {
      const repetition: Repetition = {};
      if (values.only.includes('bytes')) {
        // The order alternates: whatever a run leaves behind must not always meet the same other.
        const names = n % 2 === 1 ? (['raw', 'checked'] as const) : (['checked', 'raw'] as const);
        for (const name of names) repetition[name] = await place[name]();
        repetition.decoded = await place.decoded();
      }
      if (values.only.includes('rows')) Object.assign(repetition, await place.published());
      tell(n, repetition);
      results.push(repetition);
    }
    report(results);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

interface Repetition {
  raw?: Measured;
  checked?: Measured;
  decoded?: Measured;
  published?: Measured;
  copied?: Measured;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const describe = ({ records, scopes, rawBytes, batches }: Dataset, mib: number): void => {
  const packed = batches.reduce((sum, { payload }) => sum + payload.length, 0);
  say(
    `${records} records of a crawl in ${scopes} scopes: ${rounded(rawBytes / 1024 ** 2)} MiB, ` +
      `${Math.round(rawBytes / records)} bytes each; ${batches.length} batches of ` +
      `${Math.round(packed / batches.length / 1024)} KiB when compressed, ${rounded(packed / 1024 ** 2)} MiB`,
  );
  say(`bytes: these batches again and again, ${mib} MiB in all, over TLS on loopback, from a spool on the disk`);
  say('  raw       a WebSocket alone: the same messages from the memory of one process to another that counts them');
  say('  checked   agent and gateway: frame, CRC, credit, lease, sequence; acknowledged, not decoded, not stored');
  say('  decoded   the same, and each record unpacked and parsed (the batches once)');
  say('rows: from the spool to published in PostgreSQL and the job closed');
  say('  published agent and catalog, all that they do; until the spool is deleted');
  say('  copied    COPY of the rows that this left in the tables, into tables with the same indexes and references\n');
};

const perSecond = ({ amount, ms }: Measured): number => (amount / ms) * 1000;
const mibPerSecond = (measured: Measured): number => perSecond(measured) / 1024 ** 2;

const cpuText = ({ cpu }: Measured): string =>
  Object.entries(cpu)
    .map(([name, seconds]) => `${name} ${rounded(seconds)}`)
    .join(', ');

const tell = (n: number, { raw, checked, decoded, published, copied }: Repetition): void => {
  for (const [name, measured] of Object.entries({ raw, checked, decoded }))
    if (measured)
      say(
        `${n} ${name.padEnd(10)}${rounded(mibPerSecond(measured), 1).toString().padStart(8)} MiB/s ` +
          `in ${rounded(measured.ms / 1000)} s; CPU seconds: ${cpuText(measured)}`,
      );
  for (const [name, measured] of Object.entries({ published, copied }))
    if (measured)
      say(
        `${n} ${name.padEnd(10)}${Math.round(perSecond(measured)).toString().padStart(8)} rows/s ` +
          `in ${rounded(measured.ms / 1000)} s; CPU seconds: ${cpuText(measured)}`,
      );
};

const spread = (results: readonly Repetition[], of: (one: Repetition) => number | undefined, digits = 2): Spread =>
  spreadOf(
    results.flatMap((one) => of(one) ?? []),
    digits,
  );

const ratio = (a: Measured | undefined, b: Measured | undefined): number | undefined =>
  a && b && perSecond(a) / perSecond(b);

const medianCpu = (results: readonly Repetition[], name: keyof Repetition): Record<string, number> => {
  const processes = Object.keys(results[0]?.[name]?.cpu ?? {});
  return Object.fromEntries(
    processes.map((process) => [process, spread(results, (one) => one[name]?.cpu[process]).median]),
  );
};

const report = (results: readonly Repetition[]): void => {
  const of = (name: keyof Repetition, figure: (measured: Measured) => number, digits: number): Spread =>
    spread(results, (one) => one[name] && figure(one[name]), digits);
  const bytesRatio = spread(results, ({ checked, raw }) => ratio(checked, raw));
  const decodedRatio = spread(results, ({ decoded, raw }) => ratio(decoded, raw));
  const rowsRatio = spread(results, ({ published, copied }) => ratio(published, copied));
  say(`\nmedian of ${results.length} (least to most)`);
  for (const name of ['raw', 'checked', 'decoded'] as const)
    if (results[0]?.[name]) say(`  ${name.padEnd(10)}${shown(of(name, mibPerSecond, 1), 'MiB/s')}`);
  for (const name of ['published', 'copied'] as const)
    if (results[0]?.[name]) say(`  ${name.padEnd(10)}${shown(of(name, perSecond, 0), 'rows/s')}`);
  const medians: Record<string, unknown> = {};
  if (results[0]?.raw) {
    say(`  checked / raw      ${shown(bytesRatio, '')} (aim: 0.6)`);
    say(`  decoded / raw      ${shown(decodedRatio, '')}`);
    medians['bytesRatio'] = bytesRatio.median;
    medians['decodedBytesRatio'] = decodedRatio.median;
  }
  if (results[0]?.published) {
    say(`  published / copied ${shown(rowsRatio, '')} (aim: 0.5)`);
    medians['rowsRatio'] = rowsRatio.median;
    medians['rowsPerSecond'] = of('published', perSecond, 0).median;
  }
  const cpuSeconds = Object.fromEntries(
    (['raw', 'checked', 'decoded', 'published', 'copied'] as const)
      .filter((name) => results[0]?.[name])
      .map((name) => [name, medianCpu(results, name)]),
  );
  say(JSON.stringify({ bench: 'tunnel', ...medians, repetitions: results.length, cpuSeconds }));
};
