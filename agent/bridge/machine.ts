import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The name of the machine for one agent: a hash, so that two agents of one machine cannot be told to be so. */
export type MachineName = (agentId: string) => string;

interface Surroundings {
  readonly platform: string;
  readonly systemRoot?: string | undefined;
  readonly read: (path: string) => Promise<string>;
  readonly run: (file: string, args: readonly string[]) => Promise<string>;
}

const RUN_MS = 5_000;

const here: Surroundings = {
  platform: process.platform,
  systemRoot: process.env['SystemRoot'],
  read: (path) => readFile(path, 'utf8'),
  run: async (file, args) =>
    (await promisify(execFile)(file, args, { timeout: RUN_MS, windowsHide: true, maxBuffer: 1024 * 1024 })).stdout,
};

const idOf = async ({ platform, systemRoot, read, run }: Surroundings): Promise<string | undefined> => {
  if (platform === 'win32') {
    const program = `${systemRoot ?? 'C:\\Windows'}\\System32\\reg.exe`;
    const text = await run(program, ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid']);
    return /MachineGuid\s+REG_SZ\s+([0-9a-f-]{8,64})/i.exec(text)?.[1];
  }
  if (platform === 'darwin') {
    const text = await run('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']);
    return /"IOPlatformUUID"\s*=\s*"([0-9a-f-]{8,64})"/i.exec(text)?.[1];
  }
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    // A container often has none, and a new system says `uninitialized` until its first start is done.
    const found = /^[0-9a-f]{32}$/i.exec((await read(path).catch(() => '')).trim())?.[0];
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * Names this machine by the id that its system made at its installation: `/etc/machine-id`, MachineGuid, or the UUID of
 * the platform. Undefined where there is none, or it cannot be read: then nothing is bound to it.
 */
export const nameMachine = async (surroundings: Surroundings = here): Promise<MachineName | undefined> => {
  const id = await idOf(surroundings).catch(() => undefined);
  return id === undefined
    ? undefined
    : (agentId) =>
        createHash('sha256').update(`culvert machine|${id.toLowerCase()}|${agentId}`).digest('hex').slice(0, 32);
};
