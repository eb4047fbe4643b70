// One crawl that goes on from where the one before left off, as an agent does for a catalog: `with-state.ts <connection file>
// <folder of the state> [checkpoint]`. Its last line names the checkpoint that it left.
import { basename, dirname, join } from 'node:path';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { RecordFile } from '#agent/commands/record-file.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { CrawlOptions } from '#protocol/job-options.ts';
import type { Summary } from './agent-process.ts';

/** The last line of this program. */
export interface SummaryWithState extends Summary {
  /** What the next crawl goes on from; null when nothing was left. */
  readonly checkpoint: string | null;
}

const [, , file = '', state = '', checkpoint = ''] = process.argv;
const job = `after ${checkpoint}`;
const parsed = await loadConnectionFile(basename(file), { folder: dirname(file) });
if (parsed?.connection === undefined) throw new Error(`${file} cannot be used`);
await using site = openSite(parsed.connection, { dialer: new Dialer() });
await using records = new RecordFile(join(state, 'records.ndjson'));
let left: string | undefined;
const gate = new RecordGate({
  maxRecordBytes: Number.MAX_SAFE_INTEGER,
  write: (record, line) => {
    if (record.t === 'outcome') left ??= record.checkpoint;
    return records.write(record, line);
  },
});
const summary = await crawl(site, parsed.connection, gate, {
  asked: CrawlOptions.parse({ checkpoint: checkpoint === '' ? null : checkpoint }),
  checkpoints: { folder: state, job, owner: 'bench', crawler: 'bench', flush: () => Promise.resolve() },
});
await records.close();
const { assets, outcomes } = summary;
const last: SummaryWithState = { assets, outcomes, checkpoint: left ?? null };
process.stdout.write(`${JSON.stringify(last)}\n`);
