import { randomBytes, randomUUID } from 'node:crypto';
import { hashPassword, newToken, passwordMatches, tokenHash } from './secrets.ts';
import type { Sql } from './sql.ts';

export interface Member {
  readonly organisationId: string;
  readonly organisationName: string;
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

const LOGIN_TOKEN_TTL_MS = 24 * 3_600_000;
const SESSION_IDLE_MS = 12 * 3_600_000;
const SESSION_TOTAL_MS = 7 * 24 * 3_600_000;
/** A session's last use is written at most this often. */
const TOUCH_MS = 60_000;

const seconds = (ms: number): string => `${ms / 1000} seconds`;
const fold = (email: string): string => email.trim().toLowerCase();

/**
 * Adds a user. Without a password only one-time tokens log in.
 *
 * @throws PostgresError 23505 when the address is taken.
 */
export const addMember = async (
  sql: Sql,
  member: { organisationId: string; email: string; name?: string | undefined; password?: string | undefined },
): Promise<string> => {
  const id = randomUUID();
  const hash = member.password === undefined ? null : await hashPassword(member.password);
  const email = fold(member.email);
  await sql`insert into member (organisation_id, id, email, name, password_hash)
    values (${member.organisationId}, ${id}, ${email}, ${member.name ?? email}, ${hash})`;
  return id;
};

export const findMember = async (sql: Sql, email: string): Promise<Member | undefined> => {
  const [found] = await sql<Member[]>`
    select m.organisation_id as "organisationId", o.name as "organisationName", m.id, m.email, m.name
    from member m join organisation o on o.id = m.organisation_id
    where m.email = ${fold(email)} and m.disabled_at is null`;
  return found;
};

export const listMembers = (sql: Sql, organisationId: string): Promise<{ id: string; email: string }[]> =>
  sql<{ id: string; email: string }[]>`
    select id, email from member where organisation_id = ${organisationId} and disabled_at is null
    order by email limit 1000`;

/** Checks e-mail and password; an unknown user takes as long as a wrong password. */
export const checkPassword = async (sql: Sql, email: string, password: string): Promise<Member | undefined> => {
  const [found] = await sql<{ hash: string | null }[]>`
    select password_hash as hash from member where email = ${fold(email)} and disabled_at is null`;
  return (await passwordMatches(password, found?.hash)) ? await findMember(sql, email) : undefined;
};

/** A login that works once, within a day: for the first login and for who lost a password. */
export const createLoginToken = async (sql: Sql, member: Member): Promise<string> => {
  const token = newToken('cvl');
  await sql`insert into login_token (organisation_id, hash, member_id, expires_at)
    values (${member.organisationId}, ${tokenHash(token)}, ${member.id}, now() + ${seconds(LOGIN_TOKEN_TTL_MS)}::interval)`;
  return token;
};

export const redeemLoginToken = async (sql: Sql, token: string): Promise<Member | undefined> => {
  const [found] = await sql<Member[]>`
    update login_token t set used_at = now()
    from member m join organisation o on o.id = m.organisation_id
    where t.hash = ${tokenHash(token)} and t.used_at is null and t.expires_at > now()
      and m.organisation_id = t.organisation_id and m.id = t.member_id and m.disabled_at is null
    returning m.organisation_id as "organisationId", o.name as "organisationName", m.id, m.email, m.name`;
  return found;
};

/** Who is behind a request, and how they proved it. */
export interface Principal extends Member {
  /** Goes back in a header with every change that is made with the cookie; null for API tokens. */
  readonly csrf: string | null;
}

export const openSession = async (
  sql: Sql,
  member: Member,
): Promise<{ token: string; csrf: string; maxAgeMs: number }> => {
  const token = newToken('cvs');
  const csrf = randomBytes(24).toString('base64url');
  await sql`insert into session (organisation_id, hash, member_id, csrf, expires_at)
    values (${member.organisationId}, ${tokenHash(token)}, ${member.id}, ${csrf}, now() + ${seconds(SESSION_TOTAL_MS)}::interval)`;
  return { token, csrf, maxAgeMs: SESSION_TOTAL_MS };
};

export const findSession = async (sql: Sql, token: string): Promise<Principal | undefined> => {
  const hash = tokenHash(token);
  const [found] = await sql<(Principal & { stale: boolean })[]>`
    select s.organisation_id as "organisationId", o.name as "organisationName", m.id, m.email, m.name, s.csrf,
      s.last_used_at < now() - ${seconds(TOUCH_MS)}::interval as stale
    from session s
      join member m on m.organisation_id = s.organisation_id and m.id = s.member_id
      join organisation o on o.id = s.organisation_id
    where s.hash = ${hash} and s.expires_at > now() and s.last_used_at > now() - ${seconds(SESSION_IDLE_MS)}::interval
      and m.disabled_at is null`;
  if (found?.stale) await sql`update session set last_used_at = now() where hash = ${hash}`;
  return found;
};

export const endSession = async (sql: Sql, token: string): Promise<void> => {
  await sql`delete from session where hash = ${tokenHash(token)}`;
};

/** Removes what has expired. */
export const purgeLogins = async (sql: Sql): Promise<void> => {
  await sql`delete from session
    where expires_at < now() or last_used_at < now() - ${seconds(SESSION_IDLE_MS)}::interval`;
  await sql`delete from login_token where expires_at < now() - interval '7 days'`;
  await sql`delete from enrolment_token where expires_at < now() - interval '7 days'`;
};
