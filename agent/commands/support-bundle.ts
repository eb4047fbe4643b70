import { open, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { leaveNote } from '#agent/audit/audit-log.ts';
import { AUDIT_FOLDER } from '#agent/audit/files.ts';
import { archive } from '#agent/operations/bundle/archive.ts';
import { type Bundle, collect } from '#agent/operations/bundle/collect.ts';
import { sized } from '#agent/operations/status-screen.ts';
import { hanging } from '#config/connection/problem.ts';
import { findStateFolder } from '#config/settings.ts';
import { whyNotToWrite } from '#config/state-folder.ts';
import { Fault } from '#protocol/errors.ts';
import { printable } from '#protocol/printable.ts';
import { bundleCollectors } from './bundle-collectors.ts';

export interface SupportBundleOptions {
  readonly config: string;
  readonly out?: string;
  /** False with `--no-doctor`. */
  readonly doctor: boolean;
}

const WIDTH = 80;
const MOST_LEFT_OUT = 10;

const standardName = (now: Date): string => {
  const host = hostname()
    .replaceAll(/[^\w.-]/g, '-')
    .slice(0, 60);
  return `culvert-support-${host}-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`;
};

/** Never over another file, and never readable for others, not even for a moment. */
const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    await file.close();
  } catch (cause) {
    throw new Fault('config.unreadable', `${path} cannot be written: ${(cause as Error).message}`, {
      cause,
      advice: 'Name a file that is not there yet, in a folder that this user may write, with --out.',
    });
  }
};

const report = (path: string, bytes: number, { files, results }: Bundle): string => {
  const failed = results.filter(({ ok }) => !ok);
  const leftOut = results.flatMap((result) => result.leftOut);
  const list = (head: string, texts: readonly string[]): readonly string[] =>
    texts.length === 0
      ? []
      : [
          '',
          head,
          ...texts.slice(0, MOST_LEFT_OUT).map((text) => hanging('  - ', printable(text), WIDTH)),
          ...(texts.length > MOST_LEFT_OUT ? [`  - and ${texts.length - MOST_LEFT_OUT} more (task-result.json)`] : []),
        ];
  return `${[
    hanging('Written: ', `${path} (${sized(bytes)}; only its owner may read it)`, WIDTH),
    '',
    'In it:',
    ...files.map(({ name, text }) => `  ${printable(name).padEnd(44)} ${sized(Buffer.byteLength(text)).padStart(10)}`),
    ...list('Left out:', leftOut),
    ...list(
      'Failed:',
      failed.map(({ collector, error }) => `${collector}: ${error}`),
    ),
    '',
    'No key, password or token is in it, and nothing that was crawled; names of',
    'hosts, users and files are. Look at it before you pass it on. Nothing was sent',
    'anywhere.',
  ].join('\n')}\n`;
};

/**
 * Gathers what somebody needs who is to help with this agent, without secrets, into one file.
 * @throws Fault `config.unreadable` when the settings cannot be read, or the file cannot be written
 */
export const supportBundle = async ({ config, out, doctor }: SupportBundleOptions): Promise<void> => {
  const stateFolder = findStateFolder(config);
  if (stateFolder === undefined)
    throw new Fault('config.unreadable', `${config} cannot be read`, {
      advice: 'Name the settings of the agent with --config.',
    });
  const name = standardName(new Date());
  const path = resolve(out ?? `${name}.zip`);
  const say = (what: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`);
  };
  const bundle = await collect(bundleCollectors(config, doctor), (collector) => say(`${collector} …`));
  say('');
  const bytes = archive(name, bundle.files);
  await write(path, bytes);
  process.stdout.write(report(path, bytes.length, bundle));
  if (whyNotToWrite(stateFolder) === undefined)
    await leaveNote(join(stateFolder, AUDIT_FOLDER), { event: 'supportBundle', file: path, bytes: bytes.length }).catch(
      (error: unknown) => process.stderr.write(`The audit log could not be told: ${String(error)}\n`),
    );
};
