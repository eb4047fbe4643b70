import type { ReloadTask, ScheduleTrigger, Site, TasksTrigger } from '../model/types.ts';
import type { JsonObject } from './answer.ts';
import { type Directory, NEVER } from './directory.ts';
import { executionIdOf, taskCondensed } from './tasks.ts';

/** What starts tasks: `SchemaEvent` (a schedule) and `CompositeEvent` (the end of other tasks). */

const event = (site: Site, directory: Directory, task: ReloadTask, eventType: 0 | 1): JsonObject => ({
  createdDate: task.createdDate,
  modifiedDate: task.modifiedDate,
  modifiedByUserName: task.modifiedByUserName,
  eventType,
  reloadTask: taskCondensed(site, directory, task),
  userSyncTask: null,
  externalProgramTask: null,
  privileges: null,
});

const scheduleFull = (
  site: Site,
  directory: Directory,
  task: ReloadTask,
  { id, name, enabled, ...trigger }: ScheduleTrigger,
): JsonObject => ({
  ...event(site, directory, task, 0),
  id,
  name,
  enabled,
  timeZone: trigger.timeZone,
  daylightSavingTime: 0,
  startDate: trigger.startDate,
  // The QMC's "never ends".
  expirationDate: trigger.expirationDate ?? '9999-12-30T23:59:59.999Z',
  schemaFilterDescription: trigger.schemaFilterDescription,
  incrementDescription: trigger.incrementDescription,
  incrementOption: trigger.incrementOption,
  operational: {
    id: executionIdOf(task),
    timesTriggered: 1,
    nextExecution: task.nextExecution ?? NEVER,
    privileges: null,
  },
  schemaPath: 'SchemaEvent',
});

const STATES = { success: 1, fail: 2 } as const;

const tasksFull = (
  site: Site,
  directory: Directory,
  task: ReloadTask,
  { id, name, enabled, rules, withinMinutes }: TasksTrigger,
): JsonObject => ({
  ...event(site, directory, task, 1),
  id,
  name,
  enabled,
  timeConstraint: {
    id: id.replace(/^.{8}/, 'c0c0c0c0'),
    seconds: 0,
    minutes: withinMinutes % 60,
    hours: Math.floor(withinMinutes / 60) % 24,
    days: Math.floor(withinMinutes / 1440),
    privileges: null,
  },
  compositeRules: rules.map(({ taskId, after }, index) => {
    const awaited = site.reloadTasks.find((candidate) => candidate.id === taskId);
    return {
      id: id.replace(/^.{8}/, `c1c1c1${index.toString(16).padStart(2, '0')}`),
      ruleState: STATES[after],
      reloadTask: awaited === undefined ? null : taskCondensed(site, directory, awaited),
      userSyncTask: null,
      externalProgramTask: null,
      operational: { id: executionIdOf(task), timeStamp: NEVER, privileges: null },
      privileges: null,
    };
  }),
  operational: { id: executionIdOf(task), timesTriggered: 0, privileges: null },
  schemaPath: 'CompositeEvent',
});

/** The schedules of all tasks. */
export const schedulesOf = (site: Site, directory: Directory): readonly JsonObject[] =>
  site.reloadTasks.flatMap((task) =>
    task.triggers.flatMap((trigger) =>
      trigger.kind === 'schedule' ? [scheduleFull(site, directory, task, trigger)] : [],
    ),
  );

/** What starts after other tasks. */
export const compositesOf = (site: Site, directory: Directory): readonly JsonObject[] =>
  site.reloadTasks.flatMap((task) =>
    task.triggers.flatMap((trigger) =>
      trigger.kind === 'after-tasks' ? [tasksFull(site, directory, task, trigger)] : [],
    ),
  );
