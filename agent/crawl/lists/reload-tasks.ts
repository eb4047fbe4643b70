import { QrsReloadTask } from '#agent/qlik/repository/entities.ts';
import { type JsonObject, present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';
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
  prepare: async (site, { keys, triggers }, gaps) => {
    const add = (task: { readonly id: string } | null, trigger: JsonObject): void => {
      if (task !== null) triggers.set(task.id, [...(triggers.get(task.id) ?? []), trigger]);
    };
    const [schedules, chains] = await Promise.all([
      gaps.details('schedules', site.schemaEvents()),
      gaps.details('schedules after other tasks', site.compositeEvents()),
    ]);
    for (const event of schedules) add(event.reloadTask, scheduleAttributes(event));
    for (const event of chains) add(event.reloadTask, chainAttributes(event, keys));
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
