import { setTimeout as sleep } from 'node:timers/promises';
import { compare } from './compare.ts';
import type { RoundPlan } from './plan.ts';
import { sourceScopes, streamLength } from './source.ts';
import type { World } from './world.ts';

const LOOK_AGAIN_MS = 40;
const ROUND_WITHIN_MS = 60_000;

export interface RoundResult {
  /** That the source gave. */
  readonly records: number;
  /** Assets and edges that were held against the source. */
  readonly compared: number;
  readonly differences: number;
  readonly named: readonly string[];
  /** How often the crawl had to be asked for again, as its attempts were used up. */
  readonly askedAgain: number;
}

/** Tries until it works: the catalog and its database are killed again and again. */
const insist = async <T>(what: string, ask: () => Promise<T>, deadline: AbortSignal): Promise<T> => {
  let last: unknown;
  while (!deadline.aborted) {
    try {
      return await ask();
    } catch (error) {
      last = error;
      await sleep(LOOK_AGAIN_MS * 2);
    }
  }
  throw new Error(`${what} did not work in time: ${String(last)}`);
};

const until = async (what: string, look: () => Promise<boolean>, deadline: AbortSignal): Promise<void> => {
  while (!(await insist(what, look, deadline))) {
    if (deadline.aborted) throw new Error(`${what} did not happen in time`);
    await sleep(LOOK_AGAIN_MS);
  }
};

/** Asks for a crawl and sees it through, however often it has to be asked for. */
const crawl = async (world: World, connection: string, deadline: AbortSignal): Promise<number> => {
  const { sql, api } = world;
  for (let asked = 0; ; asked++) {
    // The answer may be lost with the catalog, and the job be there all the same: all of them have to end.
    const { id } = await insist('asking for a crawl', () => api.startCrawl(connection), deadline);
    await until(
      `the crawl of ${connection}`,
      async () => {
        const [row] = await sql<{ open: number }[]>`select count(*)::int as open from job
          where connection = ${connection} and state not in ('published', 'failed', 'cancelled')`;
        return row?.open === 0;
      },
      deadline,
    );
    const [job] = await insist(
      'reading the job',
      () => sql<{ state: string; error: { code: string; message: string } | null }[]>`
        select state, error from job where connection = ${connection} and id = ${id}`,
      deadline,
    );
    if (job?.state === 'published') return asked;
    if (job?.error?.code !== 'job.attempts_exhausted')
      throw new Error(`the crawl of ${connection} ended ${job?.state}: ${JSON.stringify(job?.error)}`);
  }
};

/** One crawl under the faults of its plan; then the catalog is held against the source. */
export const runRound = async (world: World, plan: RoundPlan): Promise<RoundResult> => {
  const { connection, source } = plan;
  const deadline = AbortSignal.timeout(ROUND_WITHIN_MS);
  const over = new AbortController();
  await world.setSource({ [connection]: source });
  world.proxy.follow(plan.network);
  world.agent.arm(plan.agentKills);
  world.catalog.arm(plan.catalogKills);
  const databaseKills = Promise.all(
    plan.databaseKillsMs.map(async (afterMs) => {
      await sleep(afterMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (!over.signal.aborted) await world.database.kill();
    }),
  );
  let askedAgain: number;
  try {
    askedAgain = await crawl(world, connection, deadline);
    // The agent's part ends when its spool is empty: places that come after the last answer are passed until then.
    await until('emptying the spool', async () => (await world.spooled()).length === 0, deadline);
  } finally {
    over.abort();
    world.agent.disarm();
    world.catalog.disarm();
    world.proxy.calm();
    await databaseKills;
  }
  const found = await insist('reading the catalog', () => compare(world.sql, connection, source), deadline);
  const { records: compared, differences, named } = found;
  return { records: streamLength(sourceScopes(connection, source)), compared, differences, named, askedAgain };
};
