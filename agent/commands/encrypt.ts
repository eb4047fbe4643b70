import { existsSync } from 'node:fs';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { seal } from '#config/secrets/sealed.ts';
import { findStateFolder } from '#config/settings.ts';
import { Fault } from '#protocol/errors.ts';
import { connectionCode } from '#protocol/keys.ts';
import { asUsage } from './exit-codes.ts';
import { askHidden } from './hidden-prompt.ts';

export interface EncryptOptions {
  readonly config: string;
  /** Code of the only connection that shall open it. */
  readonly for?: string;
}

/** Longer than any password or key; what is encrypted must fit into a connection file. */
const MAX_BYTES = 64 * 1024;

const wrong = (message: string, advice: string): Fault => new Fault('config.invalid', message, { advice });

/** All of standard input, without one line end at its end, as `echo` and PowerShell put it there. */
const fromPipe = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.byteLength;
    if (bytes > MAX_BYTES)
      throw wrong('The value is larger than 64 KiB', 'Keep it in a file of its own: key = "file:name".');
    chunks.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  } catch {
    throw wrong('The value is not UTF-8', 'Type it at the prompt, or give it as UTF-8.');
  }
};

const fromPerson = async (): Promise<string> => {
  const terminal = { input: process.stdin, output: process.stderr };
  const value = await askHidden(terminal, 'Value to encrypt (it is not shown): ');
  if (value !== (await askHidden(terminal, 'The same again: ')))
    throw wrong('The two entries differ', 'Run it again, or give the value on standard input.');
  return value;
};

/**
 * Prints `encrypted:v1:…` for a value from standard input or a prompt; never from the arguments, which every user of the
 * machine can see. Makes the agent's key when there is none.
 *
 * @throws Fault `config.unreadable` without settings, `config.invalid` for a value that cannot be meant,
 * `secrets.undecryptable` when the key cannot be used
 */
export const encrypt = async ({ config, for: code }: EncryptOptions): Promise<void> => {
  if (code?.trim() === '')
    throw wrong('--for names no connection', 'Give the code of the connection: --for qlik-prod.');
  const state = existsSync(config) ? findStateFolder(config) : undefined;
  if (state === undefined)
    throw new Fault('config.unreadable', `${config} cannot be read, and it says where the key of the agent is`, {
      advice: 'Name the settings of the agent with --config.',
    });
  const keys = new KeyFile(state);
  const stored = keys.obtain();
  if (stored.type !== 'key')
    throw new Fault('secrets.undecryptable', `The key ${keys.name} cannot be used: ${stored.reason}`, {
      advice: 'Run it as the user of the agent. Nobody else may read the key.',
    });
  const value = process.stdin.isTTY ? await fromPerson() : await fromPipe();
  if (value === '')
    asUsage(() => {
      throw wrong('There is no value', 'Give it on standard input, or type it at the prompt.');
    });
  process.stdout.write(
    `${seal(new Secret(value), stored.key, code === undefined ? undefined : connectionCode(code.trim()))}\n`,
  );
  if (process.stdout.isTTY)
    process.stderr.write('\nWrite it in double quotes where the secret belongs: password = "encrypted:v1:…"\n');
};
