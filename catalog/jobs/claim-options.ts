import { readSettings } from '#catalog/store/connector-settings.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import type { JobKind } from '#protocol/job-options.ts';

/**
 * What the catalog adds to the options of a job when its lease begins: what holds then, not what held when somebody asked.
 * An inventory that tries out settings keeps those that it was asked with.
 */
export const addedOptions = async (
  tx: Transaction,
  job: { readonly organisationId: string; readonly connection: string; readonly kind: JobKind },
  asked: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> => {
  if (job.kind === 'test' || (job.kind === 'inventory' && asked['settings'] !== undefined)) return {};
  const { settings } = await readSettings(tx, job.organisationId, job.connection);
  return {
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    // This catalog keeps them; an agent that knows none sends none.
    ...(job.kind === 'crawl' && { pictures: true }),
    ...((job.kind === 'crawl' || job.kind === 'lineage') && {
      checkpoint: await checkpointOf(tx, job),
      lineageJob: await lineageJobOf(tx, job),
    }),
  };
};

/** The state that the agent may go on from; null when there is none. */
const checkpointOf = async (
  tx: Transaction,
  { organisationId, connection }: { readonly organisationId: string; readonly connection: string },
): Promise<string | null> => {
  const [row] = await tx<{ checkpoint: string | null }[]>`select checkpoint from connection
    where organisation_id = ${organisationId} and code = ${connection}`;
  return row?.checkpoint ?? null;
};

/** The last job that made lineage anew and was published whole: what the agent noted of it holds. */
const lineageJobOf = async (
  tx: Transaction,
  { organisationId, connection }: { readonly organisationId: string; readonly connection: string },
): Promise<string | null> => {
  const [row] = await tx<{ id: string }[]>`select id from job
    where organisation_id = ${organisationId} and connection = ${connection} and kind = 'lineage'
      and state = 'published' order by finished_at desc, id limit 1`;
  return row?.id ?? null;
};
