import { randomUUID } from 'node:crypto';
import type { AuditLog } from '#agent/audit/audit-log.ts';
import type { AskedEvent } from '#agent/audit/entry.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import { Spool, type SpoolOptions } from '#agent/spool/spool.ts';
import type { ProxyChoice } from '#config/proxy.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { TransportMode } from '#config/settings.ts';
import type { AgentState } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { TIMES } from '#protocol/constants.ts';
import { asFault, type ErrorInfo, type Fault } from '#protocol/errors.ts';
import type { AgentStatus, LinkReport } from '#protocol/status.ts';
import { skewFault } from './clock-skew.ts';
import { gatewayAddress } from './gateway-address.ts';
import type { Identity } from './identity.ts';
import type { JobHandlers } from './job-handler.ts';
import type { JobPolicy } from './job-judge.ts';
import { JobRunner } from './jobs.ts';
import { Keys } from './keys.ts';
import { type AskEffect, Link, type LinkOptions } from './link.ts';
import { LinkAudit } from './link-audit.ts';
import { type LinkClock, systemClock } from './link-clock.ts';
import type { BridgeLog } from './log.ts';
import { SeenJobs } from './seen-jobs.ts';
import { SteadyFault } from './steady-fault.ts';
import type { Transport } from './transport.ts';
import { TransportChoice } from './transport-choice.ts';
import { pollingTransport } from './transport-polling.ts';
import { webSocketTransport } from './transport-websocket.ts';
import { WakeClock } from './wake-clock.ts';
import { Watchdog } from './watchdog.ts';

/** How the catalog is reached. */
interface BridgeWay {
  /** Default `auto`. */
  readonly transport?: TransportMode | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly proxy: ProxyChoice | undefined;
}

interface BridgeSettings extends BridgeWay {
  /** `gateway.url` of the agent's settings. */
  readonly gatewayUrl: string;
}

export interface BridgeOptions {
  readonly settings: BridgeSettings;
  readonly identity: Identity;
  readonly dialer: Dialer;
  /** The agent's version. */
  readonly version: string;
  /** A folder of its own below the state folder. */
  readonly spoolFolder: string;
  /** Where the attempts that were taken are kept in mind; absent: not beyond this process. */
  readonly seenJobsFile?: string;
  /** What the machine's administrator allows; absent: everything. */
  readonly policy?: JobPolicy;
  /** Milliseconds since 1970; the age of the agent's key goes by it. */
  readonly wallMs?: () => number;
  /** The status as it is now; asked at the start and after each {@link Bridge.statusChanged}. */
  readonly status: () => AgentStatus;
  readonly handlers: JobHandlers;
  readonly log: BridgeLog;
  /** What leaves is told there. */
  readonly audit?: AuditLog | undefined;
  readonly clock?: LinkClock;
  readonly spool?: SpoolOptions;
  /** Instead of those that the settings choose from. */
  readonly transport?: Transport;
  /** Told of every step of the session's machine, for figures. */
  readonly onStep?: LinkOptions['onStep'];
  /** The link waits for something that will never come: the process should end and be started again. */
  readonly onStuck?: (() => void) | undefined;
  /** The catalog asks for another level of the log for a while. */
  readonly onLogLevel?: (asked: Extract<AskEffect, { type: 'logLevel' }>) => void;
}

/** The state of the link, for status pages and readiness. */
interface BridgeHealth {
  readonly state: AgentState['name'];
  /** The catalog answered within the last two heartbeats. */
  readonly healthy: boolean;
  /** Milliseconds since the catalog last answered; null when it never did. */
  readonly sinceRoundTripMs: number | null;
  readonly epoch: number | null;
  /** What the link goes over and why; null before the first connection. */
  readonly link: LinkReport | null;
  /** Why there is no session. */
  readonly error: ErrorInfo | null;
  /** Why crawls wait, or did a moment ago: the spool is full, or its disk fails. */
  readonly spoolError: ErrorInfo | null;
  readonly spoolBytes: number;
  /** Attempts that lie in the spool, whether they run or not. */
  readonly spoolAttempts: number;
  readonly running: readonly { readonly jobId: string; readonly attempt: number }[];
}

export interface Bridge extends AsyncDisposable {
  /** The status changed: it is sent, the last value wins. */
  statusChanged(): void;
  /** Takes another way to the same catalog, at once; jobs go on, as after a cut. */
  reroute(way: BridgeWay): void;
  health(): BridgeHealth;
  /** What the spool may take of the disk at the moment. */
  spoolLimitBytes(): Promise<number>;
  /** Ends handlers and link; jobs stay in the spool and go on when the agent starts again. */
  close(): Promise<void>;
}

/**
 * Opens the spool and begins to connect; never waits for the catalog, which may be away for as long as it likes.
 * @throws Fault `config.invalid` for an address that may not be used, `spool.failed` when the spool cannot be opened
 */
export const startBridge = async (options: BridgeOptions): Promise<Bridge> => {
  const { identity, log, settings } = options;
  const wallMs = options.wallMs ?? Date.now;
  const clock = new WakeClock(options.clock ?? systemClock, wallMs);
  const address = gatewayAddress(settings.gatewayUrl);
  const bootId = randomUUID();
  /** Nothing until there is a link. */
  let report = (): void => undefined;
  const spoolFault = new SteadyFault(clock, (fault) => {
    if (fault) log.warn(faultFields(fault), fault.message);
    else log.info({}, 'the spool has room again');
    report();
  });
  const spool = await Spool.open(options.spoolFolder, { onFault: (fault) => spoolFault.set(fault), ...options.spool });
  /** The clocks of this machine and of the catalog differ. */
  let clockFault: Fault | undefined;
  /** Absent when the transport was given. */
  let choice: TransportChoice | undefined;
  /** With what only the bridge knows: why crawls wait, and how the catalog is reached. */
  const status = (): AgentStatus => {
    const own = options.status();
    const faults = [
      ...(own.faults ?? []),
      ...(spoolFault.current === undefined ? [] : [spoolFault.current.toJSON()]),
      ...(clockFault === undefined ? [] : [clockFault.toJSON()]),
    ];
    const used = choice?.inUse;
    return { ...own, ...(faults.length === 0 ? {} : { faults }), ...(used === undefined ? {} : { link: used }) };
  };
  const { agentId } = identity;
  const seen = await SeenJobs.open(options.seenJobsFile, agentId, () =>
    log.error(
      { file: options.seenJobsFile, advice: 'Find out who wrote into the state folder.' },
      'the record of jobs that were taken is damaged; an old job could be taken once more',
    ),
  );
  const session = new AgentSession(
    {
      agentId,
      // Of two keys the one that the challenge was just signed with.
      get keyId() {
        return identity.keyId;
      },
      bootId,
      version: options.version,
    },
    status(),
    spool.attempts.map((attempt) => attempt.held()),
  );
  const transportBy = ({ transport = 'auto', tls, proxy }: BridgeWay): Transport => {
    choice?.close();
    const made: TransportChoice = new TransportChoice({
      mode: transport,
      webSocket: webSocketTransport(options.dialer, address.link, tls, proxy),
      polling: pollingTransport({ dialer: options.dialer, address, tls, proxy }),
      clock,
      log,
      onChange: () => report(),
      onBetter: () => link.redial(made),
    });
    choice = made;
    return made;
  };
  const jobs = new JobRunner({
    spool,
    handlers: options.handlers,
    agentId,
    verifyJob: (spec, signature) => identity.verifyJob(spec, signature),
    verifyHeldJob: (spec, signature) => identity.verifyHeldJob(spec, signature),
    seen,
    policy: options.policy,
    settled: () => identity.settled(),
    dispatch: (event) => link.dispatch(event),
    log,
    audit: options.audit,
    timestamp: () => new Date().toISOString(),
  });
  const logFault = (error: unknown, level: 'warn' | 'error'): void => {
    const fault = asFault(error);
    log[level](faultFields(fault), fault.message);
  };
  const tell = (events: readonly AskedEvent[]): void => {
    for (const event of events)
      void options.audit?.appendAsked(event).catch((error: unknown) => logFault(error, 'error'));
  };
  const keys = new Keys({
    identity,
    session,
    clock,
    wallMs,
    dispatch: (event) => link.dispatch(event),
    tell: (event) => tell([event]),
    log,
  });
  const linkAudit = new LinkAudit();
  const link: Link = new Link({
    session,
    transport: options.transport ?? transportBy(settings),
    clock,
    log,
    challenge: () => seen.challenge(),
    sign: (nonce) => identity.signChallenge(address.host, nonce, bootId),
    onJob: (effect) => jobs.perform(effect),
    onAsk: (effect) => {
      if (effect.type === 'logLevel') options.onLogLevel?.(effect);
      else keys.perform(effect);
    },
    onGreeted: (serverTime) => {
      clockFault = skewFault(serverTime, wallMs());
      if (clockFault) log.warn(faultFields(clockFault), clockFault.message);
      report();
    },
    readFrame: (ref, seq) => jobs.readFrame(ref, seq),
    onUnreadable: (ref, error) => jobs.unreadable(ref, error),
    onStep: (event, effects) => {
      options.onStep?.(event, effects);
      keys.onStep(effects);
      tell(linkAudit.ofStep(effects, session.state.name));
    },
  });
  report = () => link.dispatch({ type: 'status', status: status() });
  clock.watch((sleptMs) => link.woke(sleptMs));
  const watchdog = new Watchdog({
    clock,
    log,
    overdue: () => link.overdue(),
    facts: () => ({ state: session.state.name, transport: choice?.inUse?.transport, running: jobs.running.length }),
    onStuck: () => options.onStuck?.(),
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    link.dispatch({ type: 'drain', deadlineMs: TIMES.agentDrainMs });
    try {
      await jobs.stop();
      // What a handler wrote last, and what a slow catalog had not taken yet.
      await link.settled(TIMES.agentSendMs);
    } finally {
      keys.stop();
      watchdog.stop();
      clock.stop();
      choice?.close();
      await link.stop();
      await identity.settled().catch((error: unknown) => logFault(error, 'warn'));
      // What was acknowledged or closed meanwhile is still being deleted.
      await jobs.stop();
      await spool.close();
      spoolFault.close();
    }
  };
  const bridge: Bridge = {
    statusChanged: report,
    reroute: (way) => link.redial(transportBy(way)),
    health: () => {
      const { state, lastRoundTripMs } = session;
      const since = lastRoundTripMs === undefined ? null : clock.nowMs() - lastRoundTripMs;
      return {
        state: state.name,
        healthy: state.name === 'open' && since !== null && since <= 2 * TIMES.heartbeatMs,
        sinceRoundTripMs: since,
        epoch: state.name === 'open' ? state.epoch : null,
        link: choice?.inUse ?? null,
        error: link.lastError ?? null,
        spoolError: spoolFault.current?.toJSON() ?? null,
        spoolBytes: spool.usedBytes,
        spoolAttempts: spool.attempts.length,
        running: jobs.running,
      };
    },
    spoolLimitBytes: () => spool.limitBytes(),
    close: () => {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => bridge.close(),
  };
  link.dispatch({ type: 'start' });
  return bridge;
};
