import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { Fault } from '#protocol/errors.ts';
import { LineageOptions } from '#protocol/job-options.ts';
import { LINEAGE, type Looked, type PlannedScope, tagged } from './crawl.ts';
import { type Kept, type Note, type Notebook, withRemade } from './notebook.ts';
import { appAsset, appKey, appOf, appsSeen, lineageItems, type Site } from './site.ts';

/** What a pass writes of an app: its lineage as it is now, of what was kept of it; of one that was not kept nothing. */
const plannedOf = (site: Site, pass: string, app: number, kept: Kept | undefined): PlannedScope => {
  const scope = appKey(site, app);
  const now = site.apps.get(app);
  if (!kept || !now) return { scope, records: [], ending: { outcome: 'unchanged' } };
  // As it was read: a crawl brings what it has become since.
  const asRead: Site = { ...site, apps: new Map([[app, { ...now, ...kept }]]) };
  const items = [appAsset(asRead, app), ...lineageItems(asRead, app)];
  const outcome = kept.isPart ? 'partial' : 'updated';
  return { scope, records: items.map((item) => tagged(item, pass)), ending: { outcome, anew: [...LINEAGE] } };
};

/** That jobs may publish lineage of these apps is known before any is written. */
const beginNote = async (
  notebook: Notebook,
  connection: string,
  note: Note,
  apps: readonly number[],
): Promise<void> => {
  const { remade = { job: undefined, apps: {}, unsure: [] } } = note;
  const unsure = [...new Set([...remade.unsure, ...apps.map(String)])];
  await notebook.write(connection, { ...note, remade: { ...remade, unsure } });
};

/** With what lineage was made anew, beside what earlier jobs made that the catalog has. */
const endNote = async (
  notebook: Notebook,
  connection: string,
  { name, remade: known }: Note,
  made: {
    readonly job: string;
    readonly published: string | null | undefined;
    readonly apps: ReadonlyMap<number, number>;
    /** Of these an earlier run of the job wrote the lineage, nobody knows with what. */
    readonly earlier: readonly number[];
  },
): Promise<void> => {
  const now = await notebook.read(connection);
  if (now?.name !== name) return;
  const isSure = known?.job !== undefined && known.job === made.published;
  const others = isSure ? [] : Object.keys(known?.apps ?? {});
  const unsure = new Set([...(known?.unsure ?? []), ...others, ...made.earlier.map(String)]);
  const apps: Record<string, number> = isSure ? { ...known.apps } : {};
  for (const [app, lineage] of made.apps) {
    apps[app] = lineage;
    unsure.delete(String(app));
  }
  await notebook.write(connection, { ...now, remade: { job: made.job, apps, unsure: [...unsure] } });
};

/** Makes the lineage of apps anew from what was kept of them, as `agent/crawl/lineage/remake-all` does. */
export const lineageHandler = (look: (jobId: string) => Looked): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    const { site, pass, pace, notebook, onPlan } = look(spec.jobId);
    const { connection } = site;
    const { changed, checkpoint, lineageJob } = LineageOptions.parse(spec.options);
    const note = await notebook.read(connection);
    const kept = await notebook.kept(connection);
    const known = note && note.name === checkpoint ? withRemade(note, lineageJob).apps : undefined;
    const isAsked = (app: number): boolean =>
      changed === undefined || known === undefined || known[app]?.lineage !== site.apps.get(app)?.lineage;
    const plan = appsSeen(site)
      .filter(isAsked)
      .map((app) => plannedOf(site, pass, app, kept[app]));
    onPlan(plan);
    const rest = plan.filter(({ scope }) => !skipScopes.has(scope));
    if (note)
      await beginNote(
        notebook,
        connection,
        note,
        plan.map(({ scope }) => appOf(scope)),
      );
    const made = new Map<number, number>();
    let unknown = 0;
    for (const [done, { scope, records, ending }] of rest.entries()) {
      onProgress({ scopesDone: done, scopesTotal: rest.length, records: 0, current: [scope] });
      if (records.length === 0) unknown += 1;
      else made.set(appOf(scope), site.apps.get(appOf(scope))?.lineage ?? 0);
      for (const record of [
        { t: 'scope', scope, kind: 'app', name: scope } as const,
        ...records,
        { t: 'outcome', scope, ...ending } as const,
      ]) {
        signal.throwIfAborted();
        await pace.pause();
        await sink.write(record);
        pace.onWritten();
      }
    }
    if (made.size === 0 && unknown > 0)
      throw new Fault('lineage.nothing_kept', `Of none of the ${unknown} apps anything is kept`);
    if (!note) return;
    await sink.flush();
    const earlier = plan.filter(({ scope }) => skipScopes.has(scope)).map(({ scope }) => appOf(scope));
    await endNote(notebook, connection, note, { job: spec.jobId, published: lineageJob, apps: made, earlier });
  },
});
