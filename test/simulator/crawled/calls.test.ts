import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateSite } from '#test/simulator/model/generate.ts';
import type { ReloadTask, Site, User } from '#test/simulator/model/types.ts';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

const USERS = 500;
const TASKS = 300;

/** A site with as many users and tasks as one of 2,000 apps has, and apps that are quickly read. */
const largeSite = (): Site => {
  const site = generateSite({ seed: 7, apps: 120, profile: 'may-2025' });
  const numbered = (id: string, number: number): string => `${id.slice(0, -8)}${number.toString(16).padStart(8, '0')}`;
  const several = <T>(rows: readonly T[], count: number, as: (row: T, number: number) => T): T[] =>
    Array.from({ length: count }, (_, number) => {
      const row = rows[number % rows.length];
      if (row === undefined) throw new Error('the site has too little');
      return number < rows.length ? row : as(row, number);
    });
  return {
    ...site,
    users: several<User>(site.users, USERS, (user, number) => ({
      ...user,
      id: numbered(user.id, number),
      userId: `${user.userId}${number}`,
    })),
    reloadTasks: several<ReloadTask>(site.reloadTasks, TASKS, (task, number) => ({
      ...task,
      id: numbered(task.id, number),
    })),
  };
};

test('of hundreds of users, tasks and schedules that did not change asks at most 18 calls', async () => {
  await using simulator = await simulate({ site: largeSite(), sessionsPerUser: 50 });
  const folder = mkdtempSync(join(tmpdir(), 'culvert-calls-'));
  const connection = connectionFor(simulator);
  try {
    let checkpoint: string | null = null;
    for (const job of ['first', 'second']) {
      simulator.record.reset();
      const { outcomes } = await crawlSimulated(connection, {
        asked: { mode: 'delta', checkpoint, pictures: false },
        checkpoints: { folder, job, owner: 'catalog agent', crawler: '1.0.0' },
        scripts: false,
      });
      checkpoint = outcomes.get('sim')?.checkpoint ?? null;
      expect(outcomes.get('sim')).toMatchObject({ outcome: job === 'first' ? 'complete' : 'updated' });
    }
    const { http, opens } = simulator.record.snapshot();
    const calls = Object.entries(http).filter(([name]) => name.includes('/qrs/'));
    const asked = calls.map(([name, { count }]) => `${name} ${count}`).join('\n');
    expect(opens).toBe(0);
    expect(
      calls.reduce((sum, [, { count }]) => sum + count, 0),
      asked,
    ).toBeLessThanOrEqual(18);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
