import { hostname } from 'node:os';
import { join } from 'node:path';
import { startBridge } from '#agent/bridge/bridge.ts';
import { loadIdentity } from '#agent/bridge/identity.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { ConnectionFolder } from '#config/folder.ts';
import { Fault } from '#protocol/errors.ts';
import type { AgentStatus } from '#protocol/status.ts';
import { crawlJob } from './crawl-job.ts';
import { createLog } from './log.ts';
import { readSettings } from './settings.ts';
import { untilStopped } from './stop.ts';
import { VERSION } from './version.ts';

export interface RunOptions {
  readonly config: string;
  readonly json?: boolean;
}

export const run = async (options: RunOptions): Promise<void> => {
  const settings = readSettings(options.config);
  const { gatewayUrl, stateFolder, connectionsFolder } = settings;
  if (gatewayUrl === undefined) {
    throw new Fault('config.missing_key', `${options.config} does not say where the catalog is`, {
      advice: 'Add gateway.url = "wss://catalog.example.com"; without a catalog use culvert crawl --out.',
    });
  }
  const log = createLog(settings.log);
  const stopped = untilStopped();
  const identity = await loadIdentity(stateFolder);
  const dialer = new Dialer();
  const folder = new ConnectionFolder({
    folder: connectionsFolder,
    stateFolder,
    polling: settings.watch.polling,
    intervalMs: settings.watch.intervalMs,
    onTrouble: (message) => log.warn({}, message),
  });
  const startedAt = new Date().toISOString();
  const status = (): AgentStatus => ({
    version: VERSION,
    hostname: hostname(),
    platform: `${process.platform}-${process.arch}`,
    startedAt,
    connectionsFolder,
    connections: folder.states(),
  });
  try {
    await folder.start();
    for (const { file, code, state, problems } of folder.states()) {
      log.info({ file, connection: code, state, problems: problems.length }, 'connection file');
    }
    await using bridge = await startBridge({
      settings: { gatewayUrl, tls: settings.tls },
      identity,
      dialer,
      version: VERSION,
      spoolFolder: join(stateFolder, 'spool'),
      status,
      handlers: { crawl: crawlJob(folder, dialer, log) },
      log,
    });
    folder.onChange((changes) => {
      for (const { journal } of changes) log.info({}, journal);
      bridge.statusChanged();
    });
    log.info({ agent: identity.agentId, gateway: gatewayUrl, connections: connectionsFolder }, 'agent started');
    if (options.json) process.stdout.write(`${JSON.stringify({ ready: true, agent: identity.agentId })}\n`);
    await stopped;
    log.info({}, 'agent stopping');
  } finally {
    await folder.close();
  }
};
