import { randomOf } from './random.ts';
import type { ReloadTask, TaskTrigger } from './types.ts';

/** As the QMC writes them: how often, the step in minutes, hours, days and weeks, and on which days. */
const SCHEDULES = [
  { incrementOption: 0, incrementDescription: '0 0 0 0', schemaFilterDescription: ['* * - * * * * *'] },
  { incrementOption: 1, incrementDescription: '30 4 0 0', schemaFilterDescription: ['* * - * * * * *'] },
  { incrementOption: 2, incrementDescription: '0 0 1 0', schemaFilterDescription: ['* * - * * * * *'] },
  { incrementOption: 3, incrementDescription: '0 0 1 0', schemaFilterDescription: ['* * - 1,3,5 0 * * *'] },
  { incrementOption: 4, incrementDescription: '0 0 1 0', schemaFilterDescription: ['* * - * * 1 * *'] },
  { incrementOption: 5, incrementDescription: '15 0 0 0', schemaFilterDescription: ['* * - * * * * *'] },
] as const;

/**
 * What starts a task: a schedule for those that have a next run, for some of the others the end of one or two tasks that
 * are listed before it, for the rest nobody but a person.
 */
export const triggersOf = (
  seed: number,
  task: Pick<ReloadTask, 'id' | 'name' | 'createdDate' | 'enabled' | 'nextExecution'>,
  before: readonly { readonly id: string }[],
): readonly TaskTrigger[] => {
  const random = randomOf(seed, 'triggers-of', task.id);
  const common = { id: random.guid(), enabled: random.chance(0.95) };
  if (task.nextExecution !== null) {
    return [
      {
        ...common,
        ...random.pick(SCHEDULES),
        kind: 'schedule',
        name: `Daily: ${task.name}`,
        timeZone: random.pick(['Europe/Berlin', 'UTC', 'America/New_York']),
        startDate: task.createdDate,
        expirationDate: random.chance(0.1) ? '2031-12-31T23:59:59.000Z' : null,
      },
    ];
  }
  if (before.length === 0 || !random.chance(0.6)) return [];
  return [
    {
      ...common,
      kind: 'after-tasks',
      name: `After: ${task.name}`,
      rules: random
        .sample(before, random.int(1, 2))
        .map(({ id }) => ({ taskId: id, after: random.chance(0.8) ? 'success' : 'fail' })),
      withinMinutes: random.pick([0, 360, 1_500]),
    },
  ];
};
