import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { AuditLog } from '#agent/audit/audit-log.ts';
import type { PolicyEntry as AuditPolicy } from '#agent/audit/entry.ts';
import type { Bridge, BridgeOptions } from '#agent/bridge/bridge.ts';
import type { Identity } from '#agent/bridge/identity.ts';
import { endpoints } from '#agent/operations/endpoints.ts';
import { EventLoop } from '#agent/operations/event-loop.ts';
import type { AgentFacts, ConnectionFacts } from '#agent/operations/facts.ts';
import { noteHealth } from '#agent/operations/health-file.ts';
import { HealthServer, STANDARD_PORTS } from '#agent/operations/health-server.ts';
import { JobWatch } from '#agent/operations/job-watch.ts';
import { LinkWatch } from '#agent/operations/link-watch.ts';
import type { AgentLog } from '#agent/operations/log.ts';
import { type LevelChange, RemoteLogLevel } from '#agent/operations/log-level.ts';
import { AgentMetrics } from '#agent/operations/metrics.ts';
import { whyNotReady } from '#agent/operations/readiness.ts';
import type { Log } from '#agent/qlik/log.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { describeWay } from '#config/proxy.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { Settings } from '#config/settings.ts';
import { asFault } from '#protocol/errors.ts';
import type { AgentStatus, ConnectionState } from '#protocol/status.ts';
import { VERSION } from './version.ts';

const clock = { nowMs: () => performance.now(), timestamp: () => new Date().toISOString() };

const after = (ms: number, call: () => void): (() => void) => {
  const timer = setTimeout(call, ms).unref();
  return () => clearTimeout(timer);
};

const connectionFacts = ({ file, code, name, state, problems }: ConnectionState): ConnectionFacts => {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  return {
    file,
    code,
    name,
    state,
    errors: errors.length,
    warnings: problems.length - errors.length,
    problem: first === undefined ? null : `${problemPlace(first)}: ${first.message}`,
  };
};

const diskOf = async (folder: string): Promise<AgentFacts['disk']> => {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return { freeBytes: null, totalBytes: null };
  }
};

/** For the status that the catalog sees. */
export const levelStatus = ({ level, until, refused }: LevelChange): Partial<AgentStatus> =>
  until === null && refused === null
    ? {}
    : { logLevel: { level, ...(until === null ? {} : { until }), ...(refused === null ? {} : { refused }) } };

const untold = (error: unknown, log: Pick<Log, 'warn'>): void => {
  const fault = asFault(error, 'spool.failed');
  log.warn({ ...faultFields(fault) }, fault.message);
};

/** The owner of the machine finds in the audit log what the catalog made the agent log. */
export const tellAudit = (audit: Pick<AuditLog, 'appendAsked'>, { level, until }: LevelChange, log: Log): void => {
  if (until === null) return;
  const forMs = Math.max(0, Date.parse(until) - Date.now());
  audit.appendAsked({ event: 'logLevel', level, forMs }).catch((error: unknown) => untold(error, log));
};

/** And what the catalog may ask, at the start and from then on, whenever that is not what was told last. */
export const policyAudit = (
  audit: Pick<AuditLog, 'append' | 'policy'>,
  log: Pick<Log, 'warn'>,
): ((policy: AgentStatus['policy']) => void) => {
  const textOf = ({ file = null, state = 'none', denies = [] }: Partial<AuditPolicy>): string =>
    JSON.stringify([file, state, denies]);
  let before = textOf(audit.policy ?? {});
  return ({ file = null, state = 'none', denies = [] }: Partial<AuditPolicy> = {}) => {
    const now = textOf({ file, state, denies });
    if (now === before) return;
    before = now;
    audit.append([{ event: 'policy', file, state, denies }]).catch((error: unknown) => untold(error, log));
  };
};

interface OperationsOptions {
  readonly settings: Settings & { readonly gatewayUrl: string };
  readonly identity: Identity;
  readonly logging: AgentLog;
  readonly startedAt: string;
  /** The settings as they are now: the way to the catalog may change. */
  readonly settingsNow: () => Settings;
  readonly status: () => AgentStatus;
  /** Why the local policy forbids the catalog to raise the log level; undefined when it does not. */
  readonly levelForbidden: () => string | undefined;
  /** The catalog changed the level of the log, or it went back. */
  readonly onLevel: (change: LevelChange) => void;
}

/** What a running agent tells of itself: health, metrics, the level of its log. Gets the bridge once there is one. */
export class Operations implements AsyncDisposable {
  readonly level: RemoteLogLevel;
  readonly jobs: JobWatch;
  readonly metrics: AgentMetrics;
  readonly #options: OperationsOptions;
  readonly #eventLoop = new EventLoop();
  readonly #link: LinkWatch;
  #bridge: Pick<Bridge, 'health' | 'spoolLimitBytes'> | undefined;
  #server: HealthServer | undefined;
  #forget: () => void = () => undefined;

  constructor(options: OperationsOptions) {
    this.#options = options;
    const { log } = options.logging;
    this.metrics = new AgentMetrics(() => this.facts(), this.#eventLoop);
    this.#link = new LinkWatch(this.metrics, clock);
    this.jobs = new JobWatch(this.metrics, clock);
    const { settings, levelForbidden, onLevel } = options;
    const base = settings.log.level;
    this.level = new RemoteLogLevel({
      log,
      base,
      forbidden: levelForbidden,
      onChange: onLevel,
      now: () => Date.now(),
      after,
    });
  }

  /** For the bridge. */
  get hooks(): Pick<BridgeOptions, 'onStep' | 'onLogLevel'> {
    return {
      onStep: (event, effects) => this.#link.step(event, effects),
      onLogLevel: ({ level, forMs }) => this.level.ask(level, forMs),
    };
  }

  /** Opens the health endpoints, unless the settings want none. That no port is free is said, and stops nothing. */
  async open(bridge: Pick<Bridge, 'health' | 'spoolLimitBytes'>): Promise<void> {
    this.#bridge = bridge;
    const { healthPort, stateFolder } = this.#options.settings;
    const { log } = this.#options.logging;
    if (healthPort === 0) return;
    try {
      const routes = endpoints(() => this.facts(), this.metrics, this.#eventLoop);
      this.#server = await HealthServer.open(healthPort === undefined ? STANDARD_PORTS : [healthPort], routes);
      this.#forget = noteHealth(stateFolder, { port: this.#server.port, pid: process.pid });
      log.info({ port: this.#server.port }, 'health is told on loopback: /livez /readyz /metrics /statusz');
    } catch (error) {
      const advice = 'Set health.port in agent.conf to a port that is free; 0 for none.';
      log.warn({ advice }, `health cannot be told: ${(error as Error).message}`);
    }
  }

  async facts(): Promise<AgentFacts> {
    const { settings, identity, logging, startedAt } = this.#options;
    const health = this.#bridge?.health();
    const status = this.#options.status();
    const { gatewayUrl, stateFolder } = settings;
    const link: AgentFacts['link'] = {
      gateway: gatewayUrl,
      state: health?.state ?? 'down',
      since: this.#link.since,
      transport: health?.link?.transport ?? 'none yet',
      way: describeWay(this.#options.settingsNow().proxy, gatewayUrl),
      sinceRoundTripMs: health?.sinceRoundTripMs ?? null,
      roundTripMs: this.#link.roundTripMs,
      epoch: health?.epoch ?? null,
      error: health?.error ?? null,
    };
    const notReady = whyNotReady(link) ?? null;
    const { level, until } = this.level.change;
    return {
      pid: process.pid,
      version: VERSION,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      hostname: hostname(),
      startedAt,
      agentId: identity.agentId,
      organisation: identity.organisation,
      ready: notReady === null,
      notReady,
      link,
      connectionsFolder: settings.connectionsFolder,
      connections: status.connections.map(connectionFacts),
      jobs: this.jobs.running,
      spool: {
        folder: join(stateFolder, 'spool'),
        bytes: health?.spoolBytes ?? 0,
        limitBytes: (await this.#bridge?.spoolLimitBytes()) ?? 0,
        attempts: health?.spoolAttempts ?? 0,
        error: health?.spoolError ?? null,
      },
      disk: await diskOf(stateFolder),
      log: {
        level,
        raisedUntil: until,
        file: settings.log.file ?? join(stateFolder, 'logs', 'agent.log'),
        droppedLines: logging.dropped,
      },
      memoryBytes: process.memoryUsage.rss(),
      faults: status.faults ?? [],
      recent: logging.recent.list,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    this.level.close();
    await this.#server?.close();
    this.#eventLoop[Symbol.dispose]();
  }
}
