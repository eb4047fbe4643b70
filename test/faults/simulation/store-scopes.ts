import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { PictureRecord } from '#protocol/records.ts';
import { type AttemptName, keyOf, LeaseModel } from './store-leases.ts';
import { type EndedScope, goneScope, pictureName, publishedScope, type ScopeRow } from './store-rows.ts';
import type { AttemptRow, JobRow } from './store-tables.ts';

/** What else the outcome of a scope says. */
interface Named {
  readonly refused: string | undefined;
  readonly checkpoint: string | undefined;
}

/** Outcomes of a site's scope that name every app there is. */
const LISTS_APPS = new Set(['complete', 'updated']);

/** What the store's model makes of scopes that ended, and of what a whole list of apps does not name. */
export class ScopeModel extends LeaseModel {
  /** Publishes a scope of an attempt that holds its lease; `refused`: nothing of it may be published, and why. */
  publish(ref: { readonly jobId: string; readonly attempt: number }, ended: EndedScope, more: Named): void {
    const attempt = this.attempt(ref);
    if (!attempt || attempt.published.has(ended.key)) return;
    const { key, kind, outcome, whole } = ended;
    if (more.refused !== undefined) {
      attempt.published.set(key, { outcome: 'failed', listsApps: false });
      attempt.refused ??= more.refused;
      return;
    }
    const listsApps = kind === 'site' && (LISTS_APPS.has(outcome) || whole.includes('app'));
    attempt.published.set(key, { outcome, listsApps });
    const { scopes } = this.tables;
    const before = scopes.get(key);
    if (!before && this.tables.jobs.get(ref.jobId)?.kind === 'lineage') {
      // A job that makes lineage anew brings no app.
      attempt.published.set(key, { outcome: 'unchanged', listsApps: false });
      return;
    }
    const after = publishedScope(before, ended, this.#policy(ended.connection));
    this.#put(key, after);
    if (more.checkpoint !== undefined && outcome !== 'gone') attempt.checkpoint = more.checkpoint;
    if (listsApps)
      for (const record of ended.records) {
        const app = record.t === 'listed' ? scopes.get(record.key) : undefined;
        if (app?.kind === 'app') scopes.set(app.key, { ...app, listedBy: ended.listing });
      }
    this.options.onPublished(ref, ended, { before, after, policy: this.#policy(ended.connection) });
  }

  /** Stores pictures of a preview, each in place of the one of its source; of an asset that is not there, none. */
  putPictures(ref: AttemptName, pictures: readonly PictureRecord[]): void {
    const connection = this.tables.jobs.get(ref.jobId)?.connection;
    for (const one of pictures) this.attempt(ref)?.drawn.set(pictureName(one), one.content);
    for (const scope of new Set(pictures.map((one) => one.scope))) {
      const before = this.tables.scopes.get(scope);
      if (!before || before.connection !== connection) continue;
      const come = pictures.filter((one) => one.scope === scope && before.assets.has(one.key));
      const rows = come.map(
        ({ key, source, content }) => [pictureName({ key, source }), { key, source, content }] as const,
      );
      const after = { ...before, pictures: new Map([...before.pictures, ...rows]) };
      this.#put(scope, after);
      this.options.onPictures(ref, { before, after, policy: this.#policy(before.connection) });
    }
  }

  #put(key: string, row: ScopeRow | undefined): void {
    if (row) this.tables.scopes.set(key, row);
    else this.tables.scopes.delete(key);
  }

  #policy(connection: string): DeletionPolicy {
    return this.tables.connections.get(connection)?.policy ?? 'delete';
  }

  /** Apps that the whole list of apps of this attempt does not name. */
  protected removeUnlisted(job: JobRow, attempt: AttemptRow): void {
    if (![...attempt.published.values()].some(({ listsApps }) => listsApps)) return;
    const policy = this.#policy(job.connection);
    for (const [key, scope] of this.tables.scopes) {
      if (scope.kind !== 'app' || scope.connection !== job.connection) continue;
      if (scope.isGone || scope.listedBy === keyOf(attempt)) continue;
      const after = goneScope(scope, policy);
      this.#put(key, after);
      attempt.published.set(key, { outcome: 'gone', listsApps: false });
      this.options.onUnlisted(attempt, { before: scope, after, policy });
    }
  }

  protected keepCheckpoint(job: JobRow, attempt: AttemptRow): void {
    const connection = this.tables.connections.get(job.connection);
    if (connection && attempt.published.has(job.connection)) connection.checkpoint = attempt.checkpoint;
  }
}
