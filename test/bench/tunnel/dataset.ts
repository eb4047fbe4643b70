import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import type { BatchContent } from '#agent/spool/attempt-spool.ts';
import { LIMITS } from '#protocol/constants.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { SimulatedSite } from '#test/demo/site.ts';

const run = promisify(execFile);
const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

/** What a crawl of a simulated site wrote, cut into batches as the agent's spool cuts them. */
export interface Dataset {
  readonly records: number;
  readonly scopes: number;
  readonly rawBytes: number;
  readonly batches: readonly BatchContent[];
  /** The connection file of the site, for an agent that has to have one. */
  readonly connection: string;
}

const packed = (lines: readonly string[], completed: readonly string[]): BatchContent => {
  const raw = Buffer.from(lines.join(''));
  const payload = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return { codec: 'zstd', records: lines.length, rawBytes: raw.length, payload, completed };
};

/** Crawls a site of `apps` apps with the agent's own command; the site does not wait as a real one would. */
export const crawledDataset = async (folder: string, apps: number, seed: number): Promise<Dataset> => {
  const siteFolder = join(folder, 'site');
  await mkdir(siteFolder, { recursive: true });
  const out = join(folder, 'records.ndjson');
  const file = join(folder, 'site.conf');
  let connection: string;
  {
    await using site = await SimulatedSite.start({ folder: siteFolder, seed, apps });
    connection = connectionFile(site.addresses);
    await writeFile(file, connection, { mode: 0o600 });
    await run(process.execPath, [AGENT, 'crawl', file, '--out', out], { maxBuffer: 64 * 1024 * 1024 });
  }
  const batches: BatchContent[] = [];
  let lines: string[] = [];
  let completed: string[] = [];
  let bytes = 0;
  let scopes = 0;
  const cut = (): void => {
    if (lines.length > 0) batches.push(packed(lines, completed));
    lines = [];
    completed = [];
    bytes = 0;
  };
  for await (const text of createInterface({ input: createReadStream(out) })) {
    const line = `${text}\n`;
    const size = Buffer.byteLength(line);
    if (lines.length >= LIMITS.batchRecords || bytes + size > LIMITS.batchRawBytes) cut();
    const record = JSON.parse(text) as StreamRecord;
    if (record.t === 'outcome') {
      completed.push(record.scope);
      scopes += 1;
    }
    lines.push(line);
    bytes += size;
  }
  cut();
  const total = (of: (batch: BatchContent) => number): number => batches.reduce((sum, batch) => sum + of(batch), 0);
  return {
    records: total((batch) => batch.records),
    scopes,
    rawBytes: total((batch) => batch.rawBytes),
    batches,
    connection,
  };
};
