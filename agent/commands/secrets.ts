import { existsSync } from 'node:fs';
import type { Dialer } from '#agent/network/dialer.ts';
import { nameOf, type RemoteSettings } from '#agent/secrets/name.ts';
import type { FileBounds } from '#config/file-bounds.ts';
import { FileSecretManager } from '#config/secrets/file-manager.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import type { SecretManager } from '#config/secrets/manager.ts';
import { digestKeyOf, noSecrets, processDigestKey, type Secrets } from '#config/secrets/secrets.ts';
import type { Settings } from '#config/settings.ts';
import { readSettings } from './settings.ts';

const openManager = ({ secretManager }: Settings, dialer: Dialer): SecretManager | undefined => {
  if (secretManager === undefined) return undefined;
  return secretManager.provider === 'file'
    ? new FileSecretManager(secretManager.path)
    : openRemotely(secretManager, dialer);
};

/** What reaches the network is loaded when the first secret is read: most agents need none of it. */
const openRemotely = (settings: RemoteSettings, dialer: Dialer): SecretManager => {
  let opened: Promise<SecretManager> | undefined;
  const open = async (): Promise<SecretManager> =>
    (await import('#agent/secrets/open.ts')).openSecretManager(settings, dialer);
  return {
    name: nameOf(settings),
    read: async (key, options) => {
      opened ??= open();
      return await (await opened).read(key, options);
    },
  };
};

/** Who may write a connection file shall not have what the agent keeps for itself. */
const boundsOf = ({ file, stateFolder, secretManager, secretFolders }: Settings): FileBounds => {
  const own = [file, stateFolder];
  if (secretManager?.provider === 'file') own.push(secretManager.path);
  if (secretManager?.provider === 'vault' && secretManager.login.method === 'token-file')
    own.push(secretManager.login.path);
  return { own, folders: secretFolders };
};

const FILE_LIFETIME_MS = 60_000;

/**
 * Where the secrets of connections are, as `agent.conf` says. `lasting`: content hashes stay the same after a restart;
 * for that the agent's key is made when there is none. `onTrouble` is told when that is impossible.
 */
export const openSecrets = (
  settings: Settings,
  dialer: Dialer,
  lasting: { readonly onTrouble: (message: string) => void } | undefined,
): Secrets => {
  const keys = new KeyFile(settings.stateFolder);
  const manager = openManager(settings, dialer);
  const stored = lasting === undefined ? undefined : digestKeyOf(keys);
  if (stored?.type === 'unusable' || stored?.type === 'missing')
    lasting?.onTrouble(`the key ${keys.name} cannot be used: ${stored.reason}`);
  const { secretManager } = settings;
  return {
    manager,
    standardKey: secretManager?.key,
    cacheMs:
      secretManager === undefined || secretManager.provider === 'file' ? FILE_LIFETIME_MS : secretManager.cacheMs,
    keys,
    bounds: boundsOf(settings),
    digestKey: stored?.type === 'key' ? stored.key : processDigestKey,
  };
};

/** The settings that commands take when they are there and none are named. */
export const STANDARD_CONFIG = 'agent.conf';

/**
 * Settings for commands that work without an agent: those that were named, else those of `agent.conf` when there is one.
 *
 * @throws Fault `config.unreadable` or `config.invalid` when the settings cannot be used
 */
export const settingsFor = (config: string | undefined): Settings | undefined =>
  config === undefined && !existsSync(STANDARD_CONFIG) ? undefined : readSettings(config ?? STANDARD_CONFIG);

/**
 * Secrets of {@link settingsFor}; without settings none stand outside the files. Without them is also how a file is
 * looked at beside an `agent.conf` that cannot be used and that nobody named, which is said on standard error.
 *
 * @throws Fault `config.unreadable` or `config.invalid` when the settings that were named cannot be used
 */
export const secretsFor = (config: string | undefined, dialer: Dialer): Secrets => {
  try {
    const settings = settingsFor(config);
    return settings === undefined ? noSecrets : openSecrets(settings, dialer, undefined);
  } catch (error) {
    if (config !== undefined) throw error;
    process.stderr.write(`${STANDARD_CONFIG} cannot be used: secrets outside the files are not looked for.\n`);
    return noSecrets;
  }
};
