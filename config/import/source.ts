import { extname } from 'node:path';
import type { Problem } from '#protocol/status.ts';
import { readDocument } from '../connection/document.ts';
import { readFromDisk } from '../files.ts';
import { parseHocon } from '../hocon/hocon.ts';
import { looksLikeOpenMetadata } from '../openmetadata/recognise.ts';
import type { Environment } from '../proxy-environment.ts';
import type { Tree } from '../tree.ts';
import type { Piece } from '../writing/value.ts';

/** A file to import. */
export interface Source {
  /** Absent when it cannot be read at all. */
  readonly tree: Tree | undefined;
  readonly problems: readonly Problem[];
  /** Takes a text of the tree apart into what stood in the file and the substitutions in it. */
  readonly pieces: (text: string) => readonly Piece[];
}

// Characters of private use, which no connection file holds: between them stands the number of a substitution.
const OPEN = '\uE0F0';
const CLOSE = '\uE0F1';
const MARK = new RegExp(`${OPEN}(\\d+)${CLOSE}`, 'u');

/**
 * Reads a file to import. Substitutions that lead outside the file stay what they are: filled in, a password of the
 * environment would be written to a file.
 */
export const readSource = (bytes: Uint8Array, file: string, folder: string, env: Environment): Source => {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const extension = extname(file).toLowerCase();
  const isYaml = extension === '.yaml' || extension === '.yml' || looksLikeOpenMetadata(text);
  const includes = { folder, read: readFromDisk };
  const references: string[] = [];
  let marked: Uint8Array = bytes;
  if (!isYaml) {
    const { fields, source } = parseHocon(text, file, { includes, env });
    const own = new Set(fields.flatMap(({ path }) => path.map((_, i) => path.slice(0, i + 1).join('.'))));
    const spans = new Map<number, number>();
    for (const field of fields)
      if (field.source === source)
        for (const token of field.tokens) if (token.type === 'reference') spans.set(token.start, token.end);
    let out = '';
    let at = 0;
    for (const [start, end] of [...spans].sort(([a], [b]) => a - b)) {
      const written = text.slice(start, end);
      const name = /^\$\{\??([^}]*)\}$/.exec(written)?.[1]?.trim() ?? '';
      if (own.has(name) && !name.startsWith('secret_manager.')) continue;
      out += `${text.slice(at, start)}"${OPEN}${references.length}${CLOSE}"`;
      references.push(written);
      at = end;
    }
    marked = Buffer.from(out + text.slice(at));
  }
  const name = isYaml && extension !== '.json' ? `${file}.yaml` : file;
  const { tree, problems } = readDocument(marked, name, { folder, env, read: readFromDisk });
  const pieces = (value: string): readonly Piece[] =>
    value
      .split(MARK)
      .map((part, i): Piece => (i % 2 === 0 ? part : { reference: references[Number(part)] ?? '' }))
      .filter((piece) => piece !== '');
  return { tree, problems: problems.list(), pieces };
};
