import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { AgentSession, Ask, Batch, GatewayBackend, HeldVerdict, Offer, WakeUp } from '#catalog/gateway/backend.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';
import { ERROR_KINDS, type ErrorInfo } from '#protocol/errors.ts';
import { catalogKeyText, challenge, keyProof, type Lease } from '#protocol/messages.ts';
import { type MemoryJob, MemoryScopes } from './memory-scopes.ts';

type Finish = Parameters<GatewayBackend['finish']>[1];
type Auth = Parameters<GatewayBackend['authenticate']>[0];

interface MemoryAgent {
  readonly agentId: string;
  /** By id; the first is `key-1`. */
  readonly keys: Map<string, KeyObject>;
  disabled: boolean;
  epoch: number;
  status: unknown;
}

export interface MemoryBackendOptions {
  readonly nowMs: () => number;
  /** Awaited before each answer of the store, to let things happen in between. */
  readonly latency?: () => Promise<void>;
  /** Awaited before a stored batch counts as consumed. */
  readonly consuming?: () => Promise<void>;
}

const fault = (code: keyof typeof ERROR_KINDS, message: string): ErrorInfo => ({ code, message, ...ERROR_KINDS[code] });

/**
 * The store behind a gateway as the contract describes it, in memory: epochs, leases with fencing tokens, batches by
 * compare-and-set, a scope published once when its outcome comes and its hash agrees. What must never happen is noted
 * in {@link MemoryBackend.violations}.
 */
export class MemoryBackend implements GatewayBackend {
  readonly #options: MemoryBackendOptions;
  #keys = generateKeyPairSync('ed25519');
  readonly #agents = new Map<string, MemoryAgent>();
  readonly #tokens = new Set<string>();
  readonly #wakes = new Map<string, Set<(what: WakeUp) => void>>();
  /** Said to each agent as soon as its session is open. */
  asks: readonly Ask[] = [];
  /** Whom a new key of an agent is told to, in order. */
  readonly rotations: string[] = [];
  readonly jobs = new Map<string, MemoryJob>();
  readonly #scopes = new MemoryScopes();
  readonly published = this.#scopes.published;
  readonly violations = this.#scopes.violations;
  /** Batches that were stored, and those that were refused by reason. */
  readonly counts = { stored: 0, duplicate: 0, gap: 0, lost: 0 };
  #serial = 0;

  constructor(options: MemoryBackendOptions) {
    this.#options = options;
  }

  get catalogKey(): string {
    return this.#keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  /** Another key signs from now on; what agents are told of it. */
  succeed(): Ask {
    const before = this.#keys.privateKey;
    this.#keys = generateKeyPairSync('ed25519');
    const publicKey = this.catalogKey;
    const signature = sign(null, Buffer.from(catalogKeyText('org-1', publicKey)), before).toString('base64');
    return { type: 'catalog.key', publicKey, signature };
  }

  newEnrolmentToken(): string {
    const token = `canary-token-${++this.#serial}`;
    this.#tokens.add(token);
    return token;
  }

  /** @param publicKey SPKI, base64 DER */
  addAgent(publicKey: string): string {
    const agentId = `agent-${++this.#serial}`;
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    this.#agents.set(agentId, {
      agentId,
      keys: new Map([['key-1', key]]),
      disabled: false,
      epoch: 0,
      status: undefined,
    });
    return agentId;
  }

  agent(agentId: string): MemoryAgent {
    const agent = this.#agents.get(agentId);
    if (!agent) throw new Error(`no agent ${agentId}`);
    return agent;
  }

  addJob(
    agentId: string,
    changes: { kind?: string; connection?: string; signature?: string; signedFor?: string; names?: string } = {},
  ): MemoryJob {
    const jobId = `job-${++this.#serial}`;
    const { kind = 'crawl', connection = 'site', signedFor = agentId } = changes;
    const spec = JSON.stringify({
      jobId: changes.names ?? jobId,
      agentId: signedFor,
      connection,
      kind,
      options: {},
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    const signature = changes.signature ?? sign(null, Buffer.from(spec), this.#keys.privateKey).toString('base64');
    const job: MemoryJob = {
      jobId,
      agentId,
      spec,
      signature,
      isFixed: changes.signature !== undefined,
      state: 'queued',
      attempt: 0,
      leaseToken: '',
      leaseUntilMs: 0,
      cancel: false,
      durableSeq: 0,
      records: 0,
      crcs: [],
      publishedScopes: new Set(),
      open: new Map(),
      parts: undefined,
      error: undefined,
      progress: undefined,
    };
    this.jobs.set(jobId, job);
    this.#wake(agentId, {});
    return job;
  }

  /** Offers a job that was done once more, as whoever stands between could: with the text of before. */
  replay(job: MemoryJob, attempt = job.attempt + 1): void {
    job.isFixed = true;
    job.attempt = attempt - 1;
    job.state = 'queued';
    this.#wake(job.agentId, {});
  }

  cancelJob(job: MemoryJob): void {
    job.cancel = true;
    if (job.state === 'queued') job.state = 'cancelled';
    this.#wake(job.agentId, { cancel: { jobId: job.jobId, attempt: job.attempt } });
  }

  async enrol(request: { readonly token: string; readonly publicKey: string }) {
    if (!this.#tokens.delete(request.token))
      return { refused: fault('bridge.enrolment_refused', 'The token is not known') };
    const agentId = this.addAgent(request.publicKey);
    return { agentId, keyId: 'key-1', organisation: 'org-1', catalogKey: this.catalogKey };
  }

  async authenticate(auth: Auth, proof: { readonly host: string; readonly nonce: string }) {
    await this.#options.latency?.();
    const refuse = (closeCode: number, message: string) => ({
      refused: { closeCode, message, advice: 'Enrol again.' },
    });
    const agent = this.#agents.get(auth.agentId);
    if (!agent) return refuse(CLOSE.unknownAgent, 'the agent is not known');
    if (agent.disabled) return refuse(CLOSE.agentDisabled, 'the agent is disabled');
    const text = Buffer.from(challenge(proof.host, proof.nonce, auth.agentId, auth.bootId));
    const key = agent.keys.get(auth.keyId);
    if (!key) return refuse(CLOSE.unknownAgent, 'the key is not known');
    if (!verify(null, text, key, Buffer.from(auth.signature, 'base64')))
      return refuse(CLOSE.badSignature, 'the signature is wrong');
    agent.epoch += 1;
    agent.status = auth.status;
    const session = {
      organisationId: 'org-1',
      agentId: agent.agentId,
      sessionId: `session-${++this.#serial}`,
      epoch: agent.epoch,
      challenge: auth.challenge,
    };
    const jobs = auth.jobs.map((held): HeldVerdict => {
      const job = this.jobs.get(held.jobId);
      const { jobId, attempt } = held;
      const own = job?.attempt === attempt && job.leaseToken === held.leaseToken;
      const verdict =
        !job || !own ? 'lost' : job.state === 'leased' || job.state === 'running' ? 'continue' : 'finished';
      if (job && verdict === 'continue') {
        // An expired lease that nobody else took is still this agent's; an accept that was lost on the way counts.
        job.state = 'running';
        job.leaseUntilMs = this.#options.nowMs() + TIMES.leaseTtlMs;
      }
      const publishedScopes = [...(job?.publishedScopes ?? [])];
      return {
        jobId,
        attempt,
        verdict,
        durableSeq: job?.durableSeq ?? 0,
        publishedScopes,
        cancel: job?.cancel ?? false,
        ...(verdict === 'finished' && job?.state !== 'published' && { published: false as const }),
      };
    });
    return { session, jobs, asks: this.asks };
  }

  async claim(session: AgentSession): Promise<Offer | undefined> {
    await this.#options.latency?.();
    if (!this.#current(session)) return undefined;
    this.expireLeases();
    for (const job of this.jobs.values()) {
      if (job.agentId !== session.agentId || job.state !== 'queued') continue;
      job.attempt += 1;
      job.leaseToken = `lease-${job.jobId}-${++this.#serial}`;
      job.leaseUntilMs = this.#options.nowMs() + TIMES.leaseTtlMs;
      job.state = 'leased';
      job.durableSeq = 0;
      job.records = 0;
      job.crcs = [];
      job.publishedScopes = new Set();
      job.open = new Map();
      job.parts = undefined;
      if (!job.isFixed) {
        const issuedAt = new Date(Date.parse('2026-01-01T00:00:00.000Z') + ++this.#serial).toISOString();
        job.spec = JSON.stringify({
          ...JSON.parse(job.spec),
          attempt: job.attempt,
          issuedAt,
          challenge: session.challenge,
        });
        job.signature = sign(null, Buffer.from(job.spec), this.#keys.privateKey).toString('base64');
      }
      const { jobId, attempt, leaseToken, spec, signature } = job;
      return { jobId, attempt, leaseToken, spec, signature };
    }
    return undefined;
  }

  async accept(session: AgentSession, lease: Lease): Promise<'ok' | 'lost'> {
    await this.#options.latency?.();
    const job = this.#own(session, lease);
    if (!job) return 'lost';
    job.state = 'running';
    return 'ok';
  }

  async reject(session: AgentSession, lease: Lease, error: ErrorInfo): Promise<void> {
    await this.#options.latency?.();
    const job = this.#own(session, lease);
    if (!job) return;
    job.error = error;
    job.leaseToken = '';
    job.state = error.retryable ? 'queued' : 'failed';
  }

  async renew(session: AgentSession, leases: readonly Lease[]) {
    await this.#options.latency?.();
    const current = this.#current(session);
    const lost = [];
    const cancelled = [];
    for (const lease of leases) {
      const job = this.#own(session, lease);
      const { jobId, attempt } = lease;
      if (!job) {
        lost.push({ jobId, attempt });
        continue;
      }
      job.leaseUntilMs = this.#options.nowMs() + TIMES.leaseTtlMs;
      if (job.cancel) cancelled.push({ jobId, attempt });
    }
    return { lost, cancelled, current };
  }

  async storeBatch(session: AgentSession, lease: Lease, batch: Batch) {
    await this.#options.latency?.();
    const job = this.#own(session, lease);
    const answer = (result: keyof MemoryBackend['counts'], consumed = Promise.resolve()) => {
      this.counts[result] += 1;
      return { result, durableSeq: job?.durableSeq ?? 0, consumed };
    };
    if (!job) return answer('lost');
    if (batch.seq <= job.durableSeq) return answer('duplicate');
    if (batch.seq > job.durableSeq + 1) return answer('gap');
    job.durableSeq = batch.seq;
    job.crcs.push(batch.crc32);
    job.records += batch.records;
    this.#scopes.decode(job, batch);
    return answer('stored', this.#options.consuming?.());
  }

  async progress(_session: AgentSession, progress: { readonly jobId: string }): Promise<void> {
    const job = this.jobs.get(progress.jobId);
    if (job) job.progress = progress;
  }

  async finish(session: AgentSession, finish: Finish) {
    await this.#options.latency?.();
    const job = this.#own(session, finish);
    if (!job) {
      const ended = this.jobs.get(finish.jobId);
      const repeated = ended?.attempt === finish.attempt && ended.leaseToken === finish.leaseToken;
      return { result: repeated && this.#current(session) ? ('closed' as const) : ('lost' as const), durableSeq: 0 };
    }
    if (job.durableSeq !== finish.lastSeq) return { result: 'gap' as const, durableSeq: job.durableSeq };
    const packed = Buffer.alloc(job.crcs.length * 4);
    for (const [index, crc] of job.crcs.entries()) packed.writeUInt32BE(crc, index * 4);
    if (createHash('sha256').update(packed).digest('hex') !== finish.sha256)
      this.violations.push(`${job.jobId}: the hash over the batches differs`);
    if (job.records !== finish.records)
      this.violations.push(`${job.jobId}: ${finish.records} records were finished, ${job.records} came`);
    job.error = finish.error;
    job.state =
      finish.result === 'ok'
        ? 'published'
        : finish.result === 'cancelled'
          ? 'cancelled'
          : finish.error?.retryable === true
            ? 'queued'
            : 'failed';
    return { result: 'closed' as const, durableSeq: job.durableSeq };
  }

  async status(session: AgentSession, status: unknown): Promise<void> {
    if (this.#current(session)) this.agent(session.agentId).status = status;
  }

  async disconnected(): Promise<void> {}

  async rotateKey(session: AgentSession, asked: { publicKey: string; proof: string; nonce: string }) {
    await this.#options.latency?.();
    const refuse = (closeCode: number, message: string) => ({ refused: { closeCode, message, advice: 'Look here.' } });
    if (!this.#current(session)) return refuse(CLOSE.superseded, 'an older session');
    const der = Buffer.from(asked.publicKey, 'base64');
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const text = Buffer.from(keyProof(session.agentId, asked.nonce, asked.publicKey));
    if (!verify(null, text, key, Buffer.from(asked.proof, 'base64')))
      return refuse(CLOSE.badSignature, 'the proof is wrong');
    const keyId = createHash('sha256').update(der).digest('hex').slice(0, 32);
    this.agent(session.agentId).keys.set(keyId, key);
    this.rotations.push(keyId);
    return { keyId, oldValidMs: 86_400_000 };
  }

  /** Says something to the agent's session, or ends it. */
  tell(agentId: string, what: WakeUp): void {
    this.#wake(agentId, what);
  }

  onWake(session: AgentSession, wake: (what: WakeUp) => void): () => void {
    const wakes = this.#wakes.get(session.agentId) ?? new Set();
    this.#wakes.set(session.agentId, wakes.add(wake));
    return () => wakes.delete(wake);
  }

  /** What a sweep does now and then: a job whose lease ran out may be tried again. */
  expireLeases(): void {
    for (const job of this.jobs.values())
      if ((job.state === 'leased' || job.state === 'running') && job.leaseUntilMs <= this.#options.nowMs()) {
        job.state = job.cancel ? 'cancelled' : 'queued';
        job.leaseToken = '';
      }
  }

  #wake(agentId: string, what: WakeUp): void {
    for (const wake of this.#wakes.get(agentId) ?? []) wake(what);
  }

  #current(session: AgentSession): boolean {
    return this.#agents.get(session.agentId)?.epoch === session.epoch;
  }

  #own(session: AgentSession, lease: Lease): MemoryJob | undefined {
    const job = this.jobs.get(lease.jobId);
    const own =
      job?.agentId === session.agentId && job.attempt === lease.attempt && job.leaseToken === lease.leaseToken;
    if (!own || !this.#current(session)) return undefined;
    return job.state === 'leased' || job.state === 'running' ? job : undefined;
  }
}
