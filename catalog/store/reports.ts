import { isDeepStrictEqual } from 'node:util';
import { Fault } from '#protocol/errors.ts';
import type { AgentStatus, ConnectionState } from '#protocol/status.ts';
import { announce } from './events.ts';
import { queueJob } from './jobs.ts';
import type { Transaction } from './sql.ts';

/** Connections that one agent may own, also of files that are gone: more than any has, and no way to fill the disk. */
const MOST_CONNECTIONS = 1_000;
/** Files of one agent that are kept in mind. */
const MOST_FILES = 1_000;

/** Of the files with one code, the one that is in force; of several the older. */
const inForceFirst = (a: ConnectionState, b: ConnectionState): number =>
  Number(a.inForce === null) - Number(b.inForce === null) || (a.loadedAt ?? '~').localeCompare(b.loadedAt ?? '~');

/**
 * Takes over what an agent says of its connection files. A code belongs to the agent that reported it first; others stand
 * by. A file that the owner does not report any more is `absent`: its assets stay.
 */
export const storeReport = async (
  tx: Transaction,
  organisationId: string,
  agentId: string,
  status: AgentStatus,
): Promise<void> => {
  const files = new Map(status.connections.map((state) => [state.file, state]));
  // A list that was cut says nothing of what it leaves out.
  const isWhole = status.omittedConnections === undefined;
  if (isWhole)
    await tx`delete from connection_report where organisation_id = ${organisationId} and agent_id = ${agentId}
      and file <> all(${tx.array([...files.keys()])}::text[])`;
  // A list that was cut keeps the files of before: there is an end to them all the same.
  if (!isWhole)
    await tx`delete from connection_report where organisation_id = ${organisationId} and agent_id = ${agentId}
      and file in (select file from connection_report where organisation_id = ${organisationId}
        and agent_id = ${agentId} and file <> all(${tx.array([...files.keys()])}::text[])
        order by reported_at desc, file offset ${Math.max(0, MOST_FILES - files.size)})`;
  for (const state of [...files.values()].slice(0, MOST_FILES))
    await tx`insert into connection_report (organisation_id, agent_id, file, code, status, reported_at)
      values (${organisationId}, ${agentId}, ${state.file}, ${state.code}, ${JSON.stringify(state)}::text::jsonb, now())
      on conflict (organisation_id, agent_id, file)
      do update set code = excluded.code, status = excluded.status, reported_at = now()`;

  const byCode = new Map<string, ConnectionState>();
  for (const state of [...files.values()].sort(inForceFirst))
    if (state.code !== null && state.code !== '' && !byCode.has(state.code)) byCode.set(state.code, state);
  const [owned] = await tx<{ n: number }[]>`select count(*)::int as n from connection
    where organisation_id = ${organisationId} and agent_id = ${agentId}`;
  let room = MOST_CONNECTIONS - (owned?.n ?? 0);
  for (const [code, state] of [...byCode].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (state.state !== 'absent' && room > 0) {
      const made = await tx`insert into connection (organisation_id, code, agent_id, file, status, reported_at)
        values (${organisationId}, ${code}, ${agentId}, ${state.file}, '{}', now()) on conflict do nothing`;
      room -= made.count;
    }
    const [row] = await tx<{ agentId: string | null; status: ConnectionState }[]>`
      select agent_id as "agentId", status from connection
      where organisation_id = ${organisationId} and code = ${code} for update`;
    if (!row || (row.agentId !== null && row.agentId !== agentId)) continue;
    await tx`update connection set agent_id = ${agentId}, file = ${state.file},
        status = ${JSON.stringify(state)}::text::jsonb, reported_at = now()
      where organisation_id = ${organisationId} and code = ${code}`;
    if (!isDeepStrictEqual(row.status, state)) await announce(tx, organisationId, { name: 'connection', code });
    if (state.lineage !== undefined) await askForLineage(tx, organisationId, code, state.lineage.changed);
  }
  const gone = isWhole
    ? await tx<{ code: string }[]>`
        update connection set status = jsonb_set(status, '{state}', '"absent"'), reported_at = now()
        where organisation_id = ${organisationId} and agent_id = ${agentId} and status ->> 'state' <> 'absent'
          and code <> all(${tx.array([...byCode.keys()])}::text[])
        returning code`
    : [];
  for (const { code } of gone) await announce(tx, organisationId, { name: 'connection', code });
  await announce(tx, organisationId, { name: 'agent', id: agentId });
};

/** Who asks for jobs that nobody asked for. */
const BY_ITSELF = 'Culvert';
/** Such jobs of one connection in an hour: an agent that says it anew after each of them keeps nobody busy for ever. */
const MOST_AN_HOUR = 20;

/**
 * Lineage that an agent would make otherwise today is made anew without anybody asking: once for each change, and never while
 * a job waits that does it anyway. An agent that may not, or whose connection cannot be used, is not asked.
 */
const askForLineage = async (tx: Transaction, organisationId: string, connection: string, changed: string) => {
  const asked = await tx`select from job where organisation_id = ${organisationId} and connection = ${connection}
    and kind = 'lineage' and (state = 'queued' or spec::jsonb #>> '{options,changed}' = ${changed}) limit 1`;
  if (asked.length > 0) return;
  const [lately] = await tx<
    { n: number }[]
  >`select count(*)::int as n from job where organisation_id = ${organisationId}
    and connection = ${connection} and kind = 'lineage' and created_by = ${BY_ITSELF} and created_at > now() - interval '1 hour'`;
  if (lately !== undefined && lately.n >= MOST_AN_HOUR) return;
  try {
    await queueJob(tx, organisationId, { connection, kind: 'lineage', options: { changed }, createdBy: BY_ITSELF });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
};
