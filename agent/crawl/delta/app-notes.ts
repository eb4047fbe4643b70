import type { Outcome } from '#protocol/records.ts';
import type { LineageInputs } from '../lineage/lookups.ts';
import type { Plan, PlannedApp, PlannedVisit } from '../plan.ts';
import type { Ending, Why } from '../scope-writer.ts';
import type { IncludeMarks } from '../site-files.ts';
import type { KnownApp } from './checkpoint.ts';
import type { Delta } from './delta.ts';
import type { Noted } from './journal.ts';
import type { ObjectState } from './objects.ts';
import { mayHavePassed, UNCHANGED } from './reasons.ts';
import type { RemadeWith } from './remade-notes.ts';

/** Notes what becomes of the apps of a crawl. */
export class AppNotes {
  readonly #delta: Delta;
  /** For the next crawl, if that may go on from this one. Undefined: it was gone when its turn came. */
  readonly #read = new Map<string, KnownApp | undefined>();
  #ids: ReadonlySet<string> = new Set();

  constructor(delta: Delta) {
    this.#delta = delta;
  }

  /** Notes as what an app was read, before the end of its scope is written. */
  async read(
    { id, name, known, fingerprint, reason }: PlannedVisit,
    outcome: Outcome,
    why: Why,
    included?: IncludeMarks | undefined,
    lineage?: LineageInputs | undefined,
  ): Promise<Ending> {
    // Of one whose script could not be read they are as they were.
    const includes = included ?? known?.includes ?? [];
    if (outcome === 'gone') this.#read.set(id, undefined);
    else {
      const app: KnownApp = {
        name,
        fingerprint,
        outcome,
        readAt: new Date(this.#delta.clock()).toISOString(),
        readFor: reason,
        reason,
        again: (outcome === 'failed' || outcome === 'partial') && mayHavePassed(why),
        ...(includes.length === 0 ? {} : withIncludes(includes)),
        ...withLineage(lineage),
        ...(known === undefined ? {} : { before: known.fingerprint }),
      };
      if (this.#delta.isKept) this.#read.set(id, app);
      await this.#delta.app(id, app);
    }
    return { reason };
  }

  /** Notes with what the lineage of an app was made anew that was not read, before the end of its scope is written. */
  async remade({ id, name, known, fingerprint, reason }: PlannedApp, made: RemadeWith): Promise<Ending> {
    if (known !== undefined) {
      const app: KnownApp = {
        ...{ ...known, name, fingerprint, reason },
        ...withLineage(made.lineage),
        ...(made.includes === undefined ? {} : withIncludes(made.includes)),
      };
      if (this.#delta.isKept) this.#read.set(id, app);
      await this.#delta.app(id, app);
    }
    return { reason };
  }

  /** What is known of all apps now, for a crawl that others may go on from. */
  result(plan: Plan, noted: Noted): [id: string, app: KnownApp][] {
    const apps: [string, KnownApp][] = [];
    for (const { id } of plan.read) if (!this.#read.has(id)) throw new Error(`app ${id} was planned and not read`);
    for (const [id, app] of this.#read) if (app !== undefined) apps.push([id, app]);
    for (const { id, name, known, fingerprint } of plan.unchanged)
      if (known !== undefined) apps.push([id, { ...known, name, fingerprint, reason: UNCHANGED }]);
    for (const app of plan.published) apps.push([app.id, publishedApp(app, noted)]);
    this.#ids = new Set(apps.map(([id]) => id));
    return apps;
  }

  /** Objects of apps that are not among those of the {@link result}. */
  otherObjects({ byApp }: ObjectState): [id: string, objects: string][] {
    return [...byApp].filter(([id]) => !this.#ids.has(id));
  }
}

const withLineage = (lineage: LineageInputs | undefined): Pick<KnownApp, 'lineage'> =>
  lineage === undefined ? {} : { lineage: lineage.map(([input, mark]): [string, string] => [input, mark]) };

const withIncludes = (includes: IncludeMarks): Pick<KnownApp, 'includes'> => ({
  includes: includes.map(([path, mark]): [string, string] => [path, mark]),
});

/**
 * An app that an earlier attempt of the job published: with the fingerprint that it had then, since it may have changed
 * between the attempts. Where nothing was noted it was not read then, or nobody knows as what: that is read again.
 */
const publishedApp = (app: PlannedApp, noted: Noted): KnownApp => {
  const { id, name, known, fingerprint, reason } = app;
  const own = noted.apps.get(id);
  if (own !== undefined) return own;
  if (known !== undefined && reason.code === UNCHANGED.code) return { ...known, reason };
  return {
    name,
    fingerprint,
    outcome: known?.outcome ?? 'complete',
    readAt: known?.readAt ?? new Date(0).toISOString(),
    readFor: known?.readFor ?? reason,
    reason,
    again: true,
  };
};
