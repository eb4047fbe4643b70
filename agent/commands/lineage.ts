import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AdministratorsMapping } from '#agent/lineage/mapping/mapping.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import type { LookUp, ScriptQuestion } from '#agent/lineage/process/messages.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import type { ScriptLineage } from '#agent/lineage/result.ts';
import { lineageJson } from '#agent/lineage/result-json.ts';
import { decodeText, unreadIn } from '#agent/lineage/text/decode.ts';
import { readFromDisk } from '#config/files.ts';
import { parseLineageMapping } from '#config/lineage-mapping/read-mapping.ts';
import { Fault } from '#protocol/errors.ts';
import { FAILED, USAGE } from './exit-codes.ts';
import { expressionsIn } from './expressions.ts';
import { lineageOfApp } from './lineage-of-app.ts';
import { lineageScreen } from './lineage-screen.ts';
import { LocalIncludes } from './local-includes.ts';
import { readPlainFile } from './read-plain-file.ts';

export interface LineageOptions {
  readonly json?: boolean;
  /** File of expressions, instead of a script. */
  readonly expressions?: string;
  /** Folder of included scripts; default: that of the script. */
  readonly includes?: string;
  /** Mapping file of an administrator. */
  readonly mapping?: string;
  /** Of bytes that are no Unicode. */
  readonly encoding?: string;
  /** Connection file of the site that the app is of; without it the target is a file. */
  readonly connection?: string;
  /** Settings of the agent, for secrets. */
  readonly config?: string;
}

/** As much as the agent reads of one script. */
const MOST_MIB = 32;
const A_SCRIPT = 'Name the file of a load script (.qvs, .txt).';

/**
 * Says where the data of a load script comes from: as a tree for people, or as one JSON object. Of expressions, which
 * fields they use.
 *
 * @throws Fault for a file that cannot be read
 */
export const lineage = async (target: string | undefined, options: LineageOptions): Promise<void> => {
  const decode = decoder(options.encoding);
  if (options.expressions !== undefined) {
    if (target !== undefined) process.stderr.write(`${target} is not looked at: --expressions stands for it\n`);
    const text = decode(await bytesOf(options.expressions, 'Name a JSON file of expressions.'), options.expressions);
    process.stdout.write(`${JSON.stringify(expressionsIn(options.expressions, text))}\n`);
    return;
  }
  if (target === undefined) {
    process.exitCode = USAGE;
    throw new Fault('config.missing_key', 'There is no script to look at', { advice: A_SCRIPT });
  }
  if (options.connection !== undefined) {
    await using ofApp = new LineageProcess();
    const { name, lineage: made } = await lineageOfApp(target, options.connection, options.config, ofApp);
    process.stdout.write(options.json === true ? `${JSON.stringify(lineageJson(made))}\n` : lineageScreen(name, made));
    return;
  }
  const text = decode(await bytesOf(target, A_SCRIPT), target);
  if (isNoText(text)) throw new Fault('config.invalid', `${target} is no text`, { advice: A_SCRIPT });
  if (options.includes !== undefined) await aFolder(options.includes);
  const includes = new LocalIncludes(resolve(options.includes ?? dirname(target)), decode);
  const variables = options.mapping === undefined ? undefined : await mappedVariables(options.mapping, target);
  await using interpreter = new LineageProcess();
  const found = await interpreted(interpreter, { text, variables }, includes);
  if (options.json === true) process.stdout.write(`${JSON.stringify(lineageJson(found))}\n`);
  else process.stdout.write(lineageScreen(target, found));
};

/** What becomes of a script that nobody expected is told like all else that is wrong with one, and by the exit code. */
const interpreted = async (
  interpreter: LineageProcess,
  question: ScriptQuestion,
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
    return withReasons((await interpreter.script(question, lookUp)).lineage, includes);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.exitCode = FAILED;
    return noLineage(error.code, error.message);
  }
};

/** With the reasons why included scripts that are there were not read. */
const withReasons = (made: ScriptLineage, includes: LocalIncludes): ScriptLineage => {
  const refused = made.wanted.flatMap(({ type, name }) => {
    const why = type === 'include' ? includes.whyNot(name) : undefined;
    return why === undefined ? [] : [{ name, why }];
  });
  const diagnostics = made.diagnostics.map((one) => {
    const found =
      one.code === 'lineage.include-missing' && refused.find(({ name }) => one.message.includes(` ${name} `));
    if (!found) return one;
    const message = `the included script ${found.name} cannot be read: ${found.why}`;
    return { ...one, severity: 'warning' as const, code: 'lineage.include-unreadable', message };
  });
  return { ...made, diagnostics };
};

/** Values of variables that a mapping file gives to all apps, and to one that is called as the script is. */
const mappedVariables = async (path: string, target: string): Promise<ScriptQuestion['variables']> => {
  const bytes = await bytesOf(path, 'Name a mapping file, as crawl.lineage_mapping of a connection does.');
  const where = { folder: dirname(resolve(path)), env: process.env, read: readFromDisk };
  const mapping = parseLineageMapping(bytes, basename(path), where, ({ line }, message, advice) => {
    throw new Fault('config.invalid', `${path}, line ${line}: ${message}`, { advice });
  });
  const name = basename(target).replace(/\.\w+$/, '');
  return mapping && new AdministratorsMapping(mapping).variables({ id: name, name });
};

/** Says of each file how much of it was not in the encoding that it was read in. */
const decoder = (encoding: string | undefined): ((bytes: Uint8Array, file: string) => string) => {
  try {
    new TextDecoder(encoding);
  } catch (cause) {
    process.exitCode = USAGE;
    throw new Fault('config.invalid', `There is no encoding ${encoding}`, {
      cause,
      advice: 'Name one such as windows-1251, windows-1252 or utf-16le.',
    });
  }
  return (bytes, file) => {
    const { places, encoding: read } = unreadIn(bytes, encoding);
    const advice = encoding === undefined ? '--encoding names another' : 'another --encoding, or none, may fit';
    if (places > 0)
      process.stderr.write(`${file}: in ${places} ${places === 1 ? 'place' : 'places'} it is no ${read}; ${advice}\n`);
    return decodeText(bytes, encoding);
  };
};

/** Programs and archives are full of zeros; a text that was damaged has a few. */
const isNoText = (text: string): boolean => (text.split('\0').length - 1) * 500 > text.length;

const aFolder = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  process.exitCode = USAGE;
  throw new Fault('config.invalid', `${path} is no folder`, { advice: 'Name the folder of the included scripts.' });
};

const bytesOf = async (path: string, advice: string): Promise<Buffer> => {
  const read = await readPlainFile(path, MOST_MIB);
  if (typeof read === 'string') throw new Fault('config.unreadable', `${path} cannot be read: ${read}`, { advice });
  return read;
};
