import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { crc32, zstdCompressSync } from 'node:zlib';
import type { AgentSession, Ask, Batch, HeldVerdict } from '#catalog/gateway/backend.ts';
import type { Backend } from '#catalog/jobs/backend.ts';
import { createEnrolmentToken } from '#catalog/store/agents.ts';
import type { Sql } from '#catalog/store/sql.ts';
import type { CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import { challenge, type EnrolReply, keyProof, type Lease, type ToGateway } from '#protocol/messages.ts';
import type {
  AssetRecord,
  EdgeRecord,
  GoneRecord,
  ListedRecord,
  OutcomeRecord,
  PictureRecord,
  StreamRecord,
} from '#protocol/records.ts';
import type { ConnectionState } from '#protocol/status.ts';

export const connectionState = (code: string | null, more: Partial<ConnectionState> = {}): ConnectionState => ({
  file: `${code}.conf`,
  code,
  name: `Site ${code}`,
  state: 'ready',
  inForce: 'a'.repeat(64),
  loadedAt: '2026-01-01T00:00:00.000Z',
  url: 'https://qlik.example.com',
  authentication: 'header',
  environment: null,
  description: null,
  accessNotes: null,
  bypassCertificateValidation: false,
  problems: [],
  ...more,
});

export type HeldJob = Extract<ToGateway, { type: 'auth' }>['jobs'][number];

/** An agent as the backend sees it: it enrols, opens sessions and holds a key. */
export class TestAgent {
  readonly identity: EnrolReply;
  #key: KeyObject;
  #keyId: string;
  /** Another one stands for another process. */
  bootId: string = randomUUID();
  /** What the jobs of its sessions repeat. */
  readonly challenge = 'canary-challenge';
  hostname = 'agent-host';
  capabilities: string[] = [];
  connections: ConnectionState[];
  /** What the last challenge was. */
  #nonce = '';

  private constructor(identity: EnrolReply, key: KeyObject, connections: ConnectionState[]) {
    this.identity = identity;
    this.#keyId = identity.keyId;
    this.#key = key;
    this.connections = connections;
  }

  static async enrol(
    backend: Backend,
    sql: Sql,
    organisationId: string,
    connections: ConnectionState[],
    name = 'agent',
  ): Promise<TestAgent> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { token } = await createEnrolmentToken(sql, organisationId, 'test');
    const reply = await backend.enrol({
      token,
      name,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      version: '1.0.0',
    });
    if ('refused' in reply) throw new Error(reply.refused.message);
    return new TestAgent(reply, privateKey, connections);
  }

  get id(): string {
    return this.identity.agentId;
  }

  status() {
    return {
      version: '1.0.0',
      hostname: this.hostname,
      platform: 'linux-x64',
      startedAt: '2026-01-01T00:00:00.000Z',
      connectionsFolder: '/etc/culvert/connections',
      connections: this.connections,
    };
  }

  authenticate(backend: Backend, jobs: HeldJob[] = [], signedHost = 'catalog.example.com') {
    const nonce = randomUUID();
    this.#nonce = nonce;
    const signature = sign(null, Buffer.from(challenge(signedHost, nonce, this.id, this.bootId)), this.#key);
    return backend.authenticate(
      {
        type: 'auth',
        agentId: this.id,
        keyId: this.#keyId,
        bootId: this.bootId,
        challenge: this.challenge,
        version: '1.0.0',
        capabilities: this.capabilities,
        signature: signature.toString('base64'),
        jobs,
        status: this.status(),
      },
      { host: 'catalog.example.com', nonce },
    );
  }

  /** A key that could follow, with the proof for the last session; `use` signs with it from then on. */
  nextKey() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const proof = sign(null, Buffer.from(keyProof(this.id, this.#nonce, spki)), privateKey).toString('base64');
    const use = (keyId: string): (() => void) => {
      const [key, id] = [this.#key, this.#keyId];
      [this.#key, this.#keyId] = [privateKey, keyId];
      return () => {
        [this.#key, this.#keyId] = [key, id];
      };
    };
    return { asked: { publicKey: spki, proof, nonce: this.#nonce }, use };
  }

  /** Opens a session that must be allowed. */
  async open(
    backend: Backend,
    jobs: HeldJob[] = [],
  ): Promise<{ session: AgentSession; jobs: readonly HeldVerdict[]; asks?: readonly Ask[] }> {
    const answer = await this.authenticate(backend, jobs);
    if ('refused' in answer) throw new Error(answer.refused.message);
    return answer;
  }
}

/** Records of one scope, with its first and its last. */
export const scopeRecords = (
  scope: string,
  kind: 'site' | 'app',
  body: readonly (AssetRecord | EdgeRecord | GoneRecord | ListedRecord | PictureRecord)[],
  outcome: Partial<OutcomeRecord> = {},
): StreamRecord[] => {
  const hash = createHash('sha256');
  for (const record of body) hash.update(`${JSON.stringify(record)}\n`);
  return [
    { t: 'scope', scope, kind, name: `scope ${scope}` },
    ...body,
    { t: 'outcome', scope, outcome: 'complete', records: body.length, sha256: hash.digest('hex'), ...outcome },
  ];
};

export const asset = (
  scope: string,
  key: string,
  kind: AssetRecord['kind'],
  name: string,
  parent?: string,
  attributes?: AssetRecord['attributes'],
): AssetRecord => ({
  t: 'asset',
  scope,
  key,
  kind,
  name,
  ...(parent === undefined ? {} : { parent }),
  ...(attributes === undefined ? {} : { attributes }),
});

/** A site scope with a stream and the list of these apps. */
export const siteRecords = (code: string, apps: readonly string[], outcome: Partial<OutcomeRecord> = {}) =>
  scopeRecords(
    code,
    'site',
    [
      asset(code, code, 'site', `Site ${code}`),
      asset(code, `${code}/stream/s`, 'stream', 'Everyone', code),
      ...apps.map((app): ListedRecord => ({ t: 'listed', scope: code, key: `${code}/${app}`, name: app })),
    ],
    outcome,
  );

/** An app scope with these sheets. */
export const appRecords = (
  code: string,
  app: string,
  sheets: readonly string[],
  outcome: Partial<OutcomeRecord> = {},
): StreamRecord[] => {
  const key = `${code}/${app}`;
  return scopeRecords(
    key,
    'app',
    [
      asset(key, key, 'app', `App ${app}`, `${code}/stream/s`, { description: `About ${app}` }),
      ...sheets.map((sheet) => asset(key, `${key}/${sheet}`, 'sheet', `Sheet ${sheet}`, key)),
    ],
    outcome,
  );
};

/** One check of a test, passed unless said otherwise. */
export const check = (id: string, more: Partial<CheckRecord> = {}): CheckRecord => ({
  t: 'check',
  target: 'connection',
  check: id,
  status: 'pass',
  seen: `${id} is well.`,
  details: [],
  durationMs: 3,
  ...more,
});

/** What Qlik needs for a connection: one form of its management console. */
export const settings = (title: string, more: Partial<SettingsRecord> = {}): SettingsRecord => ({
  t: 'settings',
  title,
  mends: false,
  fields: [{ name: 'Actions', value: 'Read' }],
  ...more,
});

export const batchOf = (seq: number, records: readonly (StreamRecord | string)[]): Batch => {
  const raw = Buffer.from(records.map((r) => `${typeof r === 'string' ? r : JSON.stringify(r)}\n`).join(''));
  const payload = zstdCompressSync(raw);
  return { seq, records: records.length, rawBytes: raw.length, codec: 'zstd', crc32: crc32(payload), payload };
};

/** The stream of one attempt: sends batches and ends with what `job.finish` says. */
export class TestStream {
  readonly lease: Lease;
  readonly #backend: Backend;
  session: AgentSession;
  readonly batches: Batch[] = [];

  constructor(backend: Backend, session: AgentSession, { jobId, attempt, leaseToken }: Lease) {
    this.#backend = backend;
    this.session = session;
    this.lease = { jobId, attempt, leaseToken };
  }

  /** The same stream, gone on with in another session or with another process. */
  static resume(backend: Backend, session: AgentSession, before: TestStream): TestStream {
    const stream = new TestStream(backend, session, before.lease);
    stream.batches.push(...before.batches);
    return stream;
  }

  /** Claims and accepts the next job. */
  static async begin(backend: Backend, session: AgentSession): Promise<TestStream> {
    const offer = await backend.claim(session);
    if (!offer) throw new Error('no job to claim');
    const stream = new TestStream(backend, session, offer);
    if ((await backend.accept(session, stream.lease)) !== 'ok') throw new Error('lost at once');
    return stream;
  }

  /** One batch; resolves when it is durable. */
  async send(records: readonly (StreamRecord | string)[]) {
    const batch = batchOf(this.batches.length + 1, records);
    this.batches.push(batch);
    const { result, consumed } = await this.#backend.storeBatch(this.session, this.lease, batch);
    return { result, consumed };
  }

  /** One batch; resolves when it is published. */
  async publish(records: readonly (StreamRecord | string)[]): Promise<void> {
    await (await this.send(records)).consumed;
  }

  finish(more: Partial<Parameters<Backend['finish']>[1]> = {}) {
    const hash = createHash('sha256');
    for (const { crc32: crc } of this.batches) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc);
      hash.update(bytes);
    }
    return this.#backend.finish(this.session, {
      type: 'job.finish',
      ...this.lease,
      lastSeq: this.batches.length,
      records: this.batches.reduce((sum, { records }) => sum + records, 0),
      sha256: hash.digest('hex'),
      result: 'ok',
      ...more,
    });
  }

  get held(): HeldJob {
    return { ...this.lease, spooledSeq: this.batches.length, sealed: false };
  }
}
