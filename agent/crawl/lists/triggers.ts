import type { QrsCompositeEvent, QrsSchemaEvent } from '#agent/qlik/repository/entities.ts';
import { type JsonObject, present } from '../attributes.ts';
import type { Keys } from '../keys.ts';

/** What starts reload tasks, as attributes of the task. */

/** How often, by QRS's number. */
const EVERY = ['once', 'hourly', 'daily', 'weekly', 'monthly', 'custom'] as const;
/** The steps of `incrementDescription`, in its order. */
const STEPS = ['minute', 'hour', 'day', 'week'] as const;
/** How the awaited task must end, by QRS's number. */
const AFTER = ['any', 'success', 'fail'] as const;

/** `0 0 1 0` as `1 day`; undefined for what is no step. */
const intervalOf = (description: string): string | undefined => {
  const parts = description.trim().split(/\s+/).map(Number);
  const said = parts.flatMap((amount, index) => {
    const step = STEPS[index];
    return step !== undefined && amount > 0 ? [`${amount} ${step}${amount === 1 ? '' : 's'}`] : [];
  });
  return said.length === 0 ? undefined : said.join(' ');
};

/** Every day at every time: the filter says nothing. */
const isOpen = (filter: string): boolean => /^[\s*-]*$/.test(filter);

export const scheduleAttributes = (event: QrsSchemaEvent): JsonObject =>
  present({
    kind: 'schedule',
    name: event.name,
    enabled: event.enabled,
    every: EVERY[event.incrementOption ?? -1],
    interval: event.incrementOption === 0 ? undefined : intervalOf(event.incrementDescription),
    // On which days: in the QMC's own words, since what its places mean is written nowhere.
    filter: event.schemaFilterDescription.filter((filter) => !isOpen(filter)),
    timeZone: event.timeZone,
    starts: event.startDate,
    // "Never" is the last day that the calendar has.
    ends: event.expirationDate?.startsWith('9999-') === true ? undefined : event.expirationDate,
    nextRun: event.operational?.nextExecution,
  });

/** @param named ids of the reload tasks that may be named; undefined: all */
export const chainAttributes = (
  event: QrsCompositeEvent,
  keys: Keys,
  named: ReadonlySet<string> | undefined,
): JsonObject => {
  const { seconds, minutes, hours, days } = event.timeConstraint ?? { seconds: 0, minutes: 0, hours: 0, days: 0 };
  const withinMs = ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
  return present({
    kind: 'afterTasks',
    name: event.name,
    enabled: event.enabled,
    withinMs: withinMs === 0 ? undefined : withinMs,
    tasks: event.compositeRules.flatMap(({ ruleState, reloadTask, userSyncTask, externalProgramTask }) => {
      const task = reloadTask ?? userSyncTask ?? externalProgramTask;
      if (task === null || (reloadTask !== null && named?.has(reloadTask.id) === false)) return [];
      const key = reloadTask === null ? undefined : keys.of('reloadTask', reloadTask.id);
      return [present({ task: key, name: task.name, after: AFTER[ruleState ?? -1] })];
    }),
  });
};
