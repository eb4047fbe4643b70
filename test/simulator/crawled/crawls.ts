import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { CrawlOptions } from '#agent/crawl/options.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export const HOUR_MS = 3_600_000;

interface NextOptions extends Omit<CrawlOptions, 'patience'> {
  readonly owner?: string;
  readonly crawler?: string;
  readonly crawl?: Partial<Connection['crawl']>;
  readonly job?: string;
  /** Takes what is written; what a crawl wrote that was broken off is in there, too. */
  readonly records?: StreamRecord[];
}

/** Crawls of one site that go on from each other, as a catalog lets them. */
export class Crawls {
  readonly simulator: Simulator;
  readonly folder = mkdtempSync(join(tmpdir(), 'culvert-delta-'));
  checkpoint: string | null = null;
  nowMs = Date.now();
  #job = 0;

  constructor(simulator: Simulator) {
    this.simulator = simulator;
    folders.push(this.folder);
  }

  /** The next crawl; a job of its own unless one is named. */
  async next(more: NextOptions = {}) {
    const { owner = 'catalog agent', crawler = '1.0.0', crawl = {}, job, ...options } = more;
    this.#job += 1;
    this.simulator.record.reset();
    const connection = connectionFor(this.simulator);
    const crawled = await crawlSimulated(
      { ...connection, crawl: { ...connection.crawl, ...crawl } },
      {
        asked: { mode: 'delta', checkpoint: this.checkpoint, pictures: false },
        wallNow: () => this.nowMs,
        checkpoints: { folder: this.folder, job: job ?? `job-${this.#job}`, owner, crawler },
        ...options,
      },
    );
    const site = crawled.outcomes.get('sim');
    this.checkpoint = site?.checkpoint ?? this.checkpoint;
    const { http, opens } = this.simulator.record.snapshot();
    const calls = Object.entries(http).filter(([name]) => name.includes('/qrs/'));
    return {
      crawled,
      site,
      opens,
      calls: calls.reduce((sum, [, { count }]) => sum + count, 0),
      names: calls.map(([name, { count }]) => `${name} ${count}`),
      reasons: countOf(crawled),
    };
  }

  get file(): string {
    const name = readdirSync(this.folder).find((one) => one.endsWith('.json'));
    if (name === undefined) throw new Error('there is no checkpoint');
    return join(this.folder, name);
  }

  /** An app that can be read whole. */
  app(which = 0): string {
    const { site } = this.simulator;
    const whole = site.apps.filter(
      ({ lastReloadTime, admitted, scriptHidden }) => lastReloadTime && !admitted && !scriptHidden,
    );
    const found = whole[which];
    if (found === undefined) throw new Error('the site has too few such apps');
    return found.id;
  }
}

/** How many apps had each reason. */
const countOf = ({ outcomes }: Crawled): Record<string, number> => {
  const reasons: Record<string, number> = {};
  for (const [scope, { reason }] of outcomes)
    if (scope !== 'sim') reasons[reason?.code ?? ''] = (reasons[reason?.code ?? ''] ?? 0) + 1;
  return reasons;
};

/** A moment shortly after the last crawl. */
export const later = (nowMs: number): string => new Date(nowMs + 60_000).toISOString();

export const APPS = 12;
/** A small site that was crawled once. */
export const begun = async (): Promise<Crawls & AsyncDisposable> => {
  const simulator = await simulate({ apps: APPS, sessionsPerUser: 50 });
  const crawls = new Crawls(simulator);
  const first = await crawls.next();
  expect(first.reasons).toEqual({ first: APPS });
  expect(first.site).toMatchObject({ reason: { code: 'first' } });
  expect(first.site?.checkpoint).toBeDefined();
  return Object.assign(crawls, { [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() });
};
