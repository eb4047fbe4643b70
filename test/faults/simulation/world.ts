import { crc32 } from 'node:zlib';
import type { Transport, TransportListener } from '#agent/bridge/transport.ts';
import { Fault } from '#protocol/errors.ts';
import type { DeletionPolicy, JobKind } from '#protocol/job-options.ts';
import { AgentProcess, type AgentWorld } from './agent.ts';
import { differences } from './catalog-check.ts';
import { Counters } from './counters.ts';
import { SimulatedDisk } from './disk.ts';
import { GatewayProcess } from './gateway.ts';
import { Connection } from './network.ts';
import { Random } from './random.ts';
import { ChangingSite, type Site, scopesOf } from './site.ts';
import { StoreService } from './store-service.ts';
import { type Owner, Time } from './time.ts';
import { Watch } from './watch.ts';

const DIAL_MS = 15_000;
/** Most connections delete what is gone: there the catalog has to hold exactly what the source does. */
const POLICIES: readonly DeletionPolicy[] = ['delete', 'delete', 'delete', 'delete', 'delete', 'flag', 'keep'];

/** A machine that an agent runs on, whether it runs at the moment or not. */
export interface Machine {
  readonly agentId: string;
  readonly name: string;
  readonly disk: SimulatedDisk;
  process: AgentProcess | undefined;
  starts: number;
  /** Another machine with the identity of the first. */
  readonly isClone: boolean;
  removed: boolean;
  /** Nothing that it dials is answered until then. */
  offlineUntilMs: number;
  isStopping: boolean;
}

export interface GatewaySlot {
  readonly name: string;
  process: GatewayProcess | undefined;
  starts: number;
}

/** Everything that one seed makes: machines, catalog processes, a store, a network, and the source of what is crawled. */
export class World {
  readonly time = new Time();
  readonly random: Random;
  readonly counters = new Counters();
  readonly watch: Watch;
  readonly store: StoreService;
  readonly machines: Machine[] = [];
  readonly gateways: GatewaySlot[] = [];
  readonly connections = new Set<Connection>();
  readonly codes: string[] = [];
  readonly #sites = new Map<string, Site>();
  readonly #changing = new Map<string, ChangingSite>();
  readonly #compared = new Set<string>();
  readonly #onTrace: ((line: string) => void) | undefined;
  readonly #agentWorld: AgentWorld;
  #connectionIds = 0;
  #versions = 0;
  hash = 0;
  /** The faults are over. */
  isHealed = false;

  constructor(seed: number, onTrace: ((line: string) => void) | undefined) {
    this.random = new Random(seed);
    this.#onTrace = onTrace;
    const trace = (line: string): void => this.trace(line);
    this.watch = new Watch(this.time, this.counters, trace, (jobId) => this.#sites.get(jobId));
    const { scopes, jobs } = this.watch;
    this.store = new StoreService(this.time, this.random, this.counters, {
      onPublished: (ref, ended, change) => {
        this.trace(
          `published ${ref.jobId}/${ref.attempt} ${ended.key}: ${ended.outcome}, ${ended.records.length} records`,
        );
        scopes.published(ref, ended, change);
        jobs.published(ref, ended, change);
      },
      onUnlisted: (ref, change) => {
        scopes.unlisted(ref, change);
        jobs.unlisted(ref, change);
      },
      onPictures: (ref, change) => jobs.pictures(ref, change),
      onList: (ref) => jobs.list(ref),
      onEnded: (job) => {
        this.trace(`${job.kind} ${job.id} ended as ${job.state}${job.error ? `: ${job.error.code}` : ''}`);
        jobs.ended(job);
      },
    });
    this.store.onCalled = () => jobs.looked();
    this.store.onClaimed = (jobId) => jobs.claimed(jobId);
    this.watch.store = this.store;
    this.store.onClosed = (jobId) => this.#closed(jobId);
    this.#agentWorld = {
      time: this.time,
      random: this.random,
      counters: this.counters,
      watch: this.watch,
      trace,
      siteOf: (jobId) => this.#sites.get(jobId),
      transportOf: (owner) => this.#transport(owner),
      quotaBytes: this.random.pick([24_000, 64_000, 1_000_000]) ?? 0,
      segmentBytes: this.random.pick([3_000, 12_000, 100_000]) ?? 0,
      paceMs: this.random.pick([5, 60, 400]) ?? 0,
    };
    const agents = this.random.int(1, 2);
    for (let n = 1; n <= agents; n += 1) {
      const own = Array.from({ length: this.random.int(1, 2) }, (_, k) => `site-${n}-${k}`);
      this.codes.push(...own);
      const policy = (): DeletionPolicy => this.random.pick(POLICIES) ?? 'delete';
      this.store.model.addAgent(`agent-${n}`, 'key-1', Object.fromEntries(own.map((code) => [code, policy()])));
      this.addMachine(`agent-${n}`, `agent-${n}`, new SimulatedDisk(this.time, this.random, this.counters), false);
    }
    for (const name of ['gateway-1', 'gateway-2']) {
      const slot: GatewaySlot = { name, process: undefined, starts: 0 };
      this.gateways.push(slot);
      this.startGateway(slot);
    }
    for (const machine of this.machines) this.startAgent(machine);
  }

  trace(line: string): void {
    const text = `${(this.time.nowMs / 1000).toFixed(4)} ${line}`;
    this.hash = crc32(text, this.hash);
    this.#onTrace?.(text);
  }

  addMachine(agentId: string, name: string, disk: SimulatedDisk, isClone: boolean): Machine {
    const machine: Machine = {
      agentId,
      name,
      disk,
      process: undefined,
      starts: 0,
      isClone,
      removed: false,
      offlineUntilMs: 0,
      isStopping: false,
    };
    this.machines.push(machine);
    return machine;
  }

  startAgent(machine: Machine): void {
    if (machine.removed || machine.process) return;
    machine.starts += 1;
    machine.isStopping = false;
    machine.process = new AgentProcess(
      this.#agentWorld,
      machine.agentId,
      `${machine.name}.${machine.starts}`,
      machine.disk,
    );
  }

  /** The process ends without a word; `power`: and with it what was not synced. */
  crashAgent(machine: Machine, power: boolean): void {
    const { process } = machine;
    if (!process) return;
    machine.process = undefined;
    process.owner.alive = false;
    if (power) {
      const { lost, torn, names } = machine.disk.crash();
      this.counters.count('disk.lost', lost);
      this.counters.count('disk.torn', torn);
      this.counters.count('disk.names', names);
    } else machine.disk.settle();
    for (const connection of this.connections)
      if (connection.agent === process.owner && !power) this.#hangUp(connection, 'gateway');
  }

  startGateway(slot: GatewaySlot): void {
    if (slot.process) return;
    slot.starts += 1;
    slot.process = new GatewayProcess(this.time, this.random, this.store, `${slot.name}.${slot.starts}`);
  }

  crashGateway(slot: GatewaySlot, power: boolean): void {
    const { process } = slot;
    if (!process) return;
    slot.process = undefined;
    process.end();
    for (const connection of this.connections)
      if (connection.gateway === process.owner && !power) this.#hangUp(connection, 'agent');
  }

  /** Asks for a job; crawls and lineage find the site as it has become. `calm`: all of it, and nothing is in the way. */
  ask(connection: string, kind: JobKind, calm = false): string {
    const job = this.store.model.createJob(connection, kind, this.#options(connection, kind, calm));
    if (!this.#sites.has(job.id)) {
      this.#versions += 1;
      const { only } = (JSON.parse(job.spec) as { options: { only?: { apps: string[] } } }).options;
      const changing = this.#changing.get(connection) ?? new ChangingSite(this.random, connection);
      this.#changing.set(connection, changing);
      const isChanged = kind === 'crawl' || (kind === 'lineage' && !calm);
      const site = isChanged
        ? changing.next(this.#versions, only?.apps.map(Number), calm)
        : changing.now(this.#versions, only?.apps.map(Number));
      this.#sites.set(job.id, site);
      this.trace(`${kind} of ${connection} asked for: ${job.id}`);
      this.counters.count(`asked.${kind}`);
    }
    return job.id;
  }

  #options(connection: string, kind: JobKind, calm: boolean): object {
    if (kind === 'test') return {};
    if (kind === 'inventory') return this.random.chance(0.8) || calm ? {} : { settings: {} };
    if (kind === 'preview') {
      const apps = [...(this.#changing.get(connection)?.now(0, undefined).apps.keys() ?? [])];
      const app = calm || this.random.chance(0.8) ? this.random.pick(apps) : undefined;
      return { app: String(app ?? this.random.int(0, 4)), data: this.random.chance(0.7) };
    }
    if (kind === 'lineage' && calm) return {};
    if (kind === 'lineage' && this.random.chance(0.5)) return { changed: `change-${this.#versions}` };
    if (calm) return this.watch.mayBeStale ? { mode: 'full' } : {};
    const roll = this.random.next();
    if (roll < 0.1) return { mode: 'full' };
    if (roll > 0.15) return {};
    return { only: { streams: [], apps: [this.random.int(0, 4), this.random.int(0, 4)].map(String) } };
  }

  /** Whether the catalog holds exactly what this crawl had to find. */
  compare(jobId: string): void {
    const site = this.#sites.get(jobId);
    if (!site) throw new Error(`nobody asked for ${jobId}`);
    const { scopes, connections } = this.store.model.tables;
    const found = differences(site, scopes, connections.get(site.connection)?.policy ?? 'delete');
    if (found.length > 0) this.watch.fail('content', `after ${jobId}: ${found.slice(0, 5).join('; ')}`);
  }

  /** What a job published is whole: no scope that its agent read is missing, and nothing is otherwise than at the source. */
  #closed(jobId: string): void {
    const { jobs, attempts } = this.store.model.tables;
    const job = jobs.get(jobId);
    const site = this.#sites.get(jobId);
    if (job?.state !== 'published' || job.kind !== 'crawl' || !site) return;
    const attempt = [...attempts.values()].find((one) => one.jobId === jobId && one.attempt === job.attempt);
    for (const scope of scopesOf(site))
      if (!attempt?.published.has(scope)) this.watch.fail('whole', `${jobId} ended as published without ${scope}`);
    // Told again, its answer was lost: others may have published since.
    if (this.#compared.has(jobId) || this.watch.mayBeStale) return;
    this.#compared.add(jobId);
    this.counters.count('compared');
    this.compare(jobId);
  }

  /** Forgets connections that are over at both ends. */
  prune(): void {
    for (const connection of this.connections)
      if (connection.isOver) {
        this.connections.delete(connection);
        this.watch.over(connection);
      }
  }

  /** The operating system closes a socket for a process that died. */
  #hangUp(connection: Connection, who: 'agent' | 'gateway'): void {
    this.time.after(this.random.between(0, 40), undefined, () => {
      if (who === 'agent') connection.endAgent(1006);
      else connection.endGateway();
    });
  }

  #transport(owner: Owner): Transport {
    return {
      connect: (listener: TransportListener) => {
        const { time, random } = this;
        this.watch.dialled(owner);
        this.trace(`${owner.name} dials`);
        this.counters.count('agent.dial');
        let connection: Connection | undefined;
        let ended = false;
        const fail = (ms: number, retryAfterMs?: number): void => {
          time.after(ms, owner, () => {
            if (ended || connection) return;
            ended = true;
            this.counters.count('agent.dial.failed');
            listener.failed(new Fault('bridge.unreachable', 'no way to the catalog'), retryAfterMs);
          });
        };
        const machine = this.machines.find(({ process }) => process?.owner === owner);
        const gateway = random.pick(this.gateways)?.process;
        if ((machine?.offlineUntilMs ?? 0) > time.nowMs) fail(DIAL_MS);
        else if (!gateway) fail(random.between(1, 50));
        else if (gateway.isRefusing) fail(random.between(1, 50), 5_000);
        else
          time.after(random.between(1, 200), owner, () => {
            if (ended) return;
            if (!gateway.owner.alive) {
              fail(0);
              return;
            }
            this.#connectionIds += 1;
            const ends = { id: this.#connectionIds, agent: owner, gateway: gateway.owner };
            const made = new Connection(time, random, ends, listener, this.watch);
            connection = made;
            this.prune();
            this.connections.add(made);
            listener.opened();
            time.after(random.between(0, 20), gateway.owner, () => gateway.accept(made));
          });
        return {
          get unsentBytes() {
            return connection?.up.buffered ?? 0;
          },
          sendText: (text) => connection?.end.sendText(text),
          sendBinary: (bytes) => connection?.end.sendBinary(bytes),
          writable: () => connection?.end.writable() ?? Promise.resolve(),
          close: (code, reason) => {
            if (connection) connection.end.close(code, reason);
            else fail(0);
          },
        };
      },
    };
  }
}
