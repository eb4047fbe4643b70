import { existsSync } from 'node:fs';
import { agentRunsIn } from '#agent/bridge/state-lock.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import { keepSessions, logOut } from '#agent/qlik/site.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { noSecrets, type Secrets } from '#config/secrets/secrets.ts';
import type { Settings } from '#config/settings.ts';
import { whyNotToWrite } from '#config/state-folder.ts';
import { openSecrets } from './secrets.ts';
import { SessionFiles } from './session-files.ts';

/** Lets the sessions that this dialer opens outlive the process in the state folder. */
export const keepSessionsIn = (stateFolder: string, dialer: Dialer, log: Log): void =>
  keepSessions(dialer, new SessionFiles(stateFolder, new KeyFile(stateFolder), log));

/**
 * For commands that speak to sites without being the agent. With settings they use its sessions, so that each does not
 * take another of the five that a user may have: as many processes as like may use one at the same time. At the end they
 * log out as the agent does, unless it runs: then its sessions would end as well.
 */
export class VisitorSessions implements AsyncDisposable {
  /** Secrets of connection files, whose hashes are those of the agent: a session is bound to them. */
  readonly secrets: Secrets;
  readonly #settings: Settings | undefined;
  readonly #dialer: Dialer;
  readonly #log: Log;

  constructor(settings: Settings | undefined, dialer: Dialer, log: Log) {
    this.#settings = settings;
    this.#dialer = dialer;
    this.#log = log;
    // A folder that is not there yet is made by the agent, as the user that it runs as, and not by whoever looks in.
    const whyNot = settings === undefined ? undefined : whyNotToWrite(settings.stateFolder);
    if (whyNot !== undefined) process.stderr.write(`No sessions are kept in the state folder: ${whyNot}.\n`);
    const lasting = settings !== undefined && whyNot === undefined && existsSync(settings.stateFolder);
    const onTrouble = (message: string): void => log.debug({}, message);
    this.secrets =
      settings === undefined ? noSecrets : openSecrets(settings, dialer, lasting ? { onTrouble } : undefined);
    if (lasting) keepSessionsIn(settings.stateFolder, dialer, log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#settings !== undefined && agentRunsIn(this.#settings.stateFolder)) return;
    await logOut(this.#dialer, this.#log);
  }
}
