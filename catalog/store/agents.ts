import { TIMES } from '#protocol/constants.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { LinkReport } from '#protocol/status.ts';
import { newToken, tokenHash } from './secrets.ts';
import type { Queries, Sql } from './sql.ts';

const ENROLMENT_TTL_MS = 3_600_000;
/** The heartbeat comes every 20 s. */
const LATE_MS = 30_000;
const OFFLINE_MS = 120_000;

export type Health = 'new' | 'online' | 'late' | 'offline';

/** SQL for the health of an agent row `a`: what its session and its last heartbeat say. */
export const health = (sql: Queries) => sql`case
  when a.last_seen_at is null then 'new'
  when a.last_seen_at < now() - ${`${OFFLINE_MS / 1000} seconds`}::interval then 'offline'
  when a.session_id is null or a.last_seen_at < now() - ${`${LATE_MS / 1000} seconds`}::interval then 'late'
  else 'online' end`;

/** Whether an agent may come in. */
export type Standing = 'trusted' | 'disabled' | 'revoked' | 'quarantined';

/** SQL for the standing of an agent row `a`. */
export const standing = (sql: Queries) => sql`case
  when a.revoked_at is not null then 'revoked'
  when a.quarantined_at is not null then 'quarantined'
  when a.disabled_at is not null then 'disabled'
  else 'trusted' end`;

/**
 * SQL for an agent row `a`: until when it comes in with a key that was replaced, null when its key is the latest or its
 * session is older than that. Either its disk comes from a backup, or somebody else has its key and made the later one.
 */
export const replacedKeyEndsAt = (sql: Queries) => sql`(select k.valid_until from agent_key k
  where k.organisation_id = a.organisation_id and k.agent_id = a.id and k.id = a.session_key_id and a.revoked_at is null
    and k.revoked_at is null and k.valid_until > now()
    and k.last_used_at > k.valid_until - ${`${TIMES.keyOverlapMs} milliseconds`}::interval)`;

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly health: Health;
  readonly standing: Standing;
  readonly replacedKeyEndsAt: Date | null;
  readonly version: string | null;
  readonly hostname: string | null;
  readonly platform: string | null;
  readonly enrolledAt: Date;
  readonly lastSeenAt: Date | null;
  readonly connections: number;
  readonly faults: readonly ErrorInfo[];
  readonly bypassCertificateValidation: boolean;
  /** How it reaches us and why so; null when it does not say. */
  readonly link: LinkReport | null;
  /** What became of the wish for another log level. */
  readonly logLevel: { readonly level: string; readonly until: string | null; readonly refused: string | null } | null;
}

/** Agents by name, or the one of this id; `after` is the id of the last one of the page before. */
export const listAgents = (
  sql: Sql,
  organisationId: string,
  page: { after?: string; limit: number; id?: string },
): Promise<Agent[]> =>
  sql<Agent[]>`
    select a.id, a.name, ${health(sql)} as health, ${standing(sql)} as standing,
      ${replacedKeyEndsAt(sql)} as "replacedKeyEndsAt", a.version, a.hostname, a.platform, a.enrolled_at as "enrolledAt",
      a.last_seen_at as "lastSeenAt",
      (select count(*)::int from connection c where c.organisation_id = a.organisation_id and c.agent_id = a.id) as connections,
      coalesce(a.status -> 'faults', '[]') as faults,
      coalesce((a.status ->> 'bypassCertificateValidation')::boolean, false) as "bypassCertificateValidation",
      a.status -> 'link' as link,
      case when a.status ? 'logLevel' then jsonb_build_object('level', a.status -> 'logLevel' -> 'level',
        'until', a.status -> 'logLevel' -> 'until', 'refused', a.status -> 'logLevel' -> 'refused') end as "logLevel"
    from agent a
    where a.organisation_id = ${organisationId} and ${page.id === undefined ? sql`true` : sql`a.id = ${page.id}`}
      and ${page.after === undefined ? sql`true` : sql`(a.name, a.id) > (select b.name, b.id from agent b where b.organisation_id = ${organisationId} and b.id = ${page.after})`}
    order by a.name, a.id limit ${page.limit}`;

/** A token that enrols one agent, within the hour. */
export const createEnrolmentToken = async (
  sql: Sql,
  organisationId: string,
  createdBy: string,
): Promise<{ token: string; expiresAt: Date }> => {
  const token = newToken('cve');
  const expiresAt = new Date(Date.now() + ENROLMENT_TTL_MS);
  await sql`insert into enrolment_token (organisation_id, hash, created_by, expires_at)
    values (${organisationId}, ${tokenHash(token)}, ${createdBy}, ${expiresAt})`;
  return { token, expiresAt };
};
