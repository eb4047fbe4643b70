import { hostname } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '#agent/audit/audit-log.ts';
import { AUDIT_FOLDER } from '#agent/audit/files.ts';
import { startBridge } from '#agent/bridge/bridge.ts';
import { type Identity, loadIdentity } from '#agent/bridge/identity.ts';
import { type MachineName, nameMachine } from '#agent/bridge/machine.ts';
import { guardAgainstStalls } from '#agent/bridge/stall-guard.ts';
import { lockStateFolder } from '#agent/bridge/state-lock.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { type LogOptions, openLog } from '#agent/operations/log.ts';
import type { Log } from '#agent/qlik/log.ts';
import { logOut } from '#agent/qlik/site.ts';
import { leavingProblem, problemPlace } from '#config/connection/problem.ts';
import { ConnectionFolder } from '#config/folder.ts';
import { lintWritable } from '#config/lint/writable.ts';
import { describeWay } from '#config/proxy.ts';
import { faultFields } from '#config/redaction/logged.ts';
import type { Settings } from '#config/settings.ts';
import { TIMES } from '#protocol/constants.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { AgentStatus, ConnectionState } from '#protocol/status.ts';
import { crawlJob } from './crawl-job.ts';
import { WATCHDOG } from './exit-codes.ts';
import { folderDoctor, type SettingsNow } from './folder-doctor.ts';
import { inventoryJob } from './inventory-job.ts';
import { lineageJob } from './lineage-job.ts';
import { lineageMeans } from './lineage-means.ts';
import { LineageWatch, lineageForget, lineageLook } from './lineage-watch.ts';
import { observedJobs } from './observed-jobs.ts';
import { levelStatus, Operations, policyAudit, tellAudit } from './operations.ts';
import { checkOwnFolder } from './own-folder.ts';
import { PolicyInForce } from './policy.ts';
import { previewJob } from './preview-job.ts';
import { openSecrets } from './secrets.ts';
import { keepSessionsIn } from './sessions.ts';
import { readUsableSettings } from './settings.ts';
import { SettingsReload } from './settings-reload.ts';
import { endWithin, untilStopped } from './stop.ts';
import { testJob } from './test-job.ts';
import { VERSION } from './version.ts';

export interface RunOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly stopOnStdin?: boolean;
}

/** More of one file than a person mends at a time. */
const MAX_TOLD = 3;

/** The log says what the page of the connection says, for whom the catalog is out of reach. */
const tellErrors = ({ problems }: ConnectionState, log: Log): void => {
  const errors = problems.filter(({ severity }) => severity === 'error');
  for (const problem of errors.slice(0, MAX_TOLD))
    log.warn({ code: problem.code, advice: problem.advice }, `${problemPlace(problem)}: ${problem.message}`);
};

/** Who may write these decides what the agent does. */
const tellWritable = async (paths: readonly string[], log: Log): Promise<void> => {
  for (const path of paths)
    for (const { code, advice, message } of await lintWritable(path)) log.warn({ code, advice, path }, message);
};

/** Without a file of its own wish the log goes to a file of the state folder and to the standard error. */
const logOptions = ({ log, stateFolder }: Settings): LogOptions => ({
  level: log.level,
  file: { path: log.file ?? join(stateFolder, 'logs', 'agent.log'), maxBytes: log.maxBytes, files: log.files },
  standardError: log.file === undefined,
});

/** Present only when there are any: an empty list would be told as news. */
const faultsOf = (faults: readonly ErrorInfo[]): Pick<AgentStatus, 'faults'> =>
  faults.length === 0 ? {} : { faults: [...faults] };

/**
 * What is wrong when the state folder was copied from another machine. It only warns: a machine that was restored from its
 * backup must not stand still for it, and a copy that runs beside the original is found out by the catalog.
 */
const whetherMoved = (identity: Identity, machine: MachineName | undefined, log: Log): ErrorInfo | undefined => {
  if (identity.bind(machine) === 'same') return undefined;
  const fault = new Fault('bridge.other_machine', 'The identity of this agent was made for another machine.');
  log.warn(faultFields(fault), fault.message);
  return fault.toJSON();
};

/**
 * The agent: watches its folder and does the catalog's jobs until the process is told to stop.
 *
 * @throws Fault for settings, an identity or a state folder that cannot be used
 */
export const run = async (options: RunOptions): Promise<void> => {
  const loaded = readUsableSettings(options.config);
  const { settings } = loaded;
  const { gatewayUrl, stateFolder, connectionsFolder } = settings;
  if (gatewayUrl === undefined) {
    throw new Fault('config.missing_key', `${options.config} does not say where the catalog is`, {
      advice: 'Add gateway.url = "wss://catalog.example.com"; without a catalog use culvert crawl --out.',
    });
  }
  using stopping = new DisposableStack();
  const stopped = untilStopped({ stdin: options.stopOnStdin });
  checkOwnFolder(stateFolder);
  const identity = await loadIdentity(stateFolder);
  using _lock = await lockStateFolder(stateFolder);
  await using audit = await AuditLog.open(join(stateFolder, AUDIT_FOLDER));
  using logging = openLog(logOptions(settings));
  const { log } = logging;
  const dialer = new Dialer();
  keepSessionsIn(stateFolder, dialer, log);
  const onTrouble = (message: string): void => log.warn({}, message);
  const folder = new ConnectionFolder({
    folder: connectionsFolder,
    stateFolder,
    polling: settings.watch.polling,
    intervalMs: settings.watch.intervalMs,
    secrets: openSecrets(settings, dialer, { onTrouble }),
    onTrouble,
  });
  const policy = new PolicyInForce({
    file: settings.policy,
    ofConnection: (code) => folder.get(code)?.policy,
    nowMs: Date.now,
    log,
    onTaken: policyAudit(audit, log),
  });
  await using interpreter = new LineageProcess();
  const kept = { stateFolder, owner: `${gatewayUrl} ${identity.agentId}` };
  const lineageOf = lineageMeans(interpreter, (code) => policy.scriptsOf(code), kept, log);
  const machine = await nameMachine();
  const moved = whetherMoved(identity, machine, log);
  const startedAt = new Date().toISOString();
  let reload: SettingsReload | undefined;
  const staleOf = (code: string): Pick<ConnectionState, 'lineage'> => {
    const lineage = watch?.of(code);
    return lineage === undefined ? {} : { lineage };
  };
  let watch: LineageWatch | undefined;
  let tell = (): void => {};
  let operations: Operations | undefined;
  const status = (): AgentStatus => ({
    version: VERSION,
    hostname: hostname(),
    platform: `${process.platform}-${process.arch}`,
    startedAt,
    connectionsFolder,
    connections: folder.states().map((state) => ({
      ...state,
      problems: state.problems.map(leavingProblem),
      ...(state.code === null ? {} : { refuses: [...policy.refusals(state.code)], ...staleOf(state.code) }),
    })),
    ...faultsOf([...(moved === undefined ? [] : [moved]), ...policy.faults, ...(reload?.faults ?? [])]),
    ...policy.report,
    ...(machine === undefined ? {} : { machine: machine(identity.agentId) }),
    ...((reload?.now ?? loaded).settings.tls.bypassCertificateValidation ? { bypassCertificateValidation: true } : {}),
    ...(operations === undefined ? {} : levelStatus(operations.level.change)),
  });
  // What only the start reads stays as it was then.
  const settingsNow = (): SettingsNow => {
    const { settings: now, problems } = reload?.now ?? loaded;
    return { settings: { ...now, gatewayUrl, stateFolder }, problems };
  };
  try {
    await tellWritable([settings.file, connectionsFolder, stateFolder], log);
    await folder.start();
    for (const state of folder.states()) {
      const inForce = state.code === undefined || state.code === null ? undefined : folder.get(state.code);
      const way = inForce === undefined ? {} : { way: describeWay(inForce.proxy, inForce.origin) };
      log.info({ connection: state.code, state: state.state, ...way }, `connection file ${state.file}`);
      tellErrors(state, log);
    }
    operations = new Operations({
      settings: { ...settings, gatewayUrl },
      identity,
      logging,
      startedAt,
      settingsNow: () => settingsNow().settings,
      status,
      levelForbidden: () => policy.logLevelForbidden(),
      onLevel: (change) => {
        bridge.statusChanged();
        tellAudit(audit, change, log);
      },
    });
    await using looking = new LineageWatch({
      codes: () => folder.states().flatMap(({ code }) => (code === null ? [] : [code])),
      look: lineageLook(folder, policy, { dialer, log }, lineageOf, kept),
      forget: lineageForget(kept),
      onChange: () => tell(),
      everyMs: settings.watch.lineageMs,
      log,
    });
    watch = looking;
    const { hooks } = operations;
    using _guard = guardAgainstStalls({ exitCode: WATCHDOG });
    await using bridge = await startBridge({
      onStuck: () => process.exit(WATCHDOG),
      ...hooks,
      onStep: (event, effects) => {
        hooks.onStep?.(event, effects);
        looking.onStep(effects);
      },
      settings: { gatewayUrl, transport: settings.transport, tls: settings.tls, proxy: settings.proxy },
      identity,
      dialer,
      version: VERSION,
      spoolFolder: join(stateFolder, 'spool'),
      audit,
      policy,
      seenJobsFile: join(stateFolder, 'seen-jobs.json'),
      status,
      handlers: observedJobs(
        {
          crawl: looking.around(
            crawlJob(folder, dialer, log, operations.metrics, (code) => policy.allowsScripts(code), kept, lineageOf),
          ),
          inventory: inventoryJob(folder, dialer, log, operations.metrics),
          lineage: looking.around(lineageJob(folder, dialer, log, lineageOf, kept, operations.metrics)),
          preview: previewJob(folder, dialer, log, operations.metrics),
          test: testJob(folder, folderDoctor(folder, dialer, settingsNow), log),
        },
        operations.jobs,
      ),
      log,
    });
    reload = new SettingsReload({
      loaded,
      bridge,
      log,
      onPolicy: (now) => policy.take(now),
      onLevel: (level) => operations?.level.setBase(level),
      onSecrets: (now) => folder.useSecrets(openSecrets({ ...now, stateFolder }, dialer, { onTrouble })),
    });
    folder.onChange((changes) => {
      for (const { file, journal } of changes) {
        log.info({}, journal);
        const state = folder.states().find((one) => one.file === file);
        if (state !== undefined) tellErrors(state, log);
        if (state !== undefined && state.code !== null) looking.soon([state.code]);
      }
      bridge.statusChanged();
    });
    const way = describeWay(settings.proxy, gatewayUrl);
    log.info({ agent: identity.agentId, gateway: gatewayUrl, way, connections: connectionsFolder }, 'agent started');
    await operations.open(bridge);
    // What was found before there was somebody to tell.
    tell = () => bridge.statusChanged();
    tell();
    looking.soon();
    if (options.json) process.stdout.write(`${JSON.stringify({ ready: true, agent: identity.agentId })}\n`);
    await stopped;
    stopping.use(
      endWithin(TIMES.agentDrainMs, () => {
        log.error(
          {},
          `the agent did not stop within ${TIMES.agentDrainMs} ms: something holds it, most likely its disk`,
        );
        process.exit(WATCHDOG);
      }),
    );
    log.info({}, 'agent stopping');
  } finally {
    await operations?.[Symbol.asyncDispose]();
    await reload?.close();
    await folder.close();
    await logOut(dialer, log);
  }
};
