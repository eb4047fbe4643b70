import { JobRunner } from '#agent/bridge/jobs.ts';
import { type JobEffect, Link } from '#agent/bridge/link.ts';
import { SeenJobs } from '#agent/bridge/seen-jobs.ts';
import type { Transport } from '#agent/bridge/transport.ts';
import { Spool } from '#agent/spool/spool.ts';
import type { AgentEvent } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { TIMES } from '#protocol/constants.ts';
import { asFault } from '#protocol/errors.ts';
import type { Counters } from './counters.ts';
import { crawlHandler, type Pace, type PlannedScope } from './crawl.ts';
import { type SimulatedDisk, SPOOL } from './disk.ts';
import { lineageHandler } from './lineage.ts';
import { inventoryHandler, previewHandler, testHandler } from './lists.ts';
import { Notebook } from './notebook.ts';
import type { Random } from './random.ts';
import type { Site } from './site.ts';
import { signChallenge, signJob } from './store-service.ts';
import { Owner, type Time } from './time.ts';
import type { Watch, Watched } from './watch.ts';

export const HOST = 'catalog.test';
/** Beside the spool, as in the state folder. */
const SEEN_JOBS = '/state/seen-jobs.json';
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface AgentWorld {
  readonly time: Time;
  readonly random: Random;
  readonly counters: Counters;
  readonly watch: Watch;
  readonly trace: (line: string) => void;
  readonly siteOf: (jobId: string) => Site | undefined;
  readonly transportOf: (owner: Owner) => Transport;
  readonly quotaBytes: number;
  readonly segmentBytes: number;
  /** How long a job takes from one record to the next, about. */
  readonly paceMs: number;
}

/** One run of the agent's program: the real session, link, job runner and spool over what the world simulates. */
export class AgentProcess implements Watched {
  readonly owner: Owner;
  readonly disk: SimulatedDisk;
  readonly leaseUntilMs = new Map<string, number>();
  readonly agentId: string;
  quietUntilMs = 0;
  readonly #world: AgentWorld;
  #link: Link | undefined;
  #jobs: JobRunner | undefined;
  #spool: Spool | undefined;
  #starting = '';
  #failed = false;

  constructor(world: AgentWorld, agentId: string, name: string, disk: SimulatedDisk) {
    this.#world = world;
    this.owner = new Owner(name);
    this.disk = disk;
    this.agentId = agentId;
    world.watch.watched.set(this.owner, this);
    world.time.as(this.owner, () => {
      this.#boot().catch((error: unknown) => {
        // As a program whose spool cannot be opened: it ends, and is started again.
        world.trace(`${name} cannot start: ${asFault(error).message}`);
        world.counters.count('agent.start.failed');
        this.#failed = true;
      });
    });
  }

  /** Its start failed, and it ended. */
  get hasFailed(): boolean {
    return this.#failed;
  }

  get isIdle(): boolean {
    return this.#spool !== undefined && this.#spool.attempts.length === 0;
  }

  get isOpen(): boolean {
    return this.#session?.state.name === 'open';
  }

  get isTalking(): boolean {
    const state = this.#session?.state.name;
    return state === 'greeting' || state === 'authenticating' || state === 'open';
  }

  isRecorded(leaseToken: string): boolean {
    return this.disk.holds(Buffer.from(`"${leaseToken}"`), (path) => path.endsWith('/attempt.json'));
  }

  dispatch(event: AgentEvent): void {
    this.#world.time.as(this.owner, () => this.#link?.dispatch(event));
  }

  /** Ends as a program that is told to: resolves when it has. */
  async stop(): Promise<void> {
    await this.#world.time.as(this.owner, async () => {
      this.#link?.dispatch({ type: 'drain', deadlineMs: TIMES.agentDrainMs });
      await this.#jobs?.stop();
      await this.#link?.settled(TIMES.agentSendMs);
      await this.#link?.stop();
      await this.#spool?.close();
    });
  }

  #session: AgentSession | undefined;

  async #boot(): Promise<void> {
    const { time, random, trace, counters, watch } = this.#world;
    const { owner, agentId } = this;
    const name = owner.name;
    await time.delay(random.between(1, 50), owner);
    const spool = await Spool.open(SPOOL, {
      disk: this.disk.mount(owner),
      quotaBytes: this.#world.quotaBytes,
      segmentBytes: this.#world.segmentBytes,
      now: () => time.nowMs,
      onFault: (fault) => {
        if (fault) counters.count(`agent.${fault.code}`);
      },
    });
    const seen = await SeenJobs.open(
      SEEN_JOBS,
      agentId,
      () => counters.count('agent.seen.damaged'),
      this.disk.mount(owner),
    );
    const bootId = `boot-${random.id()}`;
    const held = spool.attempts.map((attempt) => attempt.held());
    trace(`${name} starts with ${held.map((one) => `${one.jobId}/${one.attempt}`).join(', ') || 'nothing'}`);
    if (held.length > 0) counters.count('agent.start.held');
    const session = new AgentSession(
      { agentId, keyId: 'key-1', bootId, version: '0.0.0' },
      {
        version: '0.0.0',
        hostname: name,
        platform: 'test',
        startedAt: '2026-01-01T00:00:00.000Z',
        connectionsFolder: '/connections',
        connections: [],
      },
      held,
    );
    const notebook = new Notebook(this.disk.mount(owner), (what) => counters.count(what));
    const look = (jobId: string) => {
      const pass = `pass-${random.id()}`;
      const site = this.#world.siteOf(jobId);
      if (!site) throw new Error(`nobody asked for ${jobId}`);
      const key = this.#starting;
      counters.count('agent.pass');
      const onPlan = (plan: readonly PlannedScope[]): void => {
        watch.scopes.passes.set(pass, { key, plan });
      };
      watch.jobs.begun(pass, key);
      return { site, pass, pace: this.#pace(key), notebook, onPlan };
    };
    const jobs = new JobRunner({
      spool,
      handlers: {
        crawl: crawlHandler(look),
        lineage: lineageHandler(look),
        test: testHandler(look, () => time.nowMs),
        inventory: inventoryHandler(look),
        preview: previewHandler(look),
      },
      agentId,
      verifyJob: (spec, signature) => signature === signJob(spec),
      seen,
      dispatch: (event) => {
        counters.count(`agent.event.${event.type}`);
        link.dispatch(event);
      },
      log: quiet,
      timestamp: () => '2026-01-01T00:00:00.000Z',
    });
    const link: Link = new Link({
      session,
      transport: this.#world.transportOf(owner),
      clock: {
        nowMs: () => time.nowMs + owner.clockOffsetMs,
        // Whole milliseconds, as of the real clock: a rest too small to move the time on would be waited for for ever.
        after: (ms, call) => time.after(Math.ceil(ms), owner, call, true),
        random: () => random.next(),
      },
      log: quiet,
      challenge: () => seen.challenge(random.id()),
      sign: (nonce) => signChallenge(agentId, 'key-1', HOST, nonce, bootId),
      onJob: (effect) => this.#perform(effect, jobs),
      onAsk: () => undefined,
      onGreeted: () => undefined,
      readFrame: async (ref, seq) => {
        const bytes = await jobs.readFrame(ref, seq);
        if (bytes && !this.disk.holds(bytes, (path) => path.endsWith('.seg')) && !watch.mayRecut)
          watch.fail('fsync', `${name} is about to send batch ${seq} of ${ref.jobId}, which is not synced`);
        return bytes;
      },
      onUnreadable: (ref, error) => {
        counters.count('agent.unreadable');
        jobs.unreadable(ref, error);
      },
    });
    this.#spool = spool;
    this.#session = session;
    this.#jobs = jobs;
    this.#link = link;
    link.dispatch({ type: 'start' });
  }

  #pace(key: string): Pace {
    const { time, random, paceMs, watch } = this.#world;
    return {
      random,
      pause: () => time.delay(random.chance(0.2) ? 0 : random.between(0, 2 * paceMs), this.owner),
      onWritten: () => watch.written(this.owner, key),
    };
  }

  #perform(effect: JobEffect, jobs: JobRunner): void {
    const { watch, trace, counters } = this.#world;
    const key =
      'offer' in effect ? `${effect.offer.jobId}/${effect.offer.attempt}` : `${effect.jobId}/${effect.attempt}`;
    trace(
      `${this.owner.name} ${effect.type} ${key}${'upto' in effect ? ` ${effect.upto}` : 'why' in effect ? ` ${effect.why}` : ''}`,
    );
    counters.count(`agent.${effect.type}${'why' in effect ? `.${effect.why}` : ''}`);
    if (effect.type === 'trim') watch.trimmed(this.owner, effect, effect.upto);
    this.#starting = key;
    jobs.perform(effect);
  }
}
