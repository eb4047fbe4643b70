import { Fault } from '#protocol/errors.ts';
import { isConnectionCode } from '#protocol/keys.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { type Health, health, replacedKeyEndsAt, type Standing, standing } from './agents.ts';
import { moveSettings } from './connector-settings.ts';
import { announce, wakeAgent } from './events.ts';
import { moveFindings } from './findings.ts';
import { type Job, latestJobs } from './jobs.ts';
import { type Sql, transact } from './sql.ts';

export interface Connection {
  readonly code: string;
  readonly agentId: string | null;
  readonly agentName: string | null;
  readonly agentHealth: Health | null;
  readonly agentStanding: Standing | null;
  readonly agentKeyEndsAt: Date | null;
  readonly status: ConnectionState;
  readonly standby: { agentId: string; agentName: string }[];
  readonly takeOver: string | null;
  readonly assets: number;
  readonly lastJob: Job | null;
  readonly lastTest: Job | null;
  readonly lastInventory: Job | null;
  readonly reportedAt: Date;
}

export interface BrokenFile {
  readonly agentId: string;
  readonly agentName: string;
  readonly status: ConnectionState;
}

/** All connections of an organisation by code, or the one of this code. */
export const listConnections = async (sql: Sql, organisationId: string, code?: string): Promise<Connection[]> => {
  const rows = await sql<Omit<Connection, 'lastJob' | 'lastTest' | 'lastInventory'>[]>`
    select c.code, c.agent_id as "agentId", a.name as "agentName", c.status, c.reported_at as "reportedAt",
      case when a.id is not null then ${health(sql)} end as "agentHealth",
      case when a.id is not null then ${standing(sql)} end as "agentStanding", ${replacedKeyEndsAt(sql)} as "agentKeyEndsAt",
      (select coalesce(sum(s.assets), 0)::int from scope s
        where s.organisation_id = c.organisation_id and s.connection = c.code) as assets,
      coalesce((select jsonb_agg(distinct jsonb_build_object('agentId', b.id, 'agentName', b.name))
        from connection_report r join agent b on b.organisation_id = r.organisation_id and b.id = r.agent_id
        where r.organisation_id = c.organisation_id and r.code = c.code and r.agent_id is distinct from c.agent_id
      ), '[]') as standby,
      (select o.code from connection o
        where o.organisation_id = c.organisation_id and o.agent_id = c.agent_id and o.file = c.file and o.code <> c.code
          and o.status ->> 'state' = 'absent' and c.status ->> 'state' <> 'absent'
          and exists (select from scope s where s.organisation_id = o.organisation_id and s.connection = o.code)
          and not exists (select from scope s where s.organisation_id = c.organisation_id and s.connection = c.code)
        order by o.reported_at desc limit 1) as "takeOver"
    from connection c left join agent a on a.organisation_id = c.organisation_id and a.id = c.agent_id
    where c.organisation_id = ${organisationId} and ${code === undefined ? sql`true` : sql`c.code = ${code}`}
    order by c.code`;
  const codes = rows.map((row) => row.code);
  const [crawls, tests, inventories] = await Promise.all([
    latestJobs(sql, organisationId, codes, 'crawl'),
    latestJobs(sql, organisationId, codes, 'test'),
    latestJobs(sql, organisationId, codes, 'inventory'),
  ]);
  return rows.map((row) => ({
    ...row,
    lastJob: crawls.get(row.code) ?? null,
    lastTest: tests.get(row.code) ?? null,
    lastInventory: inventories.get(row.code) ?? null,
  }));
};

/** Files that stand behind no connection: without a code, or with one that another file of the same agent holds. */
export const listBrokenFiles = (sql: Sql, organisationId: string): Promise<BrokenFile[]> =>
  sql<BrokenFile[]>`
    select r.agent_id as "agentId", a.name as "agentName", r.status
    from connection_report r join agent a on a.organisation_id = r.organisation_id and a.id = r.agent_id
      left join connection c on c.organisation_id = r.organisation_id and c.code = r.code
    where r.organisation_id = ${organisationId}
      and (r.code is null or (c.agent_id = r.agent_id and c.file <> r.file))
    order by a.name, r.file limit 1000`;

/** Gives a connection to an agent that stands by for it; jobs that wait go to that agent then. */
export const assignConnection = (sql: Sql, organisationId: string, code: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    const [found] =
      await tx`select from connection where organisation_id = ${organisationId} and code = ${code} for update`;
    if (!found) throw new Fault('job.unknown_connection', `There is no connection ${code}.`);
    const [report] = await tx<{ file: string; status: ConnectionState }[]>`
      select file, status from connection_report
      where organisation_id = ${organisationId} and code = ${code} and agent_id = ${agentId}
      order by (status ->> 'inForce') is null, status ->> 'loadedAt' limit 1`;
    if (!report)
      throw new Fault('job.unknown_connection', `That agent has no file with the code ${code}.`, {
        advice: 'Choose one of the agents that stand by for this connection.',
      });
    const [active] = await tx<
      { kind: string }[]
    >`select kind from job where organisation_id = ${organisationId} and connection = ${code}
      and state in ('leased', 'running', 'cancelling')`;
    if (active) throw new Fault('job.connection_busy', `A ${active.kind} of ${code} is running.`);
    await tx`update connection set agent_id = ${agentId}, file = ${report.file},
        status = ${JSON.stringify(report.status)}::text::jsonb, reported_at = now()
      where organisation_id = ${organisationId} and code = ${code}`;
    await announce(tx, organisationId, { name: 'connection', code });
    await wakeAgent(tx, organisationId, agentId);
  });

/**
 * Removes a connection with its assets and its history. While its file still exists the connection itself stays, empty.
 *
 * @throws Fault when there is no such connection, or one of its jobs is at work.
 */
export const deleteConnection = (
  sql: Sql,
  organisationId: string,
  code: string,
): Promise<{ assets: number; fileStillExists: boolean }> =>
  transact(sql, async (tx) => {
    const [connection] = await tx<{ state: string }[]>`
      select status ->> 'state' as state from connection
      where organisation_id = ${organisationId} and code = ${code} for update`;
    if (!connection) throw new Fault('job.unknown_connection', `There is no connection ${code}.`);
    const [active] = await tx<
      { kind: string }[]
    >`select kind from job where organisation_id = ${organisationId} and connection = ${code}
      and state in ('leased', 'running', 'cancelling')`;
    if (active) throw new Fault('job.connection_busy', `A ${active.kind} of ${code} is running.`);
    const [sum] = await tx<{ assets: number }[]>`select coalesce(sum(assets), 0)::int as assets from scope
      where organisation_id = ${organisationId} and connection = ${code}`;
    const fileStillExists = connection.state !== 'absent';
    await tx`delete from scope where organisation_id = ${organisationId} and connection = ${code}`;
    await tx`delete from job where organisation_id = ${organisationId} and connection = ${code}`;
    // What is not there cannot be kept as unchanged.
    await tx`update connection set checkpoint = null where organisation_id = ${organisationId} and code = ${code}`;
    if (!fileStillExists) await tx`delete from connection where organisation_id = ${organisationId} and code = ${code}`;
    await announce(tx, organisationId, { name: 'connection', code });
    await announce(tx, organisationId, { name: 'assets', connection: code });
    return { assets: sum?.assets ?? 0, fileStillExists };
  });

/**
 * Gives the assets of `from`, whose file became `code`, to `code`: their keys begin with the new code then, and `from`
 * is gone.
 *
 * @throws Fault when it is not so, or `code` has assets of its own.
 */
export const takeOverConnection = async (
  sql: Sql,
  organisationId: string,
  code: string,
  from: string,
): Promise<void> => {
  const [found] = await listConnections(sql, organisationId, code);
  if (!found) throw new Fault('job.unknown_connection', `There is no connection ${code}.`);
  if (found.takeOver !== from)
    throw new Fault('job.connection_invalid', `The assets of ${from} cannot be taken over by ${code}.`, {
      advice:
        'This works only when the code in one file was changed from the one to the other, and the new one was not crawled yet.',
    });
  await transact(sql, async (tx) => {
    await tx`select from connection where organisation_id = ${organisationId} and code in (${code}, ${from})
      order by code for update`;
    const [obstacle] = await tx`
      select from job where organisation_id = ${organisationId} and connection in (${code}, ${from})
        and state in ('leased', 'running', 'cancelling')
      union all select from scope where organisation_id = ${organisationId} and connection = ${code}`;
    if (obstacle)
      throw new Fault('job.connection_busy', `A crawl of ${code} or ${from} is running, or ${code} has assets.`, {
        advice: 'Wait for the crawl or cancel it; delete the assets that came under the new code.',
      });
    const [before, after] = [from, code];
    if (!isConnectionCode(after))
      throw new Fault('job.connection_invalid', `${after} cannot be the first part of a key.`, {
        advice: 'Use letters, digits and . _ - in the code of the file.',
      });
    const moved = (column: string) => {
      const key = tx(column);
      return tx`case when ${key} = ${before} or starts_with(${key}, ${`${before}/`})
        then ${after}::text || substr(${key}, ${before.length + 1}::int) else ${key} end`;
    };
    await tx`update scope set connection = ${code}, key = ${moved('key')}
      where organisation_id = ${organisationId} and connection = ${from}`;
    await tx`update asset set connection = ${code}, key = ${moved('key')}, parent = ${moved('parent')}
      where organisation_id = ${organisationId} and connection = ${from}`;
    await tx`update edge set connection = case when connection = ${from} then ${code} else connection end,
        from_key = ${moved('from_key')}, to_key = ${moved('to_key')}
      where organisation_id = ${organisationId} and (connection = ${from}
        or starts_with(to_key, ${`${before}/`}) or to_key = ${before})`;
    await moveFindings(tx, organisationId, from, code, moved('key'));
    await moveSettings(tx, organisationId, from, code);
    await tx`delete from job where organisation_id = ${organisationId} and connection = ${from} and state = 'queued'`;
    await tx`update job set connection = ${code} where organisation_id = ${organisationId} and connection = ${from}`;
    await tx`delete from connection where organisation_id = ${organisationId} and code = ${from}`;
    for (const changed of [code, from]) {
      await announce(tx, organisationId, { name: 'connection', code: changed });
      await announce(tx, organisationId, { name: 'assets', connection: changed });
    }
  });
};
