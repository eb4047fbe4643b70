import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { AuditLog } from '#agent/audit/audit-log.ts';
import { AUDIT_FOLDER } from '#agent/audit/files.ts';
import { loadIdentity } from '#agent/bridge/identity.ts';
import { IDENTITY_FILE, readIdentity, storeIdentity } from '#agent/bridge/identity-file.ts';
import { nameMachine } from '#agent/bridge/machine.ts';
import { lockStateFolder } from '#agent/bridge/state-lock.ts';
import { wrap } from '#config/connection/problem.ts';
import { errnoOf, patiently } from '#config/durable-file.ts';
import type { Settings } from '#config/settings.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { called } from './called.ts';
import { USAGE } from './exit-codes.ts';
import { checkOwnFolder } from './own-folder.ts';
import { readSettings } from './settings.ts';

export interface ResetIdentityOptions {
  readonly config: string;
  /** Do it without asking. */
  readonly yes?: boolean;
  /** Keep everything, and bind it to this machine. */
  readonly sameAgent?: boolean;
}

/** Everything in the state folder that belongs to this identity, the identity first: without it the rest is harmless. */
const BOUND: readonly (readonly [name: string, what: string])[] = [
  [IDENTITY_FILE, 'the key of this agent'],
  ['spool', 'what was crawled and not delivered yet'],
  ['sessions', 'sessions at Qlik sites'],
  ['seen-jobs.json', 'which jobs were taken'],
  ['connections.json', 'which connection files were there'],
  ['checkpoints', 'what is known of earlier crawls'],
];

const say = (text: string): void => {
  process.stdout.write(`${wrap(printable(text.trimStart()), 80, text.startsWith(' ') ? '  ' : '')}\n`);
};

const refuseToGuess = (message: string): Fault => {
  process.exitCode = USAGE;
  return new Fault('config.missing_key', message, { advice: 'Add --yes to do it without being asked.' });
};

const confirmed = async (): Promise<boolean> => {
  if (!process.stdin.isTTY) throw refuseToGuess('Nobody is there to confirm that the identity is to be removed');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await lines.question('Type yes to remove it: ')).trim().toLowerCase() === 'yes';
  } finally {
    lines.close();
  }
};

/** What of the identity lies in the folder. @throws Fault `spool.failed` */
const found = async (stateFolder: string): Promise<typeof BOUND> => {
  try {
    const names = new Set(await readdir(stateFolder));
    return BOUND.filter(([name]) => names.has(name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw new Fault('spool.failed', `${stateFolder} cannot be read (${errnoOf(error)})`, { cause: error });
  }
};

/**
 * Removes the identity of this machine and everything that is bound to it, for images that others are made from and for
 * copies; with `sameAgent` binds the identity to this machine instead, as after a machine was replaced or restored.
 *
 * @throws Fault `bridge.already_running` while an agent runs, `bridge.foreign_state` as root in another user's folder
 */
export const resetIdentity = async (options: ResetIdentityOptions): Promise<void> => {
  const settings = readSettings(options.config);
  const { stateFolder } = settings;
  checkOwnFolder(stateFolder);
  const bound = await found(stateFolder);
  if (bound.length === 0) {
    say(`There is no identity in ${stateFolder}: nothing had to be done.`);
    return;
  }
  using _lock = await lockStateFolder(stateFolder);
  if (options.sameAgent === true) return await bindHere(settings);
  const agentId = (await readIdentity(stateFolder).catch(() => undefined))?.agentId;
  say(`In ${stateFolder}${agentId === undefined ? '' : ` (agent ${agentId})`} this is removed for good:`);
  for (const [name, what] of bound) say(`  ${name}: ${what}`);
  say('Settings, connection files, secrets.key, logs and the audit log stay.');
  if (options.yes !== true && !(await confirmed())) {
    say('Nothing was removed.');
    process.exitCode = USAGE;
    return;
  }
  await tellAudit(stateFolder, agentId ?? null);
  for (const [name] of bound)
    await patiently(() => rm(join(stateFolder, name), { recursive: true, force: true })).catch((error: unknown) => {
      throw new Fault('spool.failed', `${join(stateFolder, name)} cannot be removed (${errnoOf(error)})`, {
        cause: error,
      });
    });
  say('Removed.');
  if (agentId !== undefined)
    say(
      `The catalog still knows agent ${agentId}: revoke it there under Agents, unless another machine goes on with it.`,
    );
  say('To use this machine as an agent, make a token in the catalog under Agents, then:');
  say(`  ${called()} enroll --config ${options.config}`);
};

/** Before it is done, as a process may end in between. A disk that takes nothing is no reason to keep a key. */
const tellAudit = async (stateFolder: string, agent: string | null): Promise<void> => {
  try {
    await using audit = await AuditLog.open(join(stateFolder, AUDIT_FOLDER));
    await audit.append([{ event: 'identityReset', agent }]);
  } catch (error) {
    process.stderr.write(`${printable(asFault(error).message)}\n`);
  }
};

const bindHere = async ({ stateFolder }: Settings): Promise<void> => {
  // Whether it can be used at all is said before it is bound.
  const { agentId } = await loadIdentity(stateFolder);
  const { machine: _, ...stored } = await readIdentity(stateFolder);
  const machine = (await nameMachine())?.(agentId);
  await storeIdentity(stateFolder, { ...stored, ...(machine === undefined ? {} : { machine }) });
  say(`Agent ${agentId} belongs to this machine from now on. Do not start the one that it was copied from.`);
};
