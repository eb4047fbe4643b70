import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { recordLine } from '#agent/spool/record-size.ts';
import type { JobSink } from '#agent/spool/sink.ts';
import { Fault } from '#protocol/errors.ts';
import { Chance } from './chance.ts';
import { type SourceFile, type SourceScope, sourceScopes } from './source.ts';

/** As many apps as a real crawl reads side by side. */
const READERS = 2;

const writeScope = async (scope: SourceScope, sink: JobSink, signal: AbortSignal, chance: Chance): Promise<void> => {
  await sink.write({ t: 'scope', scope: scope.key, kind: scope.kind, name: scope.name });
  const hash = createHash('sha256');
  const records = scope.outcome === 'unchanged' ? [] : scope.records;
  for (const record of records) {
    signal.throwIfAborted();
    hash.update(recordLine(record));
    await sink.write(record);
    // Batches of all sizes, and scopes that stay open for a while: as a site gives them.
    if (chance.is(0.004)) await sink.flush();
    if (chance.is(0.002)) await sleep(chance.between(5, 80), undefined, { signal });
  }
  const { key, outcome } = scope;
  await sink.write({ t: 'outcome', scope: key, outcome, records: records.length, sha256: hash.digest('hex') });
};

/**
 * Stands in the place of the crawl in the bundle for tests: records without end, faster than any site, and known
 * beforehand. What each connection holds stands in the file that CULVERT_TEST_SOURCE names.
 */
export const crawlJob = (): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    const file = JSON.parse(await readFile(process.env['CULVERT_TEST_SOURCE'] ?? '', 'utf8')) as SourceFile;
    const state = file[spec.connection];
    if (!state) throw new Fault('job.unknown_connection', `There is no source for ${spec.connection}`);
    const [site, ...apps] = sourceScopes(spec.connection, state).filter(({ key }) => !skipScopes.has(key));
    const chance = new Chance(state.seed, state.generation, 7);
    let done = 0;
    const write = async (scope: SourceScope): Promise<void> => {
      await writeScope(scope, sink, signal, chance);
      done += 1;
      onProgress({ scopesDone: done, scopesTotal: apps.length + 1, records: 0, current: [scope.name] });
    };
    if (site) await write(site);
    const read = async (): Promise<void> => {
      for (let app = apps.shift(); app; app = apps.shift()) await write(app);
    };
    await Promise.all(Array.from({ length: READERS }, read));
  },
});
