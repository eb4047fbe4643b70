import { basename, resolve } from 'node:path';
import { type ErrorCode, errorInfo } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';
import { explain } from '../connection/explain.ts';
import { checkFields } from '../connection/mistakes.ts';
import { Problems, problemPlace } from '../connection/problem.ts';
import { type FileContent, readFromDiskAsync } from '../files.ts';
import { HoconError } from '../hocon/error.ts';
import { parseHocon } from '../hocon/hocon.ts';
import { Secret } from '../secret.ts';
import type { ObjectTree, Tree } from '../tree.ts';
import type { SecretLookup, SecretManager, SecretNotice } from './manager.ts';
import { namesOf } from './names.ts';

/**
 * The secrets of a HOCON file, one object for each: `qlik-prod { user = "CORP\\\\svc", password = "…" }`, the format of
 * Zeenea's provider `file`. Read again at every look, so that there is nothing to be out of date.
 */
export class FileSecretManager implements SecretManager {
  readonly name: string;
  readonly files: readonly string[];
  readonly #path: string;
  readonly #read: (path: string, signal?: AbortSignal) => Promise<FileContent>;
  #last: { readonly bytes: Buffer; readonly parsed: Parsed } | undefined;

  constructor(path: string, read = readFromDiskAsync) {
    this.#path = resolve(path);
    this.#read = read;
    this.name = `the file ${this.#path}`;
    this.files = [this.#path];
  }

  async read(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<SecretLookup> {
    const content = await this.#read(this.#path, options.signal);
    options.signal?.throwIfAborted();
    if (content.type !== 'file')
      return failed(
        'secrets.unreachable',
        `The file of the secret manager, ${this.#path}, cannot be read: ${content.reason}.`,
        'Correct secret_manager.configuration.file_path in agent.conf, or let the agent read the file.',
      );
    const { tree, problems } = this.#parsed(content.bytes);
    const [first] = problems;
    if (tree === undefined) {
      const { message, advice } = first ?? { message: 'The file cannot be read.', advice: '' };
      return failed('secrets.invalid', `${first === undefined ? this.#path : problemPlace(first)}: ${message}`, advice);
    }
    const secret = find(tree, key);
    if (secret === undefined) {
      const names = [...tree.entries].flatMap(([name, { type }]) => (type === 'object' ? [name] : []));
      return { type: 'missing', reason: names.length === 0 ? 'it holds no secret' : `it holds ${namesOf(names)}` };
    }
    const notices: SecretNotice[] = problems
      // What is odd in another secret is no matter of this one.
      .filter(({ line }) => line !== undefined && isInside(tree, secret, line))
      .map((problem) => ({ message: `${problemPlace(problem)}: ${problem.message}`, advice: problem.advice }));
    if (content.forEveryone === true)
      notices.push({
        message: `Every user of this machine may read or change the secrets in ${this.#path}.`,
        advice: `Let only the user of the agent read it: chmod 600 ${basename(this.#path)}.`,
      });
    const fields = new Map<string, Secret>();
    collect(secret, '', fields);
    return { type: 'secret', fields, notices };
  }

  /** A thousand connections may ask one after the other. */
  #parsed(bytes: Buffer): Parsed {
    if (this.#last?.bytes.equals(bytes) !== true) this.#last = { bytes, parsed: parse(bytes, this.#path) };
    return this.#last.parsed;
  }
}

const failed = (code: ErrorCode, message: string, advice: string): SecretLookup => ({
  type: 'failed',
  fault: errorInfo(code, message, advice),
});

/** Below this the text is read: no name of a connection's key, whose value could be shown, is the path of a secret. */
const ABOVE = 'a secret';

interface Parsed {
  readonly tree: ObjectTree | undefined;
  readonly problems: readonly Problem[];
}

const parse = (bytes: Buffer, path: string): Parsed => {
  // No line of this file is ever shown.
  const problems = new Problems(path);
  const broken = (message: string, advice: string) => {
    problems.error('secrets.invalid', undefined, message, advice);
    return { tree: undefined, problems: problems.list() };
  };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return broken('The file is not UTF-8.', 'Save the file as UTF-8 (in Notepad: Save as, Encoding UTF-8).');
  }
  const { tree, error, fields, source } = parseHocon(text, path, { env: process.env });
  if (error !== undefined) {
    const { reason, at, message, field, substitution } = error;
    const hidden = new HoconError(reason, at, message, { field: [ABOVE, ...(field ?? [])], substitution });
    explain(hidden, source, [], problems);
    return { tree: undefined, problems: problems.list() };
  }
  checkFields(fields, problems, { hidden: true });
  return tree?.type === 'object'
    ? { tree, problems: problems.list() }
    : broken('The file must hold one object for each secret.', 'Write name { password = "…" }.');
};

/** `a.b` as the name of an object, quoted in the file, or as two keys. */
const find = (tree: ObjectTree, key: string): ObjectTree | undefined => {
  const exact = tree.entries.get(key);
  let node: Tree | undefined = exact ?? tree;
  if (exact === undefined)
    for (const part of key.split('.')) node = node?.type === 'object' ? node.entries.get(part) : undefined;
  return node?.type === 'object' ? node : undefined;
};

const collect = (tree: Tree, path: string, into: Map<string, Secret>): void => {
  if (tree.type === 'object')
    for (const [key, value] of tree.entries) collect(value, path === '' ? key : `${path}.${key}`, into);
  else if (tree.type === 'scalar' && tree.value !== null) into.set(path, new Secret(tree.text));
};

/** True for a line from the secret's beginning to that of the next one. */
const isInside = (tree: ObjectTree, secret: ObjectTree, line: number): boolean => {
  const starts = [...tree.entries.values()].map(({ at }) => at.line).filter((start) => start <= line);
  return Math.max(0, ...starts) === secret.at.line || secret.at.line === line;
};
