import { FAULT_POINTS, type FaultPoint } from '#protocol/fault-point.ts';
import { compare, leftovers } from './compare.ts';
import { planRound } from './plan.ts';
import { type RoundResult, runRound } from './round.ts';
import type { SourceState } from './source.ts';
import type { Supervised } from './supervised.ts';
import { World } from './world.ts';

export interface ProcessesOptions {
  readonly rounds: number;
  readonly seed: number;
  /** The first round: with `rounds` 1, that one alone is played again. */
  readonly from: number;
  /** Of each round, at least. */
  readonly records: number;
  readonly say: (line: string) => void;
  /** Ends it after the round that is being played. */
  readonly signal?: AbortSignal;
}

export interface ProcessesSummary {
  readonly rounds: number;
  readonly records: number;
  readonly compared: number;
  readonly seconds: number;
  readonly kills: Readonly<Partial<Record<FaultPoint, number>>>;
  readonly databaseKills: number;
  readonly network: Readonly<Record<string, number>>;
  readonly batchesSent: number;
  readonly batchesStored: number;
  /** Batches that were sent again, or in vain. */
  readonly batchesResent: number;
  /** Scopes that came a second time, and were not published again. */
  readonly duplicatesRefused: number;
  /** Crawls that were asked for again, since kills had used up their attempts. */
  readonly askedAgain: number;
  readonly pointsNotHit: readonly FaultPoint[];
  readonly differences: number;
  /** What went wrong, in words; empty when nothing did. */
  readonly failures: readonly string[];
}

/** Ends of a program that nobody caused: a catalog may end while its database is gone, and nothing else. */
const strayEnds = ({ ends }: Supervised, mayEnd: boolean): string[] =>
  mayEnd ? [] : ends.splice(0).map(({ how, lines }) => `ended by itself (${how}):\n${lines.join('\n')}`);

/** Plays the rounds one after another in one world, and holds all of the catalog against all sources in the end. */
export const runProcesses = async (options: ProcessesOptions): Promise<ProcessesSummary> => {
  const { rounds, seed, from, records, say } = options;
  const startedMs = performance.now();
  const failures: string[] = [];
  const last = new Map<string, SourceState>();
  let played = 0;
  const total = { records: 0, compared: 0, differences: 0, askedAgain: 0 };
  await using world = await World.start();
  const { agent, catalog, proxy, database, sql } = world;
  for (let round = from; round < from + rounds && options.signal?.aborted !== true; round++) {
    const planned = planRound(seed, round, records);
    // What did not change may be told so only if the generation before was published here.
    const follows = last.get(planned.connection)?.generation === planned.source.generation - 1;
    const plan = { ...planned, source: { ...planned.source, follows } };
    const replay = `npm run faults -- processes --seed ${seed} --from ${round} --rounds 1 --records ${records}`;
    const began = performance.now();
    let result: RoundResult;
    try {
      result = await runRound(world, plan);
    } catch (error) {
      failures.push(
        `round ${round}: ${(error as Error).message}\n  plan: ${JSON.stringify(plan)}\n  replay: ${replay}\n${agent.tail()}\n${catalog.tail()}`,
      );
      break;
    }
    played += 1;
    last.set(plan.connection, plan.source);
    total.records += result.records;
    total.compared += result.compared;
    total.differences += result.differences;
    total.askedAgain += result.askedAgain;
    if (result.differences > 0)
      failures.push(
        `round ${round}: ${result.differences} differences, as ${result.named.join('; ')}\n  plan: ${JSON.stringify(plan)}\n  replay: ${replay}`,
      );
    for (const end of [...strayEnds(agent, false), ...strayEnds(catalog, plan.databaseKillsMs.length > 0)])
      failures.push(`round ${round}: a program ${end}\n  plan: ${JSON.stringify(plan)}\n  replay: ${replay}`);
    catalog.ends.length = 0;
    say(
      `round ${round}: ${result.records} records, ${((performance.now() - began) / 1000).toFixed(1)} s, ${result.differences} differences`,
    );
  }
  if (failures.length === 0) {
    for (const [connection, source] of last) {
      const { differences, named } = await compare(sql, connection, source);
      total.differences += differences;
      if (differences > 0) failures.push(`in the end: ${named.join('; ')}`);
    }
    failures.push(...(await leftovers(sql)));
    await agent.count();
    await catalog.count();
    for (const [name, program] of [
      ['agent', agent],
      ['catalog', catalog],
    ] as const) {
      try {
        const code = await program.stop();
        if (code !== 0) failures.push(`the ${name} ended with ${code} when it was asked to stop`);
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
  }
  const kills = { ...agent.killedAt, ...catalog.killedAt };
  const sent = agent.passed['agent.batch_sent'] ?? 0;
  const stored = catalog.passed['catalog.batch_committed'] ?? 0;
  return {
    rounds: played,
    ...total,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    kills,
    databaseKills: database.kills,
    network: proxy.counts as Record<string, number>,
    batchesSent: sent,
    batchesStored: stored,
    batchesResent: Math.max(0, sent - stored),
    duplicatesRefused: catalog.passed['catalog.scope_repeated'] ?? 0,
    pointsNotHit: FAULT_POINTS.filter((name) => kills[name] === undefined),
    failures,
  };
};
