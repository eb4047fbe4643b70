import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Problem } from '#protocol/status.ts';
import type { ParsedConnection } from '../connection/parse.ts';
import { readFromDiskAsync } from '../files.ts';
import { misnamedProblem } from '../folder/listing.ts';
import { scanFolder } from '../folder.ts';
import { loadConnectionFile } from '../loading.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { lintExpiry } from './expiry.ts';
import { lintExposure, lintSideFiles } from './exposure.ts';
import { lintReadable } from './readable.ts';
import { lintWritable } from './writable.ts';

/** What the linter says of one file. */
export interface LintedFile {
  readonly file: string;
  /** As far as they could be read. */
  readonly code: string | null;
  readonly name: string | null;
  readonly problems: readonly Problem[];
}

export interface LintOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nowMs?: number;
  /** Where secrets are that stand outside the files; absent: nowhere. */
  readonly secrets?: Secrets | undefined;
}

/** Files that connections name; of others in the folder nothing is known. */
const MATERIAL = /\.(?:pem|crt|cer|cert|key|p12|pfx|pkcs12|jks|keystore|jwt|token)$/i;

/** What is read and lawful, and yet should be looked at. */
const beyondParsing = async (
  file: string,
  folder: string,
  parsed: ParsedConnection,
  nowMs: number,
): Promise<readonly Problem[]> => {
  const problems: Problem[] = [];
  const { connection, sideFiles } = parsed;
  problems.push(...(await lintExposure(file, join(folder, file))));
  problems.push(...(await lintSideFiles(file, sideFiles)));
  for (const path of [join(folder, file), ...sideFiles]) problems.push(...(await lintWritable(path, file)));
  if (connection === undefined) return problems;
  const certificates = new Map<string, string>();
  if (connection.authentication.type === 'signed-jwt')
    for (const path of sideFiles) {
      const content = await readFromDiskAsync(path);
      const text = content.type === 'file' ? content.bytes.toString('latin1') : '';
      if (text.includes('BEGIN CERTIFICATE-----')) certificates.set(basename(path), text);
    }
  problems.push(...(await lintReadable(file, connection)));
  problems.push(...lintExpiry(connection, certificates, nowMs));
  const { type } = connection.authentication;
  if (connection.prefix === '' && (type === 'header' || type === 'jwt' || type === 'signed-jwt'))
    problems.push({
      severity: 'warning',
      code: 'config.suspicious_value',
      message: `The URL has no prefix, so it leads to the default virtual proxy, which seldom takes a ${type === 'header' ? 'header' : 'token'}.`,
      advice: 'Add the prefix of the virtual proxy that was made for it: https://qlik.example.com/prefix.',
      file,
    });
  return problems;
};

/** Checks one file. Undefined when there is none. */
export const lintFile = async (path: string, options: LintOptions = {}): Promise<LintedFile | undefined> => {
  const folder = dirname(resolve(path));
  const file = basename(path);
  const parsed = await loadConnectionFile(file, { folder, ...options });
  if (parsed === undefined) return undefined;
  const more = await beyondParsing(file, folder, parsed, options.nowMs ?? Date.now());
  return { file, code: parsed.code ?? null, name: parsed.name ?? null, problems: [...parsed.problems, ...more] };
};

/**
 * Checks a folder: each file, how they go together, and what else lies there.
 *
 * @throws Fault `config.unreadable` when the folder cannot be read
 */
export const lintFolder = async (folder: string, options: LintOptions = {}): Promise<readonly LintedFile[]> => {
  const path = resolve(folder);
  const { states, files, listing } = await scanFolder(path, {
    secrets: options.secrets,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const linted: LintedFile[] = [];
  for (const { file, code, name, problems } of states) {
    const parsed = files.get(file);
    const more = parsed === undefined ? [] : await beyondParsing(file, path, parsed, options.nowMs ?? Date.now());
    linted.push({ file, code, name, problems: [...problems, ...more] });
  }
  const lone = (file: string, problem: Omit<Problem, 'file'>): LintedFile => ({
    file,
    code: null,
    name: null,
    problems: [{ ...problem, file }],
  });
  for (const { file, ...problem } of await lintWritable(path)) linted.unshift(lone(file, problem));
  linted.push(...listing.misnamed.map((file) => lone(file, misnamedProblem(file))));
  // A file that cannot be read to its end may name what nobody else names.
  if ([...files.values()].every(({ code }) => code !== undefined)) {
    const named = new Set([...files.values()].flatMap(({ sideFiles }) => sideFiles));
    for (const file of listing.others)
      if (MATERIAL.test(extname(file)) && !named.has(join(path, file)))
        linted.push(
          lone(file, {
            severity: 'warning',
            code: 'config.unused_file',
            message: 'No connection file of this folder names this file.',
            advice: 'Name it where it is meant to be used, or move it away: it may hold a key.',
          }),
        );
  }
  return linted;
};
