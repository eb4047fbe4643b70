import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { AssetKind, Outcome } from '#protocol/records.ts';
import { type JsonObject, present } from './attributes.ts';
import type { Keys } from './keys.ts';
import { Gaps } from './missing.ts';
import { customPropertyValues, type People } from './people.ts';
import type { Asset, ScopeWriter } from './scope-writer.ts';
import { resultOf, type Settled, settled } from './settled.ts';

/** How the last run of a reload task ended, by QRS's number. */
const TASK_STATUS = [
  'neverStarted',
  'triggered',
  'started',
  'queued',
  'abortInitiated',
  'aborting',
  'aborted',
  'finishedSuccess',
  'finishedFail',
  'skipped',
  'retry',
  'error',
  'reset',
  'distributionQueue',
  'distributionRunning',
] as const;

interface Listed<T> {
  readonly what: string;
  readonly kind: AssetKind;
  readonly rows: Settled<Listing<T>>;
  readonly asset: (row: T) => Omit<Asset, 'kind' | 'parent'>;
}

/**
 * Writes the site scope: the site, what QRS lists of it, and which apps there are. A list that the user may not read, or
 * that disagrees with QRS's own count, makes the scope `partial`, so that nothing is deleted on it.
 */
export const writeSiteScope = async (
  site: Site,
  apps: Listing<QrsApp>,
  people: People,
  keys: Keys,
  out: ScopeWriter,
): Promise<Outcome> => {
  const { connection } = site;
  const gaps = new Gaps();
  // All at once: they are independent, and the repository takes long for each.
  const lists = {
    users: settled(site.users()),
    streams: settled(site.streams()),
    tags: settled(site.tags()),
    customProperties: settled(site.customProperties()),
    dataConnections: settled(site.dataConnections()),
    reloadTasks: settled(site.reloadTasks()),
    extensions: settled(site.extensions()),
  };
  const about = await gaps.list('product version', site.about());
  await out.open('site', connection.name);
  await out.asset({
    kind: 'site',
    key: keys.site,
    name: connection.name,
    attributes: present({
      productVersion: about?.buildVersion,
      nodeType: String(about?.nodeType ?? ''),
      url: connection.displayUrl,
      environment: connection.environment,
      description: connection.description,
    }),
  });

  const write = async <T>({ what, kind, rows, asset }: Listed<T>): Promise<void> => {
    const listing = await gaps.list(what, resultOf(rows));
    if (listing === undefined) return;
    if (listing.incomplete !== undefined) gaps.note(what, listing.incomplete);
    for (const row of listing.rows) await out.asset({ ...asset(row), kind, parent: keys.site });
  };
  const key = (kind: AssetKind, id: string): string => keys.of(kind, id);
  const entity = (row: EntityRow): JsonObject =>
    present({
      owner: people.owner(row.owner),
      created: row.createdDate,
      modified: row.modifiedDate,
      tags: row.tags,
      customProperties: row.customProperties === undefined ? undefined : customPropertyValues(row.customProperties),
    });

  // Users first: their e-mail addresses belong to every owner.
  await write({
    what: 'users',
    kind: 'user',
    rows: lists.users,
    asset: (user) => {
      people.add(user);
      return {
        key: key('user', user.id),
        name: user.name,
        attributes: present({
          userId: user.userId,
          userDirectory: user.userDirectory,
          account: `${user.userDirectory}\\${user.userId}`,
          email: user.attributes.email,
          roles: user.roles,
          inactive: user.inactive || undefined,
          removedExternally: user.removedExternally || undefined,
          tags: user.tags,
          customProperties: customPropertyValues(user.customProperties),
        }),
      };
    },
  });
  await write({
    what: 'streams',
    kind: 'stream',
    rows: lists.streams,
    asset: (row) => ({ key: key('stream', row.id), name: row.name, attributes: entity(row) }),
  });
  await write({
    what: 'tags',
    kind: 'tag',
    rows: lists.tags,
    asset: (row) => ({ key: key('tag', row.id), name: row.name, attributes: entity(row) }),
  });
  await write({
    what: 'custom properties',
    kind: 'customProperty',
    rows: lists.customProperties,
    asset: (row) => ({
      key: key('customProperty', row.id),
      name: row.name,
      attributes: present({
        ...entity(row),
        description: row.description,
        valueType: row.valueType,
        choiceValues: row.choiceValues,
        objectTypes: row.objectTypes,
      }),
    }),
  });
  await write({
    what: 'data connections',
    kind: 'dataConnection',
    rows: lists.dataConnections,
    // Never the connection string: passwords lie in it in clear. It is not even read.
    asset: (row) => ({
      key: key('dataConnection', row.id),
      name: row.name,
      attributes: present({ ...entity(row), type: row.type }),
    }),
  });
  await write({
    what: 'reload tasks',
    kind: 'reloadTask',
    rows: lists.reloadTasks,
    asset: (row) => {
      const last = row.operational?.lastExecutionResult;
      return {
        key: key('reloadTask', row.id),
        name: row.name,
        attributes: present({
          ...entity(row),
          app: row.app === null ? undefined : keys.of(row.app.id),
          appName: row.app?.name,
          enabled: row.enabled,
          lastStatus: typeof last?.status === 'number' ? TASK_STATUS[last.status] : undefined,
          lastStarted: last?.startTime,
          lastStopped: last?.stopTime,
          lastDurationMs: last?.duration,
          nextRun: row.operational?.nextExecution,
        }),
      };
    },
  });
  await write({
    what: 'extensions',
    kind: 'extension',
    rows: lists.extensions,
    asset: (row) => ({ key: key('extension', row.id), name: row.name, attributes: entity(row) }),
  });

  if (apps.incomplete !== undefined) gaps.note('apps', apps.incomplete);
  for (const app of apps.rows) await out.listed(keys.of(app.id), app.name);
  const outcome = gaps.missing.length === 0 ? 'complete' : 'partial';
  await out.outcome(outcome, { missing: gaps.missing });
  return outcome;
};

interface EntityRow {
  readonly owner?: Parameters<People['owner']>[0];
  readonly createdDate: string | null;
  readonly modifiedDate: string | null;
  readonly tags?: string[];
  readonly customProperties?: { name: string; value: string }[];
}

/** The list of apps is what a crawl stands on: without it there is none. */
export const listApps = async (site: Site): Promise<Listing<QrsApp>> => {
  const apps = await site.apps();
  if (apps.rows.length === 0 && apps.incomplete !== undefined) {
    throw apps.incomplete;
  }
  return apps;
};
