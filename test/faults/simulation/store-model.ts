import { createHash } from 'node:crypto';
import type { AgentSession, Batch, GatewayBackend, HeldVerdict, Offer } from '#catalog/gateway/backend.ts';
import { CLOSE, MAX_ATTEMPTS, TIMES } from '#protocol/constants.ts';
import { ERROR_KINDS, type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { Lease } from '#protocol/messages.ts';
import { AT_WORK, type Auth, broken, type Ending, keyOf } from './store-leases.ts';
import { ScopeModel } from './store-scopes.ts';
import type { AgentRow, AttemptRow, JobRow } from './store-tables.ts';

type Finish = Parameters<GatewayBackend['finish']>[1];
const KINDS: Readonly<Record<string, number>> = { crawl: 2, test: 2, inventory: 1, preview: 1, lineage: 1 };
/** Lists of earlier inventories that a connection keeps. */
const KEPT_LISTS = 4;

const delayMs = (attempt: number): number => Math.min(5_000 * 2 ** (attempt - 1), 300_000);

/**
 * What the store behind the gateways decides, in memory and one transaction a call: the rules of `catalog/jobs`, written a
 * second time. A test plays the same calls against both.
 */
export class StoreModel extends ScopeModel {
  #orders = 0;

  addAgent(id: string, keyId: string, connections: Readonly<Record<string, DeletionPolicy>>): void {
    const row: AgentRow = {
      id,
      keyId,
      epoch: 0,
      sessionId: undefined,
      disabled: false,
      quarantined: false,
      bootId: undefined,
      boots: new Map(),
      status: undefined,
    };
    this.tables.agents.set(id, row);
    for (const [code, policy] of Object.entries(connections))
      this.tables.connections.set(code, { agentId: id, policy, checkpoint: null });
  }

  /** Asks for a job; one that asks for the same and still waits is returned as it is. */
  createJob(connection: string, kind: string, options: object = {}, id = this.options.id()): JobRow {
    for (const job of this.tables.jobs.values())
      if (
        job.connection === connection &&
        job.kind === kind &&
        job.state === 'queued' &&
        JSON.stringify(optionsOf(job)) === JSON.stringify(options)
      )
        return job;
    const createdAt = '2026-01-01T00:00:00.000Z';
    const job: JobRow = {
      id,
      connection,
      kind,
      spec: JSON.stringify({ jobId: id, connection, kind, options, createdAt }),
      order: this.#orders++,
      state: 'queued',
      attempt: 0,
      notBeforeMs: this.options.nowMs(),
      error: undefined,
      ended: undefined,
    };
    this.tables.jobs.set(id, job);
    const owner = this.tables.connections.get(connection);
    if (owner) this.options.onWake(owner.agentId, {});
    return job;
  }

  cancelJob(id: string): void {
    const job = this.tables.jobs.get(id);
    if (job?.state === 'queued') {
      job.state = 'cancelled';
      job.error = undefined;
      for (const attempt of this.attemptsOf(id)) if (attempt.state === 'active') attempt.state = 'lost';
      this.ended(job);
    } else if (job?.state === 'leased' || job?.state === 'running') {
      job.state = 'cancelling';
      const attempt = this.attempt({ jobId: id, attempt: job.attempt });
      if (attempt) this.options.onWake(attempt.agentId, { cancel: { jobId: id, attempt: job.attempt } });
    }
  }

  authenticate(
    auth: Auth,
    proof: { readonly host: string; readonly nonce: string },
  ): Awaited<ReturnType<GatewayBackend['authenticate']>> {
    const refuse = (closeCode: number, message: string) => ({
      refused: { closeCode, message, advice: ERROR_KINDS['bridge.identity_refused'].advice },
    });
    const agent = this.tables.agents.get(auth.agentId);
    if (agent?.keyId !== auth.keyId) return refuse(CLOSE.unknownAgent, 'not known');
    if (!this.options.verify(auth, proof)) return refuse(CLOSE.badSignature, 'wrong signature');
    if (agent.disabled) return refuse(CLOSE.agentDisabled, 'disabled');
    const quarantine = refuse(CLOSE.duplicateIdentity, 'two machines use the identity');
    if (this.#noteBoot(agent, auth.bootId)) {
      if (!agent.quarantined) this.options.onWake(agent.id, { end: { epoch: agent.epoch, ...quarantine.refused } });
      agent.quarantined = true;
      agent.sessionId = undefined;
      agent.epoch += 1;
      for (const attempt of this.tables.attempts.values())
        if (attempt.agentId === agent.id && attempt.state === 'active') attempt.expiresAtMs = this.options.nowMs();
      return quarantine;
    }
    if (agent.quarantined) return quarantine;
    agent.bootId = auth.bootId;
    agent.epoch += 1;
    agent.sessionId = this.options.id();
    agent.status = auth.status;
    const session = {
      organisationId: 'org-1',
      agentId: agent.id,
      sessionId: agent.sessionId,
      epoch: agent.epoch,
      challenge: auth.challenge,
    };
    const jobs: HeldVerdict[] = [];
    for (const held of [...auth.jobs].sort((a, b) => (a.jobId < b.jobId ? -1 : 1))) {
      const { standing, job, attempt } = this.prolong(session, held);
      const goesOn = standing === 'held' || standing === 'cancelling';
      jobs.push({
        jobId: held.jobId,
        attempt: held.attempt,
        verdict: goesOn ? 'continue' : standing,
        durableSeq: attempt?.durableSeq ?? 0,
        publishedScopes: goesOn ? [...(attempt?.published.keys() ?? [])].sort() : [],
        cancel: standing === 'cancelling',
        ...(standing === 'finished' && this.unlessPublished(job, attempt)),
      });
    }
    for (const attempt of this.tables.attempts.values())
      if (
        attempt.agentId === agent.id &&
        attempt.state === 'active' &&
        !jobs.some((job) => job.jobId === attempt.jobId && job.attempt === attempt.attempt)
      )
        this.lose(attempt);
    return { session, jobs };
  }

  claim(session: AgentSession): Offer | undefined {
    const agent = this.tables.agents.get(session.agentId);
    if (!agent || !this.isCurrent(session)) return undefined;
    const all = [...this.tables.jobs.values()];
    const busy = (kind: string): number =>
      all.filter((job) => {
        const attempt = this.attempt({ jobId: job.id, attempt: job.attempt });
        const own = attempt?.agentId === agent.id && attempt.state === 'active';
        return own && job.kind === kind && AT_WORK.includes(job.state);
      }).length;
    for (;;) {
      const job = all
        .filter(
          (one) =>
            one.state === 'queued' &&
            one.notBeforeMs <= this.options.nowMs() &&
            this.tables.connections.get(one.connection)?.agentId === agent.id &&
            busy(one.kind) < (KINDS[one.kind] ?? 0) &&
            this.isFree(one),
        )
        .sort((a, b) => a.order - b.order)[0];
      if (!job) return undefined;
      for (const attempt of this.attemptsOf(job.id)) if (attempt.state === 'active') this.end(attempt, 'lost');
      if (job.attempt >= MAX_ATTEMPTS) {
        this.endJob(job, { state: 'again', error: undefined, delayMs: 0 });
        continue;
      }
      this.#dropLists(job);
      job.attempt += 1;
      job.state = 'leased';
      const leaseToken = this.options.id();
      const lease = { jobId: job.id, attempt: job.attempt, leaseToken };
      this.tables.attempts.set(keyOf(lease), {
        ...lease,
        agentId: agent.id,
        state: 'active',
        startedMs: this.options.nowMs(),
        expiresAtMs: this.options.nowMs() + TIMES.leaseTtlMs,
        durableSeq: 0,
        publishedSeq: 0,
        error: undefined,
        refused: undefined,
        checksFrom: undefined,
        batches: [],
        checkpoint: null,
        published: new Map(),
        checks: new Map(),
        drawn: new Map(),
      });
      const issuedAt = new Date(Date.parse('2026-01-01T00:00:00.000Z') + this.options.nowMs()).toISOString();
      const more = { agentId: agent.id, attempt: job.attempt, issuedAt, challenge: session.challenge };
      const options = { ...optionsOf(job), ...this.#added(job) };
      const spec = JSON.stringify({ ...(JSON.parse(job.spec) as object), options, ...more });
      return { ...lease, spec, signature: this.options.sign(spec) };
    }
  }

  /** What the catalog adds to the options of a job when its lease begins. */
  #added({ kind, connection }: JobRow): object {
    if (kind !== 'crawl' && kind !== 'lineage') return {};
    let last: JobRow | undefined;
    for (const job of this.tables.jobs.values())
      if (job.connection === connection && job.kind === 'lineage' && job.state === 'published')
        if ((job.ended ?? 0) > (last?.ended ?? 0)) last = job;
    const checkpoint = this.tables.connections.get(connection)?.checkpoint ?? null;
    return { ...(kind === 'crawl' && { pictures: true }), checkpoint, lineageJob: last?.id ?? null };
  }

  /** A list begins with each attempt; of a connection's earlier inventories only the newest are kept. */
  #dropLists({ id, kind, connection }: JobRow): void {
    if (kind === 'test') for (const attempt of this.attemptsOf(id)) attempt.checks.clear();
    if (kind !== 'inventory') return;
    const old = [...this.tables.jobs.values()]
      .filter((job) => job.kind === kind && job.connection === connection && job.id !== id)
      .sort((a, b) => b.order - a.order)
      .flatMap((job) => this.attemptsOf(job.id).sort((a, b) => b.attempt - a.attempt))
      .filter(({ checksFrom }) => checksFrom !== undefined)
      .slice(KEPT_LISTS);
    for (const attempt of [...old, ...this.attemptsOf(id)]) {
      attempt.checksFrom = undefined;
      attempt.checks.clear();
    }
  }

  accept(session: AgentSession, lease: Lease): 'ok' | 'lost' {
    if (!this.isCurrent(session)) return 'lost';
    const { standing, job } = this.prolong(session, lease);
    if (!job || (standing !== 'held' && standing !== 'cancelling')) return 'lost';
    if (job.state === 'leased') {
      job.state = 'running';
      job.error = undefined;
    }
    return 'ok';
  }

  reject(session: AgentSession, lease: Lease, error: ErrorInfo): void {
    if (!this.isCurrent(session)) return;
    const { standing, job, attempt } = this.standing(session, lease);
    if (!job || !attempt || (standing !== 'held' && standing !== 'cancelling')) return;
    this.end(attempt, 'closed');
    if (standing === 'cancelling') this.endJob(job, { state: 'cancelled' });
    else if (error.retryable) this.endJob(job, { state: 'again', error, delayMs: delayMs(job.attempt) });
    else this.endJob(job, { state: 'failed', error });
    this.options.onWake(session.agentId, {});
  }

  renew(session: AgentSession, leases: readonly Lease[]): Awaited<ReturnType<GatewayBackend['renew']>> {
    if (!this.isCurrent(session)) return { lost: [], cancelled: [], current: false };
    const agent = this.tables.agents.get(session.agentId);
    if (agent) agent.sessionId = session.sessionId;
    const lost: { jobId: string; attempt: number }[] = [];
    const cancelled: { jobId: string; attempt: number }[] = [];
    for (const lease of [...leases].sort((a, b) => (a.jobId < b.jobId ? -1 : 1))) {
      const { standing } = this.prolong(session, lease);
      const name = { jobId: lease.jobId, attempt: lease.attempt };
      if (standing === 'cancelling') cancelled.push(name);
      else if (standing !== 'held') lost.push(name);
    }
    return { lost, cancelled, current: true };
  }

  storeBatch(
    session: AgentSession,
    lease: Lease,
    batch: Batch,
  ): { readonly result: 'stored' | 'duplicate' | 'gap' | 'lost'; readonly durableSeq: number } {
    const attempt = this.owned(session, lease);
    if (attempt?.state !== 'active' || !this.isCurrent(session)) return { result: 'lost', durableSeq: 0 };
    const { seq } = batch;
    if (seq !== attempt.durableSeq + 1)
      return { result: seq <= attempt.durableSeq ? 'duplicate' : 'gap', durableSeq: attempt.durableSeq };
    attempt.durableSeq = seq;
    const { records, rawBytes, codec, crc32, payload, part } = batch;
    attempt.batches.push({ seq, records, rawBytes, codec, crc32, payload, part });
    return { result: 'stored', durableSeq: seq };
  }

  /** What is durable of an attempt that goes on, before anything is decided; whoever asks need not be the newest session. */
  durableSeq(session: AgentSession, lease: Lease): number | undefined {
    const attempt = this.owned(session, lease);
    return attempt?.state === 'active' ? attempt.durableSeq : undefined;
  }

  /** After all before it was published. `openScopes`: what the stream left open. */
  finish(
    session: AgentSession,
    finish: Finish,
    openScopes: readonly string[],
  ): Awaited<ReturnType<GatewayBackend['finish']>> {
    if (!this.isCurrent(session)) return { result: 'lost', durableSeq: 0 };
    const { standing, job, attempt } = this.standing(session, finish);
    const durableSeq = attempt?.durableSeq ?? 0;
    if (standing === 'finished') return { result: 'closed', durableSeq, ...this.unlessPublished(job, attempt) };
    if (standing === 'lost' || !job || !attempt) return { result: 'lost', durableSeq };
    if (durableSeq < finish.lastSeq) return { result: 'gap', durableSeq };
    const isOk = finish.result === 'ok';
    const error =
      attempt.error ??
      streamError(attempt, finish) ??
      (isOk && openScopes.length > 0 ? broken(`ended within ${openScopes.length} scopes`) : undefined) ??
      (isOk && job.kind === 'test' && attempt.checks.size === 0 ? broken('no check') : undefined) ??
      (isOk && job.kind === 'inventory' && attempt.checksFrom === undefined ? broken('no list') : undefined);
    let ending: Ending;
    if (error) ending = { state: 'failed', error };
    else if (finish.result === 'cancelled') ending = { state: 'cancelled' };
    else if (finish.result === 'error') {
      const reason = finish.error ?? new Fault('internal', 'no reason').toJSON();
      ending =
        standing === 'cancelling'
          ? { state: 'cancelled' }
          : reason.retryable
            ? { state: 'again', error: reason, delayMs: delayMs(attempt.attempt) }
            : { state: 'failed', error: reason };
    } else {
      this.removeUnlisted(job, attempt);
      if (!attempt.refused) this.keepCheckpoint(job, attempt);
      ending = attempt.refused ? { state: 'failed', error: broken(attempt.refused) } : { state: 'published' };
    }
    this.end(attempt, 'closed');
    this.endJob(job, ending);
    this.options.onWake(session.agentId, {});
    return { result: 'closed', durableSeq, ...this.unlessPublished(job, attempt) };
  }

  disconnected(session: AgentSession): void {
    const agent = this.tables.agents.get(session.agentId);
    if (agent?.sessionId === session.sessionId) agent.sessionId = undefined;
  }

  /** What time alone brings about. */
  sweep(): void {
    for (const attempt of this.tables.attempts.values()) {
      const job = this.tables.jobs.get(attempt.jobId);
      if (attempt.state !== 'active' || attempt.expiresAtMs >= this.options.nowMs()) continue;
      if (!job || job.attempt !== attempt.attempt || !AT_WORK.includes(job.state)) continue;
      if (job.state === 'cancelling' || attempt.error || attempt.attempt >= MAX_ATTEMPTS) this.lose(attempt);
      else {
        job.state = 'queued';
        job.notBeforeMs = this.options.nowMs();
      }
      this.options.onWake(attempt.agentId, {});
    }
    for (const job of this.tables.jobs.values()) {
      const owner = this.tables.connections.get(job.connection);
      const agent = owner && this.tables.agents.get(owner.agentId);
      if (job.state === 'queued' && job.notBeforeMs <= this.options.nowMs() && agent?.sessionId && this.isFree(job))
        this.options.onWake(agent.id, {});
    }
  }

  /** Whether two processes take the identity from each other: see `catalog/jobs/clones.ts`. */
  #noteBoot(agent: AgentRow, bootId: string): boolean {
    const nowMs = this.options.nowMs();
    const isRecent = (atMs: number): boolean => atMs > nowMs - 30 * 60_000;
    const boot = agent.boots.get(bootId);
    if (!boot) agent.boots.set(bootId, { returns: 0, returnedAtMs: Number.NEGATIVE_INFINITY });
    else if (agent.bootId !== undefined && agent.bootId !== bootId) {
      boot.returns = isRecent(boot.returnedAtMs) ? boot.returns + 1 : 1;
      boot.returnedAtMs = nowMs;
    }
    let returns = 0;
    for (const one of agent.boots.values()) if (isRecent(one.returnedAtMs)) returns += one.returns;
    return returns >= 3;
  }

  isCurrent(session: AgentSession): boolean {
    return this.tables.agents.get(session.agentId)?.epoch === session.epoch;
  }
}

const optionsOf = ({ spec }: JobRow): object => (JSON.parse(spec) as { options: object }).options;

const streamError = ({ batches }: AttemptRow, finish: Finish): ErrorInfo | undefined => {
  const hash = createHash('sha256');
  let records = 0;
  for (const batch of batches) {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(batch.crc32);
    hash.update(crc);
    records += batch.records;
  }
  if (batches.length !== finish.lastSeq) return broken(`${batches.length} batches instead of ${finish.lastSeq}`);
  if (records !== finish.records) return broken(`${records} records instead of ${finish.records}`);
  return hash.digest('hex') === finish.sha256.toLowerCase() ? undefined : broken('wrong checksum');
};
