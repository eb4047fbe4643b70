import { createHmac } from 'node:crypto';
import type { AgentSession, GatewayBackend, WakeUp } from '#catalog/gateway/backend.ts';
import { challenge } from '#protocol/messages.ts';
import type { Counters } from './counters.ts';
import type { Random } from './random.ts';
import { type Auth, keyOf, type StoreModelOptions, type Wake } from './store-leases.ts';
import { StoreModel } from './store-model.ts';
import { PublisherModel } from './store-publisher.ts';
import type { Tables } from './store-tables.ts';
import type { Owner, Time } from './time.ts';

const SWEEP_MS = 5_000;

/** Stands for an Ed25519 signature: only whoever has the key makes it. */
export const signature = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64');
const agentSecret = (agentId: string, keyId: string): string => `canary-${agentId}-${keyId}`;
const CATALOG_SECRET = 'canary-catalog';
export const signChallenge = (agentId: string, keyId: string, host: string, nonce: string, bootId: string): string =>
  signature(agentSecret(agentId, keyId), challenge(host, nonce, agentId, bootId));
export const signJob = (spec: string): string => signature(CATALOG_SECRET, spec);

interface Subscription {
  readonly session: AgentSession;
  readonly owner: Owner;
  readonly wake: (wake: WakeUp) => void;
}

/** The store as the gateways reach it: every call takes time, may fail, and may be answered after its caller is gone. */
export class StoreService {
  readonly model: StoreModel;
  readonly #time: Time;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #subscriptions = new Set<Subscription>();
  readonly #publishers = new Map<Owner, Map<string, PublisherModel>>();
  /** Something was asked of the store, and done. */
  onCalled: () => void = () => undefined;
  onClaimed: (jobId: string | undefined) => void = () => undefined;
  /** A job ended with what its agent said last. */
  onClosed: (jobId: string) => void = () => undefined;
  #downUntilMs = 0;
  /** Raised by each failover: connections to the store of before are gone. */
  #generation = 0;
  slowUntilMs = 0;

  constructor(
    time: Time,
    random: Random,
    counters: Counters,
    told: Pick<StoreModelOptions, 'onPublished' | 'onUnlisted' | 'onPictures' | 'onList' | 'onEnded'>,
  ) {
    this.#time = time;
    this.#random = random;
    this.#counters = counters;
    this.model = new StoreModel({
      nowMs: () => time.nowMs,
      id: () => random.id(),
      sign: signJob,
      verify: (auth: Auth, { host, nonce }) =>
        auth.signature === signChallenge(auth.agentId, auth.keyId, host, nonce, auth.bootId),
      onWake: (agentId, wake) => this.#wake(agentId, wake),
      ...told,
    });
  }

  /** Nothing that was committed is lost, but every connection; `replica`: also the commits since it was taken. */
  failOver(downMs: number, replica: Tables | undefined): void {
    this.#generation += 1;
    this.#downUntilMs = this.#time.nowMs + downMs;
    if (replica) this.model.tables = replica;
  }

  /** What a catalog process does besides answering: goes on with what is staged, and sweeps. */
  start(owner: Owner): void {
    this.#publishers.set(owner, new Map());
    const sweep = (): void => {
      if (this.#time.nowMs >= this.#downUntilMs) this.model.sweep();
      this.#time.after(SWEEP_MS, owner, sweep);
    };
    this.#time.after(this.#random.between(0, SWEEP_MS), owner, sweep);
    for (const attempt of this.model.tables.attempts.values())
      if (attempt.state === 'active' && attempt.publishedSeq < attempt.durableSeq)
        void this.#publisher(owner, attempt).consumed(attempt.durableSeq);
  }

  stop(owner: Owner): void {
    this.#publishers.delete(owner);
    for (const subscription of this.#subscriptions)
      if (subscription.owner === owner) this.#subscriptions.delete(subscription);
  }

  backendOf(owner: Owner): GatewayBackend {
    const { model } = this;
    const call = <T>(name: string, work: () => T): Promise<T> => this.#call(owner, name, work);
    return {
      enrol: () => Promise.reject(new Error('nobody enrols here')),
      rotateKey: () => Promise.reject(new Error('nobody rotates keys here')),
      authenticate: (auth, proof) => call('authenticate', () => model.authenticate(auth, proof)),
      claim: (session) =>
        call('claim', () => {
          const offer = model.claim(session);
          this.onClaimed(offer?.jobId);
          return offer;
        }),
      accept: (session, lease) => call('accept', () => this.#note('accept', model.accept(session, lease))),
      reject: (session, lease, error) => call('reject', () => model.reject(session, lease, error)),
      renew: (session, leases) =>
        call('renew', () => {
          const answer = model.renew(session, leases);
          if (!answer.current) this.#counters.count('store.renew.superseded');
          if (answer.lost.length > 0) this.#counters.count('store.renew.lost');
          return answer;
        }),
      progress: (session) => call('progress', () => void model.isCurrent(session)),
      status: (session) => call('status', () => void model.isCurrent(session)),
      disconnected: (session) => call('disconnected', () => model.disconnected(session)),
      onWake: (session: AgentSession, wake) => {
        const subscription = { session, owner, wake };
        this.#subscriptions.add(subscription);
        return () => this.#subscriptions.delete(subscription);
      },
      storeBatch: async (session, lease, batch) => {
        const { result, durableSeq } = await call('storeBatch', () => {
          const answer = model.storeBatch(session, lease, batch);
          this.#counters.count(`store.batch.${answer.result}`);
          if (answer.result === 'lost')
            this.#counters.count(model.isCurrent(session) ? 'store.batch.token' : 'store.batch.epoch');
          return answer;
        });
        const consumed =
          result === 'stored' ? this.#publisher(owner, lease).stored(batch.seq) : Promise.resolve(undefined);
        return { result, durableSeq, consumed };
      },
      finish: async (session, finish) => {
        const before = await call('finish.look', () => model.durableSeq(session, finish));
        if (before === undefined)
          return this.#note('finish', await call('finish', () => model.finish(session, finish, [])));
        if (before < finish.lastSeq) return this.#note('finish', { result: 'gap' as const, durableSeq: before });
        const publisher = this.#publisher(owner, finish);
        await publisher.settled(before);
        return await call('finish', () => {
          const answer = model.finish(session, finish, publisher.openScopes);
          if (answer.result === 'closed') this.onClosed(finish.jobId);
          return this.#note('finish', answer);
        });
      },
    };
  }

  /** Batches that wait to be published, in all processes. */
  get publishers(): number {
    let all = 0;
    for (const one of this.#publishers.values()) all += one.size;
    return all;
  }

  #note<T extends string | { readonly result: string }>(name: string, answer: T): T {
    this.#counters.count(`store.${name}.${typeof answer === 'string' ? answer : answer.result}`);
    return answer;
  }

  #latencyMs(): number {
    const slow = this.#time.nowMs < this.slowUntilMs ? 800 : 1;
    return this.#random.between(0.2, 4) * slow;
  }

  /** The transaction happens between two waits: whoever asked may be gone before the answer comes. */
  #call<T>(owner: Owner, name: string, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!owner.alive) return;
      const generation = this.#generation;
      const fail = (): void => {
        this.#counters.count('store.unavailable');
        this.#time.after(this.#latencyMs(), owner, () => reject(new Error(`the store is away: ${name}`)));
      };
      this.#time.after(this.#latencyMs(), undefined, () => {
        if (this.#time.nowMs < this.#downUntilMs || generation !== this.#generation) {
          fail();
          return;
        }
        let answer: T;
        try {
          answer = work();
          this.onCalled();
        } catch (error) {
          this.#time.after(this.#latencyMs(), owner, () => reject(error));
          return;
        }
        if (!owner.alive) this.#counters.count(`gateway.crash.after.${name}`);
        this.#time.after(this.#latencyMs(), owner, () => {
          // The commit stands, but the connection on which it would be told is gone.
          if (generation !== this.#generation) {
            this.#counters.count('store.answer.lost');
            fail();
          } else resolve(answer);
        });
      });
    });
  }

  #publisher(owner: Owner, lease: { readonly jobId: string; readonly attempt: number; readonly leaseToken: string }) {
    const own = this.#publishers.get(owner) ?? new Map<string, PublisherModel>();
    this.#publishers.set(owner, own);
    const key = `${keyOf(lease)} ${lease.leaseToken}`;
    const { jobId, attempt, leaseToken } = lease;
    const found = own.get(key);
    // One that ended is not taken again: a store that failed over may have the attempt as it was before.
    if (found && !found.hasEnded) return found;
    const publisher = new PublisherModel({
      store: this.model,
      lease: { jobId, attempt, leaseToken },
      transaction: (work) => this.#call(owner, 'publish', work),
      pause: (ms) => this.#time.delay(ms, owner),
    });
    own.set(key, publisher);
    return publisher;
  }

  #wake(agentId: string, wake: Wake): void {
    for (const subscription of this.#subscriptions) {
      const { session } = subscription;
      if (session.agentId !== agentId || (wake.end && session.epoch > wake.end.epoch)) continue;
      if (this.#random.chance(0.1)) {
        this.#counters.count('store.wake.lost');
        continue;
      }
      this.#time.after(this.#latencyMs(), subscription.owner, () => {
        if (!this.#subscriptions.has(subscription)) return;
        const { end, ...what } = wake;
        if (!end) subscription.wake(what);
        else subscription.wake({ end: { closeCode: end.closeCode, message: end.message, advice: end.advice } });
      });
    }
  }
}
