import { createHash } from 'node:crypto';
import type { AgentSession, Offer } from '#catalog/gateway/backend.ts';
import { expireLeases } from '#catalog/jobs/sweep.ts';
import { cancelJob, createJob } from '#catalog/store/jobs.ts';
import { Fault } from '#protocol/errors.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { JobSpec, Lease } from '#protocol/messages.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { batchOf, check, connectionState, type TestAgent } from '#test/catalog/agent.ts';
import type { World } from '#test/catalog/world.ts';
import { deletionSettings, modelRows, realRows, someApp, someItems, somePictures, someSite } from './both-scopes.ts';
import type { Random } from './random.ts';
import { StoreModel } from './store-model.ts';
import { PublisherModel } from './store-publisher.ts';

/** The same thing at the real store and in the model. */
interface Both<T> {
  readonly real: T;
  readonly model: T;
}

interface Held extends Both<Lease> {
  readonly kind: string;
  readonly crcs: number[];
  records: number;
}

const CODES = ['north', 'south'] as const;
const OPTIONS: readonly JobSpec['options'][] = [{}, {}, {}, { mode: 'full' }, { only: { streams: [], apps: ['a-1'] } }];
const KINDS = ['crawl', 'crawl', 'crawl', 'lineage', 'test', 'inventory', 'preview'] as const;
const INVENTORY: StreamRecord = { t: 'inventory', rules: ['a rule'] };
const bare = ({ jobId, attempt, leaseToken }: Lease): Lease => ({ jobId, attempt, leaseToken });

/** Plays the same calls against PostgreSQL and against the model, and says what each answered. */
export class BothStores {
  readonly #world: World;
  readonly #random: Random;
  readonly #agent: TestAgent;
  readonly #organisationId: string;
  readonly #model: StoreModel;
  readonly #publishers = new Map<string, PublisherModel>();
  readonly #sessions: Both<AgentSession>[] = [];
  readonly #held: Held[] = [];
  readonly #jobs: string[] = [];
  #nowMs = 1_000;
  #ids = 0;

  /** Scopes of a site, and of an app, that were published: by how each ended. */
  readonly met = new Set<string>();

  private constructor(
    world: World,
    random: Random,
    place: { organisationId: string; agent: TestAgent },
    south: DeletionPolicy,
  ) {
    this.#world = world;
    this.#random = random;
    this.#agent = place.agent;
    this.#organisationId = place.organisationId;
    this.#model = new StoreModel({
      nowMs: () => this.#nowMs,
      id: () => `id-${++this.#ids}`,
      verify: () => true,
      sign: () => '',
      onWake: () => undefined,
      onPublished: (_, { kind, outcome, whole }, { before, policy }) =>
        this.met.add(`${kind} ${outcome}${whole.length > 0 ? ' whole' : ''} ${before ? policy : 'first'}`),
      onUnlisted: (_, { policy }) => this.met.add(`unlisted ${policy}`),
      onPictures: () => this.met.add('pictures'),
      onList: () => undefined,
      onEnded: ({ kind, state }) => this.met.add(`${kind} ${state}`),
    });
    const policies: Record<(typeof CODES)[number], DeletionPolicy> = { north: 'delete', south };
    this.#model.addAgent(place.agent.id, place.agent.identity.keyId, policies);
    this.#agent.connections = CODES.map((code) => connectionState(code, deletionSettings(policies[code])));
  }

  /** @param south what becomes of what is gone from the second connection; from the first it is deleted */
  static async open(world: World, random: Random, south: DeletionPolicy): Promise<BothStores> {
    const both = new BothStores(world, random, await world.enter(...CODES), south);
    await both.#authenticate();
    return both;
  }

  /** One call, chosen at random: its name, and both answers. */
  async play(): Promise<{ readonly call: string; readonly real: unknown; readonly model: unknown }> {
    this.#nowMs += 10;
    const roll = this.#random.next();
    const act =
      roll < 0.12
        ? () => this.#ask()
        : roll < 0.2
          ? () => this.#authenticate()
          : roll < 0.34
            ? () => this.#claim()
            : roll < 0.42
              ? () => this.#accept()
              : roll < 0.72
                ? () => this.#batch()
                : roll < 0.8
                  ? () => this.#finish()
                  : roll < 0.83
                    ? () => this.#reject()
                    : roll < 0.89
                      ? () => this.#renew()
                      : roll < 0.91
                        ? () => this.#cancel()
                        : roll < 0.96
                          ? () => this.#expire()
                          : () => this.#due();
    return await act();
  }

  /** A crawl of many scopes, from beginning to end, in both; ends as the job did. */
  async crawl(code: (typeof CODES)[number], batches: number, scopes: number): Promise<Both<unknown>> {
    const { sql, backend } = this.#world;
    const { job } = await createJob(sql, this.#organisationId, { connection: code, kind: 'crawl', createdBy: 'test' });
    this.#model.createJob(code, 'crawl', {}, job.id);
    const session = this.#sessions.at(-1);
    const real = session && (await backend.claim(session.real));
    const model = session && this.#model.claim(session.model);
    if (!real || !model) throw new Error('there is no job to claim');
    await backend.accept(session.real, bare(real));
    this.#model.accept(session.model, bare(model));
    const held: Held = { real: bare(real), model: bare(model), kind: 'crawl', crcs: [], records: 0 };
    for (let seq = 1; seq <= batches; seq += 1) {
      const records = Array.from({ length: scopes }, (_, n) =>
        seq === 1 && n === 0 ? someSite(this.#random, code) : someApp(this.#random, code),
      );
      const batch = batchOf(seq, records.flat());
      await (await backend.storeBatch(session.real, held.real, batch)).consumed;
      this.#model.storeBatch(session.model, held.model, batch);
      await this.#publisher(held).consumed(seq);
      held.crcs.push(batch.crc32);
      held.records += batch.records;
    }
    const facts = {
      type: 'job.finish',
      lastSeq: batches,
      records: held.records,
      sha256: hashOf(held),
      result: 'ok',
    } as const;
    await backend.finish(session.real, { ...facts, ...held.real });
    this.#model.finish(session.model, { ...facts, ...held.model }, this.#publisher(held).openScopes);
    return await this.state();
  }

  /** Jobs, attempts and what is published. */
  async state(): Promise<Both<unknown>> {
    const { sql } = this.#world;
    const organisationId = this.#organisationId;
    const jobs = await sql`select id, state, attempt from job where organisation_id = ${organisationId} order by id`;
    const attempts = await sql`select job_id as "jobId", attempt, state, durable_seq::float8 as "durableSeq"
      from attempt where organisation_id = ${organisationId} order by job_id, attempt`;
    const { tables } = this.#model;
    const modelJobs = [...tables.jobs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const rows = [...tables.attempts.values()].sort((a, b) =>
      a.jobId === b.jobId ? a.attempt - b.attempt : a.jobId < b.jobId ? -1 : 1,
    );
    return {
      real: { jobs: [...jobs], attempts: [...attempts], ...(await realRows(sql, organisationId)) },
      model: {
        jobs: modelJobs.map(({ id, state, attempt }) => ({ id, state, attempt })),
        attempts: rows.map(({ jobId, attempt, state, durableSeq }) => ({ jobId, attempt, state, durableSeq })),
        ...modelRows(tables),
      },
    };
  }

  /** Mostly the newest, now and then one that was superseded. */
  #session(): Both<AgentSession> {
    const last = this.#sessions.at(-1);
    const one = this.#random.chance(0.15) ? this.#random.pick(this.#sessions) : last;
    if (!one) throw new Error('no session was opened');
    return one;
  }

  /** Mostly a newer one; now and then with a token that nobody gave, or of an attempt that there is not. */
  #lease(): Held | undefined {
    const held = this.#random.chance(0.7) ? this.#held.at(-1) : this.#random.pick(this.#held);
    if (!held || this.#random.chance(0.92)) return held;
    const change = this.#random.chance(0.5) ? { leaseToken: 'forged' } : { attempt: held.real.attempt + 1 };
    return { ...held, real: { ...held.real, ...change }, model: { ...held.model, ...change } };
  }

  async #ask() {
    const connection = this.#random.pick(CODES) ?? 'north';
    const kind = this.#random.pick(KINDS) ?? 'crawl';
    const options = this.#optionsOf(kind);
    const asked = { connection, kind, options, createdBy: 'test' } as const;
    const { job } = await createJob(this.#world.sql, this.#organisationId, asked);
    const model = this.#model.createJob(connection, kind, options, job.id);
    this.#jobs.push(job.id);
    return { call: `ask for a ${kind} of ${connection}`, real: job.id, model: model.id };
  }

  #optionsOf(kind: (typeof KINDS)[number]): JobSpec['options'] {
    if (kind === 'crawl') return this.#random.pick(OPTIONS) ?? {};
    if (kind === 'lineage') return this.#random.chance(0.7) ? {} : { only: { streams: [], apps: ['a-1'] } };
    return kind === 'preview' ? { app: this.#random.pick(['a-1', 'a-2']) ?? 'a-1' } : {};
  }

  async #authenticate() {
    const held = this.#held.filter(() => this.#random.chance(0.75)).slice(-4);
    const jobsOf = (side: 'real' | 'model') =>
      held.map((one) => ({ ...one[side], spooledSeq: one.crcs.length, sealed: false }));
    const real = await this.#agent.authenticate(this.#world.backend, jobsOf('real'));
    const { id, identity, bootId } = this.#agent;
    const auth = {
      type: 'auth' as const,
      agentId: id,
      keyId: identity.keyId,
      bootId,
      version: '',
      capabilities: [],
      signature: '',
      status: this.#agent.status(),
    };
    const model = this.#model.authenticate({ ...auth, jobs: jobsOf('model') }, { host: '', nonce: '' });
    if (!('refused' in real) && !('refused' in model))
      this.#sessions.push({ real: real.session, model: model.session });
    const answer = (reply: typeof model) =>
      'refused' in reply ? reply.refused.closeCode : reply.jobs.map((job) => ({ ...job }));
    return { call: `authenticate with ${held.length}`, real: answer(real), model: answer(model) };
  }

  async #claim() {
    const session = this.#session();
    const real = await this.#world.backend.claim(session.real);
    const model = this.#model.claim(session.model);
    if (real && model) {
      const kind = (JSON.parse(real.spec) as { kind: string }).kind;
      this.#held.push({ real: bare(real), model: bare(model), kind, crcs: [], records: 0 });
    }
    const answer = (offer: Offer | undefined) =>
      offer && { jobId: offer.jobId, attempt: offer.attempt, ...askedOf(offer) };
    return { call: 'claim', real: answer(real), model: answer(model) };
  }

  async #accept() {
    const session = this.#session();
    const held = this.#lease();
    if (!held) return nothing;
    const real = await this.#world.backend.accept(session.real, held.real);
    return { call: 'accept', real, model: this.#model.accept(session.model, held.model) };
  }

  async #reject() {
    const session = this.#session();
    const held = this.#lease();
    if (!held) return nothing;
    const error = new Fault(this.#random.chance(0.6) ? 'spool.failed' : 'job.unknown_kind', 'made up').toJSON();
    await this.#world.backend.reject(session.real, held.real, error);
    this.#model.reject(session.model, held.model, error);
    return { call: `reject (${error.code})`, real: null, model: null };
  }

  async #renew() {
    const session = this.#session();
    const held = this.#held.filter(() => this.#random.chance(0.7));
    const real = await this.#world.backend.renew(
      session.real,
      held.map((one) => one.real),
    );
    const model = this.#model.renew(
      session.model,
      held.map((one) => one.model),
    );
    return { call: `renew ${held.length}`, real, model };
  }

  async #batch() {
    const session = this.#session();
    const held = this.#lease();
    if (!held) return nothing;
    const next = held.crcs.length + 1;
    const seq = this.#random.chance(0.85) ? next : Math.max(1, next + this.#random.int(-2, 2));
    const batch = batchOf(seq, this.#records(held, seq));
    const real = await this.#world.backend.storeBatch(session.real, held.real, batch);
    const model = this.#model.storeBatch(session.model, held.model, batch);
    await real.consumed;
    if (model.result === 'stored') await this.#publisher(held).consumed(seq);
    if (real.result === 'stored') {
      held.crcs.push(batch.crc32);
      held.records += batch.records;
    }
    const { result, durableSeq } = real;
    return { call: `batch ${seq}`, real: { result, durableSeq }, model };
  }

  async #finish() {
    const session = this.#session();
    const held = this.#lease();
    if (!held) return nothing;
    const roll = this.#random.next();
    const result = roll < 0.7 ? 'ok' : roll < 0.85 ? 'error' : 'cancelled';
    const error = new Fault(this.#random.chance(0.5) ? 'spool.failed' : 'internal', 'made up').toJSON();
    const facts = {
      type: 'job.finish' as const,
      lastSeq: held.crcs.length + (this.#random.chance(0.1) ? 1 : 0),
      records: held.records + (this.#random.chance(0.05) ? 1 : 0),
      sha256: this.#random.chance(0.05) ? '0'.repeat(64) : hashOf(held),
      result: result as 'ok' | 'error' | 'cancelled',
      ...(result === 'error' ? { error } : {}),
    };
    const real = await this.#world.backend.finish(session.real, { ...facts, ...held.real });
    const before = this.#model.durableSeq(session.model, held.model);
    const model =
      before !== undefined && before < facts.lastSeq
        ? { result: 'gap' as const, durableSeq: before }
        : this.#model.finish(session.model, { ...facts, ...held.model }, this.#publisher(held).openScopes);
    return { call: `finish (${result})`, real, model };
  }

  async #cancel() {
    const id = this.#random.pick(this.#jobs);
    if (id === undefined) return nothing;
    await cancelJob(this.#world.sql, this.#organisationId, id);
    this.#model.cancelJob(id);
    return { call: 'cancel', real: null, model: null };
  }

  /** Every lease runs out, and the store looks. */
  async #expire() {
    await this.#world.sql`update attempt set lease_expires_at = now()
      where organisation_id = ${this.#organisationId}`;
    for (const attempt of this.#model.tables.attempts.values()) attempt.expiresAtMs = this.#nowMs - 1;
    if (this.#random.chance(0.7)) {
      await expireLeases(this.#world.sql);
      this.#model.sweep();
    }
    return { call: 'expire', real: null, model: null };
  }

  /** Jobs that wait for another try may begin. */
  async #due() {
    await this.#world.sql`update job set not_before = now() where organisation_id = ${this.#organisationId}`;
    for (const job of this.#model.tables.jobs.values()) job.notBeforeMs = this.#nowMs;
    return { call: 'due', real: null, model: null };
  }

  #records(held: Held, seq: number): readonly StreamRecord[] {
    const isFirst = seq === 1 || this.#random.chance(0.1);
    if (held.kind === 'test') return isFirst ? [{ t: 'test' }, check('dns')] : [check('tcp')];
    const code = this.#model.tables.jobs.get(held.model.jobId)?.connection ?? 'north';
    if (held.kind === 'inventory') return [...(isFirst ? [INVENTORY] : []), ...someItems(this.#random, code)];
    if (held.kind === 'preview') return somePictures(this.#random, code);
    const isSite = held.kind === 'crawl' && (seq === 1 || this.#random.chance(0.15));
    const records = isSite ? someSite(this.#random, code) : someApp(this.#random, code);
    // Now and then a scope is left open, or does not agree with its outcome.
    if (this.#random.chance(0.05)) return records.slice(0, -1);
    const [last] = records.slice(-1);
    if (last?.t === 'outcome' && this.#random.chance(0.04)) return [...records.slice(0, -1), { ...last, records: 99 }];
    return records;
  }

  #publisher({ model }: Held): PublisherModel {
    const key = `${model.jobId}/${model.attempt} ${model.leaseToken}`;
    const publisher =
      this.#publishers.get(key) ??
      new PublisherModel({
        store: this.#model,
        lease: model,
        transaction: async (work) => work(),
        pause: () => Promise.reject(new Error('the model of the publisher failed')),
      });
    this.#publishers.set(key, publisher);
    return publisher;
  }
}

/** Over the checksums of all batches. */
const hashOf = ({ crcs }: Held): string => {
  const hash = createHash('sha256');
  for (const crc of crcs) hash.update(Buffer.from(crc.toString(16).padStart(8, '0'), 'hex'));
  return hash.digest('hex');
};

/** What the catalog adds to a crawl when its lease begins. */
const askedOf = ({ spec }: Offer): object => {
  const { kind, options } = JSON.parse(spec) as { kind: string; options: Record<string, unknown> };
  const { checkpoint, pictures, lineageJob } = options;
  return kind === 'crawl' || kind === 'lineage' ? { checkpoint, pictures, lineageJob } : {};
};

const nothing = { call: 'nothing', real: null, model: null } as const;
