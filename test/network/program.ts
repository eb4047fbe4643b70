import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AssetRecord, EdgeRecord, StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');

export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `culvert` to its end, as a user would. */
export const culvert = (...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 60_000 }, (error, out, err) => {
      resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
    });
  });

/** Writes a connection file for the simulator: `connection` is what stands in that block, `more` what stands after it. */
export const connectionFile = (folder: string, { addresses }: Simulator, connection: string, more = ''): string => {
  const file = join(folder, 'site.conf');
  writeFileSync(
    file,
    `name = "Site"\ncode = site\nconnector_id = "qlik-sense"\nconnection {\n${connection}\n}\n` +
      `tls.truststore { path = ${JSON.stringify(addresses.certificates.rootPath)}, type = PEM }\n${more}`,
  );
  return file;
};

const counted = <Kind extends string>(kinds: readonly Kind[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};
const withoutZeros = (counts: Readonly<Record<string, number | undefined>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).flatMap(([kind, n]) => (n ? [[kind, n]] : [])));

/** Crawls by `culvert crawl` and compares what was written with what the site holds. */
export const expectTheTruth = async (
  folder: string,
  simulator: Simulator,
  connection: string,
  more = '',
): Promise<void> => {
  const out = join(folder, 'records.ndjson');
  const ended = await culvert('crawl', connectionFile(folder, simulator, connection, more), '--out', out);
  // What the user may not open is said there, and is part of the truth.
  expect(ended.status, ended.err).toBe(0);
  const records = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamRecord);
  const assets = records.filter((record): record is AssetRecord => record.t === 'asset').map(({ kind }) => kind);
  const edges = records.filter((record): record is EdgeRecord => record.t === 'edge').map(({ kind }) => kind);
  const truth = simulator.truth();
  // What scripts read lies outside of the site.
  const { dataset: _, column: __, ...ofTheSite } = counted(assets);
  expect(ofTheSite).toEqual(withoutZeros(truth.assets));
  const found = counted(edges);
  expect(found['uses'] ?? 0).toBe(truth.edges.uses);
  expect(simulator.record.snapshot().opensWithData).toBe(0);
};
