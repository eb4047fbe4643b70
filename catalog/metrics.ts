import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { JOB_STATES } from '#catalog/api/contract.ts';
import type { GatewayBackend } from '#catalog/gateway/backend.ts';
import type { GatewayOptions } from '#catalog/gateway/gateway.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { JOB_KINDS } from '#protocol/job-options.ts';

const LAG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300];
const QUERY_MS = 3_000;
const RESOLUTION_MS = 20;

/** What Prometheus reads of the catalog: of all organisations together, with labels of small sets alone. */
export class CatalogMetrics {
  readonly #registry = new Registry();
  readonly #sql: Sql;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #sessions: () => number = () => 0;

  readonly #handshakes = this.#counter('handshakes_total', 'Sessions that agents asked for, by what they were told.', [
    'result',
  ]);
  readonly #asked = this.#counter(
    'link_requests_total',
    'Links that were asked for: admitted, or the status of HTTP.',
    ['transport', 'result'],
  );
  readonly #opened = this.#counter('sessions_opened_total', 'Sessions that were opened.', ['transport']);
  readonly #batches = this.#counter('batches_total', 'Batches that came, by what became of them.', ['result']);
  readonly #bytes = this.#counter('batch_bytes_total', 'Bytes of batches that were stored, compressed.', []);
  readonly #finished = this.#counter('attempts_finished_total', 'Attempts that agents finished, by their answer.', [
    'result',
  ]);
  readonly #lag = new Histogram({
    name: 'culvert_catalog_publish_lag_seconds',
    help: 'From a batch made durable until it was published as far as its scopes ended.',
    buckets: LAG_SECONDS,
    registers: [this.#registry],
  });
  readonly #waiting = this.#gauge('batches_unpublished', 'Batches that are durable and wait to be published.', []);
  readonly #open = this.#gauge('sessions', 'Sessions of agents.', []);
  readonly #jobs = this.#gauge('jobs', 'Jobs by kind and state.', ['kind', 'state']);
  readonly #memory = this.#gauge('resident_memory_bytes', 'Memory of the process (RSS).', []);
  readonly #loop = this.#gauge('event_loop_lag_seconds', 'How late the event loop turned since the last look.', [
    'quantile',
  ]);

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#delay.enable();
  }

  /** For the gateway: who asks for a link, and who gets a session. */
  get doors(): Required<Pick<GatewayOptions, 'onAsked' | 'onSession'>> {
    return {
      onAsked: (transport, result) => this.#asked.inc({ transport, result: String(result) }),
      onSession: (transport) => this.#opened.inc({ transport }),
    };
  }

  /** How many sessions there are now. */
  countSessions(sessions: () => number): void {
    this.#sessions = sessions;
  }

  /** The same backend for the gateway, with what it does counted. */
  measured(backend: GatewayBackend): GatewayBackend {
    const counted: Pick<GatewayBackend, 'authenticate' | 'storeBatch' | 'finish'> = {
      authenticate: async (...args) => {
        const reply = await backend.authenticate(...args);
        const result = 'refused' in reply ? String(reply.refused.closeCode) : 'accepted';
        this.#handshakes.inc({ result });
        return reply;
      },
      storeBatch: async (session, lease, batch) => {
        const reply = await backend.storeBatch(session, lease, batch);
        this.#batches.inc({ result: reply.result });
        if (reply.result !== 'stored') return reply;
        this.#bytes.inc(batch.payload.length);
        this.#waiting.inc();
        const done = this.#lag.startTimer();
        const published = (): void => {
          this.#waiting.dec();
          done();
        };
        reply.consumed.then(published, published);
        return reply;
      },
      finish: async (...args) => {
        const reply = await backend.finish(...args);
        this.#finished.inc({ result: reply.result });
        return reply;
      },
    };
    return new Proxy(backend, {
      get: (target, name) => Reflect.get(name in counted ? counted : target, name) as unknown,
    });
  }

  /** The text for Prometheus. The database has a few seconds for its part, which is left out else. */
  async text(): Promise<string> {
    this.#open.set(this.#sessions());
    this.#memory.set(process.memoryUsage.rss());
    for (const [quantile, nanoseconds] of [
      ['0.5', this.#delay.percentile(50)],
      ['0.99', this.#delay.percentile(99)],
      ['1', this.#delay.max],
    ] as const)
      this.#loop.set({ quantile }, Math.max(0, (nanoseconds || 0) / 1e9 - RESOLUTION_MS / 1000));
    this.#delay.reset();
    await this.#countJobs();
    return await this.#registry.metrics();
  }

  close(): void {
    this.#delay.disable();
  }

  async #countJobs(): Promise<void> {
    this.#jobs.reset();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), QUERY_MS);
    });
    const query = this.#sql<{ kind: string; state: string; count: number }[]>`
      select kind, state, count(*)::int as count from job group by kind, state`.catch(() => undefined);
    const rows = await Promise.race([query, late]);
    clearTimeout(timer);
    if (rows === undefined) return;
    for (const kind of JOB_KINDS) for (const state of JOB_STATES) this.#jobs.set({ kind, state }, 0);
    for (const { kind, state, count } of rows) this.#jobs.set({ kind, state }, count);
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    const names = [...labelNames];
    return new Counter({ name: `culvert_catalog_${name}`, help, labelNames: names, registers: [this.#registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    const names = [...labelNames];
    return new Gauge({ name: `culvert_catalog_${name}`, help, labelNames: names, registers: [this.#registry] });
  }
}
