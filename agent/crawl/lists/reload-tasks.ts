import { QrsReloadTask } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import { asFault } from '#protocol/errors.ts';
import { type JsonObject, present } from '../attributes.ts';
import { isOfTheCrawl } from '../missing.ts';
import { mayName } from './named-apps.ts';
import { described, type SiteContext, type SiteList } from './site-list.ts';
import { chainAttributes, scheduleAttributes } from './triggers.ts';

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

type LastRun = NonNullable<NonNullable<QrsReloadTask['operational']>['lastExecutionResult']>;

/** A task's `modifiedDate` is that of its settings: runs, schedules and what follows on what change without it. */
export const reloadTasks: SiteList<QrsReloadTask> = {
  what: 'reload tasks',
  kind: 'reloadTask',
  entity: 'reloadtask',
  schema: QrsReloadTask,
  // A run does not modify its task.
  changedToo: (since) =>
    `operational.lastExecutionResult.startTime gt '${since}' or operational.lastExecutionResult.stopTime gt '${since}'`,
  signature: async (site, before) => {
    const [schedules, chains] = before?.split(' ') ?? [];
    return [await site.signature('schemaevent', schedules), await site.signature('compositeevent', chains)].join(' ');
  },
  rows: (site) => site.reloadTasks(),
  prepare: async (site, context, gaps) => {
    const { keys, triggers, namedApps } = context;
    const add = (task: { readonly id: string } | null, trigger: JsonObject): void => {
      if (task !== null) triggers.set(task.id, [...(triggers.get(task.id) ?? []), trigger]);
    };
    const [named, schedules, chains] = await Promise.all([
      namedApps === undefined ? undefined : namedTasks(site, context),
      gaps.details('schedules', site.schemaEvents()),
      gaps.details('schedules after other tasks', site.compositeEvents()),
    ]);
    for (const event of schedules) add(event.reloadTask, scheduleAttributes(event));
    for (const event of chains) add(event.reloadTask, chainAttributes(event, keys, named));
  },
  asset: (row, context) => {
    const last = row.operational?.lastExecutionResult;
    return {
      name: row.name,
      attributes: present({
        ...described(row, context),
        app: row.app === null ? undefined : context.keys.of(row.app.id),
        appName: row.app?.name,
        enabled: row.enabled,
        partialReload: row.isPartialReload || undefined,
        // The repository keeps minutes.
        timeoutMs: row.taskSessionTimeout === null ? undefined : row.taskSessionTimeout * 60_000,
        retries: row.maxRetries,
        triggers: context.triggers.get(row.id),
        nextRun: row.operational?.nextExecution,
        ...(last === null || last === undefined ? {} : lastRun(last)),
      }),
    };
  },
  edges: (row, key, { keys }) => (row.app === null ? [] : [{ kind: 'uses', from: key, to: keys.of(row.app.id) }]),
};

/** Ids of the tasks that may be named. */
const namedTasks = async (site: Site, context: SiteContext): Promise<ReadonlySet<string>> => {
  const { rows } = await site.reloadTasks().catch((error: unknown) => {
    // That the tasks cannot be listed is said of themselves.
    if (isOfTheCrawl(asFault(error))) throw error;
    return { rows: [] };
  });
  return new Set(rows.filter(({ app }) => mayName(context, app)).map(({ id }) => id));
};

/** A log of the scheduler may be long; its end tells how the run ended. */
const MESSAGE_CHARS = 500;

const lastRun = ({ status, startTime, stopTime, duration, executingNodeName, details }: LastRun): JsonObject =>
  present({
    lastStatus: TASK_STATUS[status ?? -1],
    lastStarted: startTime,
    lastStopped: stopTime,
    lastDurationMs: startTime === null ? undefined : duration,
    lastNode: executingNodeName,
    lastMessage: details
      .toSorted((a, b) => (a.detailCreatedDate < b.detailCreatedDate ? -1 : 1))
      .map(({ message }) => message)
      .join('\n')
      .slice(-MESSAGE_CHARS),
  });
