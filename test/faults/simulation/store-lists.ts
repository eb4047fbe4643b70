import type { Lease } from '#protocol/messages.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { StoreModel } from './store-model.ts';

/** What makes a stream unusable. */
export class Poison extends Error {}

/** The record that opens the list of a kind of jobs; undefined: what comes stands for itself. */
const OPENS: Readonly<Record<string, string | undefined>> = {
  test: 'test',
  inventory: 'inventory',
  preview: undefined,
};
const HOLDS: Readonly<Record<string, readonly string[]>> = {
  test: ['check', 'settings'],
  inventory: ['item'],
  preview: ['picture'],
};

/** Whether jobs of this kind bring a list that is stored as it comes, instead of scopes that are published. */
export const isList = (kind: string): boolean => kind in OPENS;

interface ReadBatch {
  readonly seq: number;
  readonly lines: readonly string[];
}

/**
 * Stores what one batch of a list brought: the rules of `catalog/jobs/lists.ts`, written a second time.
 *
 * @returns where the list begins now; of a preview the last batch that is stored
 * @throws Poison when the stream cannot be used, Error when the store has lost what was stored
 */
export const storeList = (store: StoreModel, lease: Lease, { seq, lines }: ReadBatch, knownFrom: number): number => {
  const found = store.holding(lease);
  if (!found) return knownFrom;
  const { job, attempt } = found;
  const records = lines.map((text, index) => {
    const record = JSON.parse(text) as StreamRecord;
    const { t } = record;
    if (t !== OPENS[job.kind] && !HOLDS[job.kind]?.includes(t)) throw new Poison(`${t} in a job of kind ${job.kind}`);
    return { text, record, position: seq * 500 + index };
  });
  if ((attempt.checksFrom ?? -1) < knownFrom) throw new Error('the store has lost the list');
  if (job.kind === 'preview') {
    // One that comes late must not put back what came before.
    if (seq <= (attempt.checksFrom ?? 0)) return attempt.checksFrom ?? knownFrom;
    attempt.checksFrom = seq;
    store.putPictures(
      lease,
      records.flatMap(({ record }) => (record.t === 'picture' ? [record] : [])),
    );
    return seq;
  }
  for (const { text, record, position } of records)
    if (record.t === OPENS[job.kind]) {
      attempt.checksFrom = Math.max(attempt.checksFrom ?? 0, position);
      for (const at of attempt.checks.keys()) if (at < position) attempt.checks.delete(at);
    } else if (attempt.checksFrom === undefined) throw new Poison(`${record.t} before the list was opened`);
    else if (position >= attempt.checksFrom) attempt.checks.set(position, text);
  store.listChanged(lease);
  return attempt.checksFrom ?? -1;
};
