import { readSettings } from '#catalog/store/connector-settings.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { DELETION_POLICIES, type DeletionPolicy } from '#protocol/job-options.ts';
import type { AttemptRef } from './attempt-ref.ts';

/** What becomes of assets of a connection that are gone: as its file says, else as the catalog's settings do. */
export const deletionPolicy = async (
  tx: Transaction,
  { organisationId, connection }: Pick<AttemptRef, 'organisationId' | 'connection'>,
): Promise<DeletionPolicy> => {
  const [row] = await tx<{ given: string | null }[]>`
    select (select s ->> 'value' from jsonb_array_elements(c.status -> 'settings') s
      where s ->> 'name' = 'deletion' limit 1) as given
    from connection c where c.organisation_id = ${organisationId} and c.code = ${connection}
      and jsonb_typeof(c.status -> 'settings') = 'array'`;
  const ofFile = DELETION_POLICIES.find((policy) => policy === row?.given);
  return ofFile ?? (await readSettings(tx, organisationId, connection)).settings.deletion ?? 'delete';
};
