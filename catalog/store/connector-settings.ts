import { Fault } from '#protocol/errors.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';
import { canonicalJson } from './canonical.ts';
import { announce } from './events.ts';
import type { Page } from './page.ts';
import { type Queries, type Sql, transact } from './sql.ts';

type SettingName = keyof ConnectorSettings;

export interface StoredSettings {
  readonly settings: ConnectorSettings;
  readonly version: number;
  readonly changedAt: Date | null;
  readonly changedBy: string | null;
}

export interface SettingsChange {
  readonly version: number;
  readonly changedAt: Date;
  readonly changedBy: string;
  readonly changes: { readonly setting: SettingName; readonly from: unknown; readonly to: unknown }[];
}

/** They travel in the text of every job, beside what else a job may say. */
const MOST_CHARACTERS = 8_000;
const KEPT_CHANGES = 500;

/**
 * The settings as they are compared and sent: what says nothing (an empty list, an empty expression) is left out.
 *
 * @throws Fault `api.invalid_request` when they are too long for the text of a job
 */
export const compactSettings = (settings: ConnectorSettings): ConnectorSettings => {
  const said = Object.entries(settings).filter(
    ([, value]) =>
      value !== undefined &&
      !(Array.isArray(value) && value.length === 0) &&
      !(typeof value === 'string' && value.trim() === ''),
  );
  const compact: ConnectorSettings = Object.fromEntries(said);
  const { length } = canonicalJson(compact);
  if (length > MOST_CHARACTERS)
    throw new Fault(
      'api.invalid_request',
      `The settings take ${length} characters; ${MOST_CHARACTERS} fit into a job.`,
      {
        advice: 'Use wildcards or the filter expression instead of long lists, or put them into the connection’s file.',
      },
    );
  return compact;
};

const UNSET: StoredSettings = { settings: {}, version: 0, changedAt: null, changedBy: null };

/** The connector settings of a connection that are in force; none when nobody set any. */
export const readSettings = async (
  sql: Queries,
  organisationId: string,
  connection: string,
): Promise<StoredSettings> => {
  const [row] = await sql<StoredSettings[]>`
    select settings, version, changed_at as "changedAt", changed_by as "changedBy" from connector_settings
    where organisation_id = ${organisationId} and connection = ${connection} order by version desc limit 1`;
  return row ?? UNSET;
};

/**
 * Stores settings as the next version. What is the same as before is no change.
 *
 * @throws Fault `job.unknown_connection`, `api.conflict` when somebody else changed them since `version`
 */
export const storeSettings = (
  sql: Sql,
  organisationId: string,
  connection: string,
  change: { readonly settings: ConnectorSettings; readonly version: number; readonly changedBy: string },
): Promise<StoredSettings> =>
  transact(sql, async (tx) => {
    const [found] = await tx`select from connection
      where organisation_id = ${organisationId} and code = ${connection} for update`;
    if (!found) throw new Fault('job.unknown_connection', `There is no connection ${connection}.`);
    const before = await readSettings(tx, organisationId, connection);
    if (before.version !== change.version)
      throw new Fault('api.conflict', `${before.changedBy ?? 'Somebody'} changed these settings meanwhile.`);
    const settings = compactSettings(change.settings);
    const names = new Set([...Object.keys(before.settings), ...Object.keys(settings)] as SettingName[]);
    const changes = [...names]
      .map((setting) => ({ setting, from: before.settings[setting] ?? null, to: settings[setting] ?? null }))
      .filter(({ from, to }) => canonicalJson(from) !== canonicalJson(to));
    if (changes.length === 0) return before;
    const version = before.version + 1;
    await tx`insert into connector_settings (organisation_id, connection, version, settings, changes, changed_by)
      values (${organisationId}, ${connection}, ${version}, ${JSON.stringify(settings)}::text::jsonb,
        ${JSON.stringify(changes)}::text::jsonb, ${change.changedBy})`;
    await tx`delete from connector_settings where organisation_id = ${organisationId} and connection = ${connection}
      and version <= ${version - KEPT_CHANGES}`;
    await announce(tx, organisationId, { name: 'connection', code: connection });
    return await readSettings(tx, organisationId, connection);
  });

/** Who changed what and when, the newest first. */
export const listSettingsChanges = async (
  sql: Sql,
  organisationId: string,
  connection: string,
  query: { readonly after?: readonly string[] | undefined; readonly limit: number },
): Promise<Page<SettingsChange>> => {
  const [after] = query.after ?? [];
  const rows = await sql<SettingsChange[]>`
    select version, changed_at as "changedAt", changed_by as "changedBy", changes from connector_settings
    where organisation_id = ${organisationId} and connection = ${connection}
      and ${after === undefined ? sql`true` : sql`version < ${Number(after)}`}
    order by version desc limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return { items, next: last ? [String(last.version)] : null };
};

/** Settings go with the assets when a connection takes over another's; those that it has of its own stay. */
export const moveSettings = async (sql: Queries, organisationId: string, from: string, to: string): Promise<void> => {
  await sql`update connector_settings set connection = ${to}
    where organisation_id = ${organisationId} and connection = ${from} and not exists (
      select from connector_settings o where o.organisation_id = ${organisationId} and o.connection = ${to})`;
};
