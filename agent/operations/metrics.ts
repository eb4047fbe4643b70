import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentState } from '#protocol/agent-events.ts';
import type { EventLoop } from './event-loop.ts';
import type { AgentFacts } from './facts.ts';
import type { JobFigures, JobResult } from './job-watch.ts';
import type { LinkFigures } from './link-watch.ts';

const LINK_STATES: readonly AgentState['name'][] = [
  'down',
  'connecting',
  'greeting',
  'authenticating',
  'open',
  'closing',
];
const CONNECTION_STATES = ['ready', 'disabled', 'error', 'absent'];
const CRAWL_SECONDS = [1, 5, 15, 60, 300, 900, 3600, 14_400];
const ROUND_TRIP_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 20];

/**
 * What Prometheus reads on `/metrics` of the agent. Every label has a small set of values that this program chooses: no
 * name of a site, an app or a user is ever one.
 */
export class AgentMetrics implements LinkFigures, JobFigures {
  readonly #registry = new Registry();
  readonly #facts: () => Promise<AgentFacts>;

  readonly #ends = this.#counter(
    'link_ends_total',
    'Connections to the catalog that ended, or failed to open, by code.',
    ['code'],
  );
  readonly #roundTrips = new Histogram({
    name: 'culvert_agent_link_round_trip_seconds',
    help: 'From a heartbeat to its answer.',
    buckets: ROUND_TRIP_SECONDS,
    registers: [this.#registry],
  });
  readonly #batches = this.#counter('batches_total', 'Batches that were made durable, sent, and acknowledged.', [
    'stage',
  ]);
  readonly #batchBytes = this.#counter('batch_bytes_total', 'Bytes of those batches.', ['stage']);
  readonly #jobs = this.#counter('jobs_total', 'Runs of jobs that ended.', ['kind', 'result']);
  readonly #records = this.#counter('records_total', 'Records that jobs wrote into the spool.', ['kind']);
  readonly #durations = new Histogram({
    name: 'culvert_agent_job_duration_seconds',
    help: 'How long runs of jobs took.',
    labelNames: ['kind'],
    buckets: CRAWL_SECONDS,
    registers: [this.#registry],
  });
  readonly #qlikRequests = this.#counter('qlik_requests_total', 'Requests to Qlik services, by how they ended.', [
    'service',
    'result',
  ]);
  readonly #qlikSessions = this.#gauge('qlik_engine_sessions', 'Engine sessions that are open.');

  constructor(facts: () => Promise<AgentFacts>, eventLoop: EventLoop) {
    this.#facts = facts;
    for (const stage of ['spooled', 'sent', 'acked'])
      for (const counter of [this.#batches, this.#batchBytes]) counter.inc({ stage }, 0);
    this.#atScrape(eventLoop);
  }

  linkEnded(code: string): void {
    this.#ends.inc({ code });
  }

  jobEnded(kind: string, result: JobResult, durationMs: number): void {
    this.#jobs.inc({ kind, result });
    this.#durations.observe({ kind }, durationMs / 1000);
  }

  roundTrip(ms: number): void {
    this.#roundTrips.observe(ms / 1000);
  }

  batches(stage: 'spooled' | 'sent' | 'acked', count: number, bytes: number): void {
    this.#batches.inc({ stage }, count);
    this.#batchBytes.inc({ stage }, bytes);
  }

  record(kind: string): void {
    this.#records.inc({ kind });
  }

  /** `result`: `ok`, or the code of the error. */
  qlikRequest(service: 'repository' | 'engine', result: string): void {
    this.#qlikRequests.inc({ service, result });
  }

  qlikSessions(open: number): void {
    this.#qlikSessions.inc(open);
  }

  /** The text for Prometheus. */
  async text(): Promise<string> {
    const facts = await this.#facts();
    for (const set of this.#scraped) set(facts);
    return await this.#registry.metrics();
  }

  readonly #scraped: ((facts: AgentFacts) => void)[] = [];

  #atScrape(eventLoop: EventLoop): void {
    const each = (set: (facts: AgentFacts) => void): void => void this.#scraped.push(set);
    const value = (name: string, help: string, read: (facts: AgentFacts) => number | null): void => {
      const gauge = this.#gauge(name, help);
      each((facts) => {
        const found = read(facts);
        if (found === null) gauge.remove();
        else gauge.set(found);
      });
    };
    const build = this.#gauge('build_info', 'Always 1; the release in its labels.', ['version', 'node', 'platform']);
    each(({ version, node, platform }) => build.set({ version, node, platform }, 1));
    value('start_time_seconds', 'When the agent started, in seconds since 1970.', ({ startedAt }) =>
      Math.round(Date.parse(startedAt) / 1000),
    );
    value('ready', '1 while the catalog answered within two heartbeats.', ({ ready }) => (ready ? 1 : 0));
    const state = this.#gauge('link_state', '1 for the state that the link to the catalog is in.', ['state']);
    each(({ link }) => {
      for (const one of LINK_STATES) state.set({ state: one }, link.state === one ? 1 : 0);
    });
    const transport = this.#gauge('link_transport', '1 for the transport that is in use.', ['transport']);
    each(({ link }) => {
      transport.reset();
      transport.set({ transport: link.transport }, 1);
    });
    value('link_epoch', 'Epoch of the session; absent without one.', ({ link }) => link.epoch);
    value('link_since_round_trip_seconds', 'Since the catalog last answered; absent when it never did.', ({ link }) =>
      link.sinceRoundTripMs === null ? null : link.sinceRoundTripMs / 1000,
    );
    value('spool_bytes', 'What the spool holds.', ({ spool }) => spool.bytes);
    value('spool_limit_bytes', 'What the spool may hold.', ({ spool }) => spool.limitBytes);
    value('spool_attempts', 'Attempts that lie in the spool.', ({ spool }) => spool.attempts);
    value('spool_waiting', '1 while crawls wait as the spool is full or failing, and for 20 s after.', ({ spool }) =>
      spool.error === null ? 0 : 1,
    );
    value('disk_free_bytes', 'Free on the disk of the state folder.', ({ disk }) => disk.freeBytes);
    const running = this.#gauge('jobs_running', 'Jobs that run now.', ['kind']);
    each(({ jobs }) => {
      running.reset();
      for (const kind of ['crawl', 'test']) running.set({ kind }, 0);
      for (const { kind } of jobs) running.inc({ kind });
    });
    const connections = this.#gauge('connections', 'Connection files by state.', ['state']);
    each((facts) => {
      for (const one of CONNECTION_STATES)
        connections.set({ state: one }, facts.connections.filter((found) => found.state === one).length);
    });
    value('log_raised', '1 while the catalog has raised the level of the log.', ({ log }) =>
      log.raisedUntil === null ? 0 : 1,
    );
    const rising = (
      name: string,
      help: string,
      label: string,
      read: (facts: AgentFacts) => Record<string, number>,
    ): void => {
      const counter = this.#counter(name, help, [label]);
      const before: Record<string, number> = {};
      each((facts) => {
        for (const [value, total] of Object.entries(read(facts))) {
          counter.inc({ [label]: value }, Math.max(0, total - (before[value] ?? 0)));
          before[value] = total;
        }
      });
    };
    rising('log_lines_lost_total', 'Lines that did not get into the log file.', 'file', ({ log }) => ({
      agent: log.droppedLines,
    }));
    value('resident_memory_bytes', 'Memory of the process (RSS).', ({ memoryBytes }) => memoryBytes);
    rising('cpu_seconds_total', 'CPU time of the process.', 'mode', () => {
      const { user, system } = process.cpuUsage();
      return { user: user / 1e6, system: system / 1e6 };
    });
    const lag = this.#gauge('event_loop_lag_seconds', 'How late the event loop turned since the last look.', [
      'quantile',
    ]);
    each(() => {
      for (const [quantile, seconds] of Object.entries(eventLoop.lagSeconds())) lag.set({ quantile }, seconds);
    });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({
      name: `culvert_agent_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name: `culvert_agent_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] });
  }
}
