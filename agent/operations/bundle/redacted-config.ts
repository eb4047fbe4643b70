import { dirname } from 'node:path';
import { readDocument } from '#config/connection/document.ts';
import { excerptOf, isSecretKey } from '#config/connection/excerpt.ts';
import { readFromDisk } from '#config/files.ts';
import { knownSecrets } from '#config/redaction/known-secrets.ts';
import type { Tree } from '#config/tree.ts';

const REDACTED = '[redacted]';
/** What a variable of the environment stands for: the file shall parse, and nothing of the environment be in it. */
const FROM_ENVIRONMENT = '[from the environment]';
const environment: Readonly<Record<string, string>> = new Proxy({}, { get: () => FROM_ENVIRONMENT });

function* leaves(tree: Tree, path: readonly string[]): Generator<readonly [readonly string[], string]> {
  if (tree.type === 'scalar') yield [path, tree.text];
  else if (tree.type === 'list')
    for (const [i, item] of tree.items.entries())
      yield* leaves(item, item.type === 'scalar' ? path : [...path, String(i)]);
  else for (const [key, value] of tree.entries) yield* leaves(value, [...path, key]);
}

/** A key that is not known is shown if it is a plain word: a person who misspelt it must find it. */
const named = (path: readonly string[]): string =>
  path.map((part) => (/^[A-Za-z_][\w-]{0,60}$/.test(part) ? part : REDACTED)).join('.');

/**
 * A configuration file as one `key = value` a line, without comments: values of all keys but those that are known to hold
 * nothing secret are taken out, and remembered as secrets, so that they are found wherever else they stand. Undefined for
 * a file that cannot be parsed: of that nothing is known.
 */
export const redactedConfig = (path: string): string | undefined => {
  const content = readFromDisk(path);
  if (content.type !== 'file') return undefined;
  const { tree } = readDocument(content.bytes, path, { folder: dirname(path), env: environment, read: readFromDisk });
  if (tree === undefined) return undefined;
  const lines: string[] = [];
  for (const [key, value] of leaves(tree, [])) {
    if (isSecretKey(key)) {
      if (!value.includes(FROM_ENVIRONMENT)) knownSecrets.add(value);
      lines.push(`${named(key)} = ${value === FROM_ENVIRONMENT ? FROM_ENVIRONMENT : REDACTED}`);
    } else lines.push(excerptOf(`${key.join('.')} = ${JSON.stringify(value)}`) ?? `${named(key)} = ${REDACTED}`);
  }
  return `${lines.join('\n')}\n`;
};
