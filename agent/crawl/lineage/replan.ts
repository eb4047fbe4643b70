import type { Site } from '#agent/qlik/site.ts';
import { INCLUDED, lineageOf } from '../delta/reasons.ts';
import type { Plan, PlannedApp, PlannedVisit } from '../plan.ts';
import type { SiteLineage } from './site-lineage.ts';

/** A plan, and the apps of it that stay closed while their lineage is made anew. */
export interface Replanned {
  readonly plan: Plan;
  readonly remade: readonly PlannedVisit[];
}

/**
 * Finds apps that did not change and whose lineage did: a data connection leads elsewhere, the mapping file says something
 * else, a file has other columns, an included script is another. Of those that were kept the lineage is made anew, the others
 * are read again.
 */
export const replanned = async (plan: Plan, site: Site, lineage: SiteLineage | undefined): Promise<Replanned> => {
  if (lineage === undefined) return { plan, remade: [] };
  const stale = new Map<string, PlannedApp>();
  for (const app of plan.unchanged) {
    const changed = await lineage.changed(app.known?.lineage ?? []);
    if (changed !== undefined) stale.set(app.id, { ...app, reason: lineageOf(changed) });
  }
  const included = plan.read.filter(({ reason }) => reason === INCLUDED);
  if (stale.size + included.length === 0) return { plan, remade: [] };
  const kept = await lineage.kept();
  // An app without lineage was kept without its script, if at all: whatever else its script is, only a visit tells.
  const closed = included.filter(({ id, known }) => known?.lineage !== undefined && kept?.has(id) === true);
  const remade: PlannedVisit[] = [...closed];
  const read: PlannedVisit[] = [];
  for (const row of stale.size === 0 ? [] : await site.appRows([...stale.keys()])) {
    const app = stale.get(row.id);
    if (app !== undefined) (kept?.has(row.id) === true ? remade : read).push({ ...app, row });
  }
  const taken = new Set([...remade, ...read].map(({ id }) => id));
  const opened = plan.read.filter(({ id }) => !taken.has(id));
  return {
    // The others were deleted a moment ago, which the next crawl finds out.
    plan: { ...plan, read: [...read, ...opened], unchanged: plan.unchanged.filter(({ id }) => !taken.has(id)) },
    remade,
  };
};
