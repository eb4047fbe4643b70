import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '#agent/bridge/identity.ts';
import type { BatchContent } from '#agent/spool/attempt-spool.ts';
import { createBackend } from '#catalog/jobs/backend.ts';
import { createEnrolmentToken } from '#catalog/store/agents.ts';
import { type Database, openDatabase } from '#catalog/store/embedded.ts';
import { openBus } from '#catalog/store/events.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { migrate } from '#catalog/store/migrate.ts';
import { createOrganisation } from '#catalog/store/organisations.ts';
import { connect, type Sql } from '#catalog/store/sql.ts';
import { encodeFrame, FRAME_HEADER_BYTES } from '#protocol/frame.ts';
import type { Lease } from '#protocol/messages.ts';
import { connectionState } from '#test/catalog/agent.ts';
import { type Program, startProgram } from '#test/demo/program.ts';
import { openPki, type Pki } from '#test/simulator/pki.ts';
import { BenchAgent } from './agent.ts';
import { Marks, type Measured, startClock } from './clock.ts';
import { type CopiedRows, copyGround, copyOut, copyPublished } from './copied.ts';
import type { Dataset } from './dataset.ts';
import type { GatewayOptions } from './gateway.ts';
import type { SendOptions } from './raw.ts';

const GATEWAY = join(import.meta.dirname, 'gateway.ts');
const RAW = join(import.meta.dirname, 'raw.ts');
const HOST = 'localhost';
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Everything that the repetitions share: certificates, the data, PostgreSQL. */
export class TunnelPlace implements AsyncDisposable {
  readonly #folder: string;
  readonly #dataset: Dataset;
  readonly #bytes: number;
  readonly #pki: Pki;
  readonly #database: Database;
  readonly #databasePid: number;
  readonly #framesFile: string;
  #frameBytes = 0;
  #runs = 0;

  private constructor(folder: string, dataset: Dataset, bytes: number, database: Database, pid: number) {
    this.#folder = folder;
    this.#dataset = dataset;
    this.#bytes = bytes;
    this.#pki = openPki(join(folder, 'pki'), [HOST, '127.0.0.1']);
    this.#database = database;
    this.#databasePid = pid;
    this.#framesFile = join(folder, 'frames');
  }

  static async open(folder: string, dataset: Dataset, bytes: number): Promise<TunnelPlace> {
    // As root, PostgreSQL is another user, who must get in.
    await chmod(folder, 0o711);
    const data = join(folder, 'catalog');
    const database = await openDatabase(data, '');
    const { pid } = JSON.parse(await readFile(join(data, 'database.json'), 'utf8')) as { pid: number };
    const place = new TunnelPlace(folder, dataset, bytes, database, pid);
    await place.#writeFrames();
    return place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }

  /** The batches of the data again and again, until there are enough bytes. */
  *#batches(): Generator<BatchContent> {
    for (let bytes = 0; bytes < this.#bytes; )
      for (const batch of this.#dataset.batches) {
        yield batch;
        bytes += batch.payload.length;
        if (bytes >= this.#bytes) return;
      }
  }

  async #writeFrames(): Promise<void> {
    const parts: Uint8Array[] = [];
    let seq = 0;
    for (const batch of this.#batches()) {
      const frame = encodeFrame({ ...batch, stream: 1, seq: ++seq });
      const size = Buffer.alloc(4);
      size.writeUInt32BE(frame.length);
      parts.push(size, frame);
      this.#frameBytes += frame.length;
    }
    await writeFile(this.#framesFile, parts);
  }

  /** The same frames over a WebSocket alone. */
  async raw(): Promise<Measured> {
    const pair = JSON.stringify(this.#pki.server('valid'));
    await using receiver = await startProgram('the receiver', RAW, ['receive', pair]);
    const url = `wss://${HOST}:${String(receiver.ready['port'])}`;
    const options: SendOptions = { url, rootPem: this.#pki.rootPem, file: this.#framesFile };
    const stop = startClock({ receiver: receiver.pid });
    await using sender = await startProgram('the sender', RAW, ['send', JSON.stringify(options)]);
    const { cpu } = stop(0);
    const { ms, cpuSeconds: sending } = sender.ready as { readonly ms: number; readonly cpuSeconds: number };
    return { amount: this.#frameBytes, ms, cpu: { sender: sending, ...cpu } };
  }

  /** Agent and gateway, and nothing behind the gateway. */
  checked(): Promise<Measured> {
    return this.#unstored([...this.#batches()], false);
  }

  /** The same with a gateway that unpacks and parses; takes each batch once, since it is much slower. */
  decoded(): Promise<Measured> {
    return this.#unstored(this.#dataset.batches, true);
  }

  async #unstored(batches: readonly BatchContent[], decode: boolean): Promise<Measured> {
    const agent = this.#agent();
    const lease: Lease = { jobId: randomUUID(), attempt: 1, leaseToken: randomUUID() };
    const marks = new Marks();
    const store = { publicKey: agent.keys.publicKey, lease, decode };
    await using gateway = await this.#gateway(store, marks);
    await this.#configure(agent, gateway);
    const catalogKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    const identity = { agentId: randomUUID(), keyId: 'bench', organisation: 'bench' };
    await agent.takeIdentity({ ...identity, catalogKey: catalogKey.toString('base64') });
    await agent.fillSpool(lease, { spec: '{}', signature: '' }, batches);
    const begun = marks.reached('"event":"begin"');
    const ended = marks.reached('"event":"end"');
    await using program = await agent.run(marks.take);
    const startedMs = await begun;
    const stop = startClock({ agent: program.pid, gateway: gateway.pid }, startedMs);
    const endedMs = await ended;
    return stop(
      batches.reduce((sum, { payload }) => sum + payload.length + FRAME_HEADER_BYTES, 0),
      endedMs,
    );
  }

  /** Agent and catalog from the spool to published rows, then COPY of those rows into another database. */
  async published(): Promise<{ readonly published: Measured; readonly copied: Measured }> {
    await using source = await this.#freshDatabase();
    const agent = this.#agent();
    const marks = new Marks();
    await using gateway = await this.#gateway({ databaseUrl: source.url }, marks);
    await this.#configure(agent, gateway);
    const job = await this.#prepareJob(source.sql, agent);
    await source.sql`checkpoint`;
    const begun = marks.reached('connected to the catalog');
    const ended = marks.reached('job removed from the spool');
    await using program = await agent.run(marks.take);
    const startedMs = await begun;
    const stop = startClock(
      { agent: program.pid, gateway: gateway.pid, postgres: this.#databasePid, bench: process.pid },
      startedMs,
    );
    const endedMs = await ended;
    const measured = stop(0, endedMs);
    const [row] = await source.sql<{ state: string; error: unknown }[]>`select state, error from job where id = ${job}`;
    if (row?.state !== 'published') throw new Error(`the job is ${row?.state}: ${JSON.stringify(row?.error)}`);
    const rows = await copyOut(source.sql);
    return { published: { ...measured, amount: rows.rows }, copied: await this.#copied(rows) };
  }

  async #copied(rows: CopiedRows): Promise<Measured> {
    await using target = await this.#freshDatabase();
    await copyGround(target.sql, rows);
    await target.sql`checkpoint`;
    const stop = startClock({ postgres: this.#databasePid, bench: process.pid });
    await copyPublished(target.sql, rows);
    return stop(rows.rows);
  }

  /** Enrols the agent with the catalog, and leaves it with a job whose batches all lie in its spool. */
  async #prepareJob(sql: Sql, agent: BenchAgent): Promise<string> {
    const { id: organisationId } = await createOrganisation(sql, 'Bench');
    const bus = await openBus(sql);
    const backend = createBackend({ sql, bus, log: silent, sweepMs: 0 });
    try {
      const { token } = await createEnrolmentToken(sql, organisationId, 'bench');
      const request = { token, name: 'bench', publicKey: agent.keys.publicKey, version: '0' };
      const reply = await backend.enrol(request);
      if ('refused' in reply) throw new Error(reply.refused.message);
      await agent.takeIdentity(reply);
      const identity = await loadIdentity(agent.stateFolder);
      const bootId = randomUUID();
      const proof = { host: HOST, nonce: randomUUID() };
      const status = {
        version: '0',
        hostname: 'bench',
        platform: 'bench',
        startedAt: new Date().toISOString(),
        connectionsFolder: 'connections',
        connections: [connectionState('demo')],
      };
      const { agentId, keyId } = identity;
      const signature = identity.signChallenge(proof.host, proof.nonce, bootId);
      const facts = { type: 'auth' as const, agentId, keyId, bootId, version: '0', capabilities: [], jobs: [], status };
      const opened = await backend.authenticate({ ...facts, signature }, proof);
      if ('refused' in opened) throw new Error(opened.refused.message);
      const { job } = await createJob(sql, organisationId, { connection: 'demo', kind: 'crawl', createdBy: 'bench' });
      const offer = await backend.claim(opened.session);
      if (!offer || (await backend.accept(opened.session, offer)) !== 'ok') throw new Error('no job to do');
      await agent.fillSpool(offer, offer, this.#dataset.batches);
      return job.id;
    } finally {
      await backend.close();
      await bus.close();
    }
  }

  #agent(): BenchAgent {
    return new BenchAgent(join(this.#folder, `run-${++this.#runs}`));
  }

  async #configure(agent: BenchAgent, gateway: Program): Promise<void> {
    const gatewayUrl = `wss://${HOST}:${String(gateway.ready['port'])}`;
    await agent.configure({ gatewayUrl, rootPem: this.#pki.rootPem, connection: this.#dataset.connection });
  }

  #gateway(store: GatewayOptions['store'], marks: Marks): Promise<Program> {
    const options: GatewayOptions = { ...this.#pki.server('valid'), store };
    return startProgram('the gateway', GATEWAY, [JSON.stringify(options)], { onLine: marks.take });
  }

  async #freshDatabase(): Promise<{ readonly url: string; readonly sql: Sql } & AsyncDisposable> {
    const admin = connect(this.#database.url, { max: 1 });
    const name = `bench_${++this.#runs}`;
    await admin.unsafe(`create database ${name}`);
    const url = this.#database.url.replace(/\/postgres$/, `/${name}`);
    const sql = connect(url, { max: 4 });
    await migrate(sql);
    return {
      url,
      sql,
      [Symbol.asyncDispose]: async () => {
        await sql.end({ timeout: 5 });
        await admin.unsafe(`drop database ${name} with (force)`);
        await admin.end({ timeout: 5 });
      },
    };
  }
}
