import { FAULT_POINTS, type FaultPoint } from '#protocol/fault-point.ts';
import { Chance } from './chance.ts';
import { NETWORK_FAULTS, type NetworkPlan, SHAPES } from './fault-proxy.ts';
import type { SourceState } from './source.ts';

export interface Kill {
  readonly point: FaultPoint;
  /** At which passage. */
  readonly passage: number;
}

/** All that is to happen in a round: one crawl of one connection. A pure function of seed and number. */
export interface RoundPlan {
  readonly round: number;
  readonly connection: string;
  readonly source: SourceState;
  readonly network: NetworkPlan;
  /** One after another: the next is armed when the process was started again. */
  readonly agentKills: readonly Kill[];
  readonly catalogKills: readonly Kill[];
  /** When PostgreSQL is killed, counted from the start of the job. */
  readonly databaseKillsMs: readonly number[];
}

export const CONNECTIONS = 6;

const AGENT_POINTS = FAULT_POINTS.filter((name) => name.startsWith('agent.'));
const CATALOG_POINTS = FAULT_POINTS.filter((name) => name.startsWith('catalog.'));

/** Places that a crawl passes once or twice; the others it passes with every batch, scope or frame. */
const RARE: ReadonlySet<FaultPoint> = new Set([
  'agent.attempt_recorded',
  'agent.attempt_sealed',
  'agent.attempt_record_deleted',
  'agent.segment_begun',
  'agent.segment_deleted',
  'catalog.session_stored',
  'catalog.job_leased',
  'catalog.scope_repeated',
  'catalog.job_rows_written',
  'catalog.job_ended',
]);

const killsAt = (points: readonly FaultPoint[], turn: number, chance: Chance): Kill[] => {
  // Each in its turn, so that none is left out for long; then some by chance.
  const chosen = [points[turn % points.length], ...(chance.is(0.35) ? [chance.pick(points)] : [])];
  return chosen.flatMap((point) =>
    point === undefined ? [] : [{ point, passage: RARE.has(point) ? 1 : 1 + Math.floor(chance.next() ** 2 * 9) }],
  );
};

export const planRound = (seed: number, round: number, records: number): RoundPlan => {
  const chance = new Chance(seed, round);
  const turn = seed + round;
  return {
    round,
    connection: `c${round % CONNECTIONS}`,
    source: {
      seed: seed * 1_000 + (round % CONNECTIONS),
      generation: Math.floor(round / CONNECTIONS),
      records,
      follows: false,
    },
    network: {
      seed: chance.between(1, 2 ** 30),
      faults: Array.from({ length: chance.between(0, 2) }, () => chance.pick(NETWORK_FAULTS)),
      shapes: SHAPES.filter(() => chance.is(0.25)),
    },
    agentKills: chance.is(0.75) ? killsAt(AGENT_POINTS, turn, chance) : [],
    catalogKills: chance.is(0.75) ? killsAt(CATALOG_POINTS, turn, chance) : [],
    databaseKillsMs: chance.is(0.12) ? [chance.between(0, 900)] : [],
  };
};
