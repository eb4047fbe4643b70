import { randomUUID } from 'node:crypto';
import type { Member, Principal } from './members.ts';
import { newToken, tokenHash } from './secrets.ts';
import type { Sql } from './sql.ts';

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
}

/** Makes a token for programs; it speaks for `member` and is shown once. */
export const createApiToken = async (
  sql: Sql,
  member: Pick<Member, 'organisationId' | 'id'>,
  name: string,
  expiresInDays?: number,
): Promise<ApiToken & { token: string }> => {
  const token = newToken('cva');
  const days = expiresInDays === undefined ? null : `${expiresInDays} days`;
  const [row] = await sql<ApiToken[]>`
    insert into api_token (organisation_id, id, hash, member_id, name, expires_at)
    values (${member.organisationId}, ${randomUUID()}, ${tokenHash(token)}, ${member.id}, ${name}, now() + ${days}::interval)
    returning id, name, created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt"`;
  if (!row) throw new Error('the token was not stored');
  return { ...row, token };
};

export const listApiTokens = (sql: Sql, organisationId: string): Promise<ApiToken[]> =>
  sql<ApiToken[]>`
    select id, name, created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt"
    from api_token where organisation_id = ${organisationId} order by created_at desc, id limit 1000`;

/** @returns false when the organisation has no such token. */
export const deleteApiToken = async (sql: Sql, organisationId: string, id: string): Promise<boolean> =>
  (await sql`delete from api_token where organisation_id = ${organisationId} and id = ${id}`).count > 0;

export const findApiToken = async (sql: Sql, token: string): Promise<Principal | undefined> => {
  const hash = tokenHash(token);
  const [found] = await sql<(Principal & { stale: boolean })[]>`
    select t.organisation_id as "organisationId", o.name as "organisationName", m.id, m.email, m.name, null as csrf,
      coalesce(t.last_used_at < now() - interval '1 minute', true) as stale
    from api_token t
      join member m on m.organisation_id = t.organisation_id and m.id = t.member_id
      join organisation o on o.id = t.organisation_id
    where t.hash = ${hash} and coalesce(t.expires_at > now(), true) and m.disabled_at is null`;
  if (found?.stale) await sql`update api_token set last_used_at = now() where hash = ${hash}`;
  return found;
};
