import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import type { LookUp } from '#agent/lineage/process/messages.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import type { ScriptLineage } from '#agent/lineage/result.ts';
import { lineageJson } from '#agent/lineage/result-json.ts';
import { decodeText } from '#agent/lineage/text/decode.ts';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';
import { FAILED, USAGE } from './exit-codes.ts';
import { lineageScreen } from './lineage-screen.ts';
import { LocalIncludes } from './local-includes.ts';

export interface LineageOptions {
  readonly json?: boolean;
  /** Folder of included scripts; default: that of the script. */
  readonly includes?: string;
  /** Of bytes that are no Unicode. */
  readonly encoding?: string;
}

/** As much as the agent reads of one script. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * Says where the data of a load script comes from: as a tree for people, or as one JSON object.
 *
 * @throws Fault for a file that cannot be read
 */
export const lineage = async (target: string | undefined, options: LineageOptions): Promise<void> => {
  if (target === undefined) {
    process.exitCode = USAGE;
    throw new Fault('config.missing_key', 'There is no script to look at', {
      advice: 'Name the file of a load script.',
    });
  }
  const decode = decoder(options.encoding);
  const text = decode(await readScript(target));
  const includes = new LocalIncludes(resolve(options.includes ?? dirname(target)), decode);
  await using interpreter = new LineageProcess();
  const found = await interpreted(interpreter, text, includes);
  if (options.json === true) process.stdout.write(`${JSON.stringify(lineageJson(found))}\n`);
  else process.stdout.write(lineageScreen(target, found));
};

/** What becomes of a script that nobody expected is told like all else that is wrong with one, and by the exit code. */
const interpreted = async (
  interpreter: LineageProcess,
  text: string,
  includes: LocalIncludes,
): Promise<ScriptLineage> => {
  const lookUp: LookUp = async (asked) => {
    switch (asked.type) {
      case 'include':
        return { type: 'include', text: await includes.read(asked.path) };
      case 'columns':
        return { type: 'columns', columns: undefined };
      case 'files':
        return { type: 'files', files: undefined };
      case 'connection':
        return { type: 'connection', facts: undefined };
      default:
        return asked satisfies never;
    }
  };
  try {
    return (await interpreter.script({ text }, lookUp)).lineage;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.exitCode = FAILED;
    return noLineage(error.code, error.message);
  }
};

const decoder = (encoding: string | undefined): ((bytes: Uint8Array) => string) => {
  try {
    new TextDecoder(encoding);
  } catch (cause) {
    process.exitCode = USAGE;
    throw new Fault('config.invalid', `There is no encoding ${encoding}`, {
      cause,
      advice: 'Name one such as windows-1251, windows-1252 or utf-16le.',
    });
  }
  return (bytes) => decodeText(bytes, encoding);
};

const readScript = async (path: string): Promise<Uint8Array> => {
  const unreadable = (why: string, cause?: unknown): Fault =>
    new Fault('config.unreadable', `${path} cannot be read: ${why}`, {
      cause,
      advice: 'Name the file of a load script (.qvs, .txt).',
    });
  try {
    const { size } = await stat(path);
    if (size > MOST_BYTES) throw unreadable('it is larger than 32 MiB');
    return await readFile(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw unreadable(errnoOf(error) === 'ENOENT' ? 'there is no such file' : errnoOf(error), error);
  }
};
