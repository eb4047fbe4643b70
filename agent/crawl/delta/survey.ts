import type { Log } from '#agent/qlik/log.ts';
import { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Fault } from '#protocol/errors.ts';
import type { People } from '../people.ts';
import type { Checkpoint, KnownApp } from './checkpoint.ts';
import { changedParts, fingerprintOf } from './fingerprint.ts';
import { HighWater } from './high-water.ts';
import { type ObjectState, surveyObjectChanges } from './objects.ts';
import { type ChangedNames, propertiesOf } from './site-changes.ts';

/** An app of the site, as far as it was looked at. */
export interface SurveyedApp {
  readonly id: string;
  readonly name: string;
  /** Absent: nothing speaks for reading it, so that not even its row was asked for. */
  readonly row: QrsApp | undefined;
  /** What is known of it from the crawl before. */
  readonly known: KnownApp | undefined;
}

/** Which apps there are. */
export interface Survey {
  readonly apps: readonly SurveyedApp[];
  /** Why these may not be all. */
  readonly incomplete: Fault | undefined;
  readonly since: string | null;
  readonly objects: ObjectState;
  /** Apps that the filter rejected before and whose row did not change since: id, name, rule. */
  readonly rejected: readonly (readonly [id: string, name: string, rule: string])[];
  /** Apps whose scripts include files that changed. */
  readonly included: ReadonlySet<string>;
}

/** All apps, as they were listed. */
export const surveyOf = (listing: Listing<QrsApp>, objects: ObjectState, nowMs: number): Survey => {
  const high = new HighWater(nowMs);
  for (const { modifiedDate } of listing.rows) high.add(modifiedDate);
  return {
    apps: listing.rows.map((row) => ({ id: row.id, name: row.name, row, known: undefined })),
    incomplete: listing.incomplete,
    since: high.since,
    objects,
    rejected: [],
    included: new Set(),
  };
};

export interface SurveyOptions {
  readonly people: People;
  readonly names: ChangedNames;
  readonly compareIds: boolean;
  /** Apps that are to be read whatever their fingerprint says. */
  readonly unsure: ReadonlySet<string>;
  /** Apps whose scripts include files that changed. */
  readonly included: ReadonlySet<string>;
  readonly nowMs: number;
  readonly log: Log;
}

/** Finds out which apps changed since a crawl, and asks for the rows of those alone. */
export const surveyChanges = async (site: Site, base: Checkpoint, options: SurveyOptions): Promise<Survey> => {
  const { people, names, compareIds, unsure, included, nowMs, log } = options;
  const apps = new Map(base.apps);
  const rejected = new Map(base.rejected.map((one) => [one[0], one]));
  const known = new Map<string, unknown>([...apps, ...rejected]);
  const named = names.in(propertiesOf(QrsApp));
  const changes = await site.changes('app', QrsApp, {
    known,
    since: named === 'all' ? null : base.site.appsSince,
    orElse: named === 'all' ? undefined : named,
    compareIds,
  });
  const rows = new Map(changes.rows.map((row) => [row.id, row]));
  const gone = new Set(changes.gone);
  const high = new HighWater(nowMs, base.site.appsSince);
  for (const { modifiedDate } of changes.rows) high.add(modifiedDate);

  // Rows around the last moment come again without having changed.
  const touched = changes.rows.filter((row) => {
    const before = apps.get(row.id)?.fingerprint;
    return before === undefined || changedParts(before, fingerprintOf(row, people, before.objects)).length > 0;
  });
  const changed = { apps: new Set(touched.map(({ id }) => id)), gone };
  const objects = await surveyObjectChanges(site, base, changed, compareIds, nowMs, log);
  const missing = [...apps].filter(
    ([id, { fingerprint, again }]) =>
      !rows.has(id) &&
      !gone.has(id) &&
      (again || unsure.has(id) || included.has(id) || isOther(fingerprint.objects, objects.of(id))),
  );
  const wanted = missing.map(([id]) => id);
  for (const row of await site.appRows(wanted)) rows.set(row.id, row);
  // Deleted between two answers.
  for (const id of wanted) if (!rows.has(id)) gone.add(id);

  const surveyed: SurveyedApp[] = [];
  for (const [id, before] of apps)
    if (!gone.has(id)) {
      const row = rows.get(id);
      surveyed.push({ id, name: row?.name ?? before.name, row, known: before });
    }
  for (const row of rows.values())
    if (!apps.has(row.id)) surveyed.push({ id: row.id, name: row.name, row, known: undefined });
  return {
    apps: surveyed,
    incomplete: changes.incomplete,
    since: changes.incomplete === undefined ? high.since : base.site.appsSince,
    objects,
    included,
    rejected: [...rejected.values()].filter(([id]) => !gone.has(id) && !rows.has(id)),
  };
};

const isOther = (before: string | null, now: string | null): boolean =>
  before !== null && now !== null && before !== now;
