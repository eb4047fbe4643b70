import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Reason } from '#protocol/records.ts';
import { type Fingerprint, fingerprintOf } from './delta/fingerprint.ts';
import { AGAIN, changeOf, FIRST, INCLUDED, INTERRUPTED, UNCHANGED } from './delta/reasons.ts';
import type { Survey, SurveyedApp } from './delta/survey.ts';
import type { Keys } from './keys.ts';
import type { People } from './people.ts';

/** An app with what it is known by now. */
export interface PlannedApp extends SurveyedApp {
  readonly fingerprint: Fingerprint;
  /** Why it is read, or why not. */
  readonly reason: Reason;
}

/** An app that is to be opened. */
export interface PlannedVisit extends PlannedApp {
  readonly row: QrsApp;
}

/** Which apps a crawl opens, and which it does not. */
export interface Plan {
  /** The smallest first: they are taken from the end, since a large one at the end would leave the other sessions idle. */
  readonly read: PlannedVisit[];
  /** What is known of them is still so. */
  readonly unchanged: readonly PlannedApp[];
  /** Apps whose scope was published by an earlier attempt of the same job. */
  readonly published: readonly PlannedApp[];
}

export interface PlanOptions {
  readonly keys: Keys;
  readonly people: People;
  readonly skipScopes: ReadonlySet<string> | undefined;
  /** Why all apps are read, whatever is known of them; undefined: only those that changed are. */
  readonly readAll: Reason | undefined;
  /** Apps of which nobody knows what was published last. */
  readonly unsure: ReadonlySet<string>;
}

/** Plans the visits to the apps of a site. */
export const planOf = ({ apps, objects, included }: Survey, options: PlanOptions): Plan => {
  const { keys, people, skipScopes, readAll, unsure } = options;
  const plan = { read: [] as PlannedVisit[], unchanged: [] as PlannedApp[], published: [] as PlannedApp[] };
  for (const app of apps) {
    const { id, row, known } = app;
    const fingerprint =
      row === undefined && known !== undefined
        ? { ...known.fingerprint, objects: objects.of(id) ?? known.fingerprint.objects }
        : row === undefined
          ? undefined
          : fingerprintOf(row, people, objects.of(id) ?? known?.fingerprint.objects ?? null);
    if (fingerprint === undefined) continue;
    const reason = readAll ?? whyRead(app, fingerprint, unsure, included);
    if (skipScopes?.has(keys.of(id)) === true)
      plan.published.push({ ...app, fingerprint, reason: reason ?? UNCHANGED });
    else if (reason === undefined) plan.unchanged.push({ ...app, fingerprint, reason: UNCHANGED });
    else if (row !== undefined) plan.read.push({ ...app, row, fingerprint, reason });
  }
  plan.read.sort((a, b) => (a.row.fileSize ?? 0) - (b.row.fileSize ?? 0));
  return plan;
};

const whyRead = (
  { id, known }: SurveyedApp,
  now: Fingerprint,
  unsure: ReadonlySet<string>,
  included: ReadonlySet<string>,
): Reason | undefined => {
  if (known === undefined) return FIRST;
  const change = changeOf(known.fingerprint, now);
  if (change !== undefined) return change;
  if (unsure.has(id)) return INTERRUPTED;
  if (known.again) return AGAIN;
  // The last, since it alone needs no visit where the app is kept.
  return included.has(id) ? INCLUDED : undefined;
};
