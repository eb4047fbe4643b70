import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { NOTHING, type Written } from './difference.ts';
import type { EndedScope } from './ended-scope.ts';

/** Outcomes of a site's scope that name every app there is. */
export const LISTS_APPS: ReadonlySet<string> = new Set(['complete', 'updated']);

/** Whether a scope names every app there is. */
export const listsApps = ({
  kind,
  outcome,
  whole = [],
}: Pick<EndedScope, 'kind' | 'outcome'> & Partial<EndedScope>): boolean =>
  kind === 'site' && (LISTS_APPS.has(outcome) || whole.includes('app'));

interface NotedScope extends Omit<EndedScope, 'refused' | 'isStaged' | 'checkpoint' | 'whole'> {
  readonly whole?: EndedScope['whole'];
  readonly refused?: ErrorInfo | undefined;
  readonly written: Written | undefined;
}

/** Marks scopes as published in this attempt, in their order, and tells who watches. */
export const notePublished = async (tx: Transaction, ref: AttemptRef, scopes: readonly NotedScope[]): Promise<void> => {
  if (scopes.length === 0) return;
  let isChanged = false;
  const notes = scopes.map((scope) => {
    const { key, kind, name, outcome, records, missing, error, reason, refused, written } = scope;
    const { added, changed, removed, names } = written?.difference ?? NOTHING();
    isChanged ||= added + changed + removed > 0;
    return {
      scope: key,
      kind,
      name,
      outcome: refused ? 'failed' : outcome,
      records,
      added,
      changed,
      removed,
      missing: storable(missing),
      error: storable(refused ?? error),
      reason: storable(reason),
      lists_apps: !refused && listsApps(scope),
      ...(written?.isFirst ? {} : { difference: names }),
    };
  });
  // A microsecond apart: they are listed by their time.
  const inserted =
    tx`insert into published_scope (organisation_id, job_id, attempt, scope, kind, name, outcome, records,
      added, changed, removed, missing, error, reason, lists_apps, difference, published_at)
    select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, scope, kind, name, outcome, records, added, changed, removed,
      missing, error, reason, lists_apps, difference, statement_timestamp() + (ordinality || ' microseconds')::interval
    from rows from (jsonb_to_recordset(${JSON.stringify(notes)}::text::jsonb) as (scope text, kind text, name text,
      outcome text, records integer, added integer, changed integer, removed integer, missing jsonb, error jsonb,
      reason jsonb, lists_apps boolean, difference jsonb)) with ordinality`.execute();
  const told = [announce(tx, ref.organisationId, { name: 'job', id: ref.jobId, connection: ref.connection })];
  if (isChanged) told.push(announce(tx, ref.organisationId, { name: 'assets', connection: ref.connection }));
  await Promise.all([inserted, ...told]);
};
