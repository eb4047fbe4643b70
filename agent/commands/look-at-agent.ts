import { access, constants } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { lockHolder } from '#agent/bridge/state-lock.ts';
import type { AgentFacts } from '#agent/operations/facts.ts';
import type { Findings } from '#agent/operations/findings.ts';
import { askFacts } from '#agent/operations/health-client.ts';
import { notedHealth } from '#agent/operations/health-file.ts';
import { STANDARD_PORTS } from '#agent/operations/health-server.ts';
import { recentIn } from '#agent/operations/log-tail.ts';
import { spoolInventory } from '#agent/operations/spool-inventory.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { findStateFolder, loadSettings } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';

/** Why this user cannot look into a folder; undefined when he can, or when it is not there. */
const whyUnreadable = async (folder: string): Promise<string | undefined> => {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') return undefined;
    return `this user may not look into it (${code}); run this as the user of the agent`;
  }
};

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
};

/** Asks the ports in turn for the agent that works in the state folder. */
const askPorts = async (ports: readonly number[], stateFolder: string): Promise<AgentFacts | undefined> => {
  for (const port of ports) {
    const facts = await askFacts(port).catch(() => undefined);
    if (facts !== undefined && resolve(dirname(facts.spool.folder)) === resolve(stateFolder)) return facts;
  }
  return undefined;
};

/**
 * Looks at the agent of a settings file from outside: asks it, and where it does not answer, reads what it left. Writes
 * nothing, and needs no more than to read the settings.
 *
 * @throws Fault `config.unreadable` when the settings cannot be read
 */
export const lookAtAgent = async (config: string): Promise<Findings> => {
  const stateFolder = findStateFolder(config);
  if (stateFolder === undefined)
    throw new Fault('config.unreadable', `${config} cannot be read`, {
      advice: 'Name the settings of the agent with --config.',
    });
  const { settings, problems } = loadSettings(config);
  const firstError = problems.find(({ severity }) => severity === 'error');
  const stateTrouble = (await whyUnreadable(stateFolder)) ?? null;
  const lockedBy = lockHolder(stateFolder) ?? null;
  const noted = notedHealth(stateFolder);
  const named = settings?.healthPort;
  const ports = noted !== undefined ? [noted.port] : named === undefined ? STANDARD_PORTS : named === 0 ? [] : [named];
  // A note without a process that holds the lock is what an agent left that was killed.
  const mayRun = lockedBy !== null || stateTrouble !== null;
  const agent = (mayRun ? await askPorts(ports, stateFolder) : undefined) ?? null;
  const silent =
    agent !== null || !mayRun
      ? null
      : named === 0
        ? 'It is not asked, as health.port is 0 in its settings.'
        : `Nothing of it answers on 127.0.0.1, port ${ports.length === 1 ? ports[0] : `${ports[0]} to ${ports.at(-1)}`}.`;
  const logFile = settings?.log.file ?? join(stateFolder, 'logs', 'agent.log');
  return {
    stateFolder,
    stateTrouble,
    lockedBy,
    agent,
    silent,
    enrolled: stateTrouble === null ? await exists(join(stateFolder, 'identity.json')) : null,
    spooled: agent === null ? await spoolInventory(join(stateFolder, 'spool')).catch(() => []) : [],
    lastWords: agent === null ? await recentIn(logFile) : [],
    settingsTrouble: firstError === undefined ? null : `${problemPlace(firstError)}: ${firstError.message}`,
  };
};
