import type { Site } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import { leavingName } from '#config/redaction/leaving.ts';
import { Fault } from '#protocol/errors.ts';
import type { StaleLineage } from '#protocol/status.ts';
import { siteAppContext } from '../app-context.ts';
import { passCheckpoint } from '../delta/checkpoint.ts';
import { digestOf } from '../delta/fingerprint.ts';
import { lineageOf } from '../delta/reasons.ts';
import { readRemade, remadeSince } from '../delta/remade-notes.ts';
import type { LineageMeans } from './site-lineage.ts';

export interface StaleOptions {
  readonly means: LineageMeans;
  /** Where crawls leave what the next one goes on from, and for whom. */
  readonly folder: string;
  readonly owner: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks whether what the lineage of apps was made with is still the same: data connections, included scripts, heads of QVDs,
 * the mapping file, the interpreter. No app is opened or interpreted; of the site only its data connections are asked for, so
 * which apps a BINARY means now is left to the next crawl.
 *
 * @returns undefined when nothing is stale that could be made anew from what was kept
 */
export const staleLineage = async (
  site: Site,
  connection: Connection,
  { means, folder, owner, signal }: StaleOptions,
): Promise<StaleLineage | undefined> => {
  const notes = await readRemade(folder, connection.code);
  const ids: string[] = [];
  /** By what lineage was made with, and its mark: the places of those apps in `ids`. */
  const dependents = new Map<string, number[]>();
  const loaded = await passCheckpoint(folder, connection.code, ({ name }) => {
    // What a job left unsure is for the next crawl: whoever stopped the job does not want it begun again.
    const made = remadeSince(name, notes && { ...notes, unsure: [] }, notes?.job);
    return (app) => {
      const [id, { lineage: inputs = [] }] = made(app);
      if (inputs.length === 0) return;
      const place = ids.push(id) - 1;
      for (const [input, mark] of inputs) {
        const both = `${mark}\n${input}`;
        const places = dependents.get(both);
        if (places === undefined) dependents.set(both, [place]);
        else places.push(place);
      }
    };
  });
  if (loaded.type !== 'checkpoint' || loaded.checkpoint.identity.owner !== owner) return undefined;
  const { name, site: known } = loaded.checkpoint;
  const context = siteAppContext(site, connection, { filter: undefined, lineage: means, signal });
  const { lineage, connections } = context;
  const kept = await lineage?.kept();
  const isKept = ids.map((id) => kept?.has(id) === true);
  if (lineage === undefined || !isKept.includes(true)) return undefined;
  for (const place of known.connections) connections.set(place.id, place);
  // What the user may not see today is no other thing for that.
  const listing = await site.dataConnections().catch((error: unknown) => {
    if (error instanceof Fault) return undefined;
    throw error;
  });
  signal?.throwIfAborted();
  if (listing !== undefined && listing.incomplete === undefined && listing.rows.length > 0) {
    connections.clear();
    for (const { id, name: called, type, target } of listing.rows)
      connections.set(id, { id, name: called, type, target });
  }
  const stale = new Set<number>();
  const changes: (readonly [input: string, before: string, now: string])[] = [];
  for (const [both, places] of dependents) {
    signal?.throwIfAborted();
    if (!places.some((place) => isKept[place])) continue;
    const end = both.indexOf('\n');
    const [before, input] = [both.slice(0, end), both.slice(end + 1)];
    const now = await lineage.mark(input);
    if (now === undefined || now === before) continue;
    changes.push([input, before, now]);
    for (const place of places) if (isKept[place]) stale.add(place);
  }
  const [first] = changes;
  if (first === undefined) return undefined;
  return {
    // The same for the same changes since the same state, so that nobody acts on it twice: what a job could not make anew
    // (an app that is gone, or kept out meanwhile) would be asked for in one job after the other.
    changed: digestOf([name, notes?.by, changes.toSorted()]).slice(0, 40),
    apps: stale.size,
    why: leavingName(lineageOf(first[0]).message),
  };
};
