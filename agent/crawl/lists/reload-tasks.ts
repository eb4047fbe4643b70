import type { QrsReloadTask } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

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

export const reloadTasks: SiteList<QrsReloadTask> = {
  what: 'reload tasks',
  kind: 'reloadTask',
  entity: 'reloadtask',
  rows: (site) => site.reloadTasks(),
  asset: (row, context) => {
    const last = row.operational?.lastExecutionResult;
    return {
      name: row.name,
      attributes: present({
        ...described(row, context),
        app: row.app === null ? undefined : context.keys.of(row.app.id),
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
};
