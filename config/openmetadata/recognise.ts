import type { Problems } from '../connection/problem.ts';
import { descend, type Place, type Tree } from '../tree.ts';
import { CONNECTION_AT, OPENMETADATA_KEYS } from './keys.ts';

/** True for a text that has the skeleton of an ingestion file, also when it cannot be read as YAML. */
export const looksLikeOpenMetadata = (text: string): boolean =>
  /^[ \t\uFEFF{]*["']?source["']?[ \t]*:/m.test(text) && /["']?(?:serviceConnection|serviceName)["']?\s*:/.test(text);

const scalar = (tree: Tree, path: string): string | undefined => {
  const node = descend(tree, path.split('.'));
  return node?.type === 'scalar' && node.value !== null ? node.text.trim() : undefined;
};

/**
 * What an ingestion file is for: `qliksense`, another connector, or undefined when it is no such file. Letters are taken
 * as lower case.
 */
export const openMetadataSource = (tree: Tree): string | undefined => {
  const type = scalar(tree, 'source.type')?.toLowerCase();
  const connection = descend(tree, ['source', 'serviceConnection']);
  if (type === 'qliksense') return type;
  if (connection === undefined && scalar(tree, 'source.serviceName') === undefined) return undefined;
  return type ?? scalar(tree, `${CONNECTION_AT}.type`)?.toLowerCase() ?? '';
};

/** Options that stand below `source.serviceConnection.config`, by their first name. */
const OPTIONS = new Set(
  OPENMETADATA_KEYS.filter(({ path }) => path.startsWith(`${CONNECTION_AT}.`)).map(
    ({ path }) => path.slice(CONNECTION_AT.length + 1).split('.')[0] ?? '',
  ),
);

interface Stray {
  readonly names: readonly string[];
  /** First and last line of each run, 1-based. */
  readonly runs: readonly (readonly [from: number, to: number])[];
  /** Spaces that stand before the sibling `type:`. */
  readonly indent: number;
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

const keyOf = (line: string): string | undefined => /^([A-Za-z]\w*)\s*:(?:\s|$)/.exec(line)?.[1];

/**
 * Options of the connection at the left margin: the published sample for version 1.12 has them there, so whoever copies
 * it gets a file that no program can read as it was meant.
 */
const strayOptions = (text: string): Stray | undefined => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const config = lines.findIndex((line) => /^\s+config\s*:\s*(?:#.*)?$/.test(line));
  const typed = lines.findIndex(
    (line, i) => i > config && /^\s+type\s*:\s*["']?qliksense["']?\s*(?:#.*)?$/i.test(line),
  );
  const names: string[] = [];
  const runs: [from: number, to: number][] = [];
  // What is indented below a stray option moves with it; `sourceConfig` is the next block of `source`.
  let inside = false;
  for (const [i, line] of lines.entries()) {
    const blank = /^\s*(?:#|$)/.test(line);
    const key = keyOf(line);
    if (blank) continue;
    const stray: boolean =
      key === undefined ? inside && !/^\s+sourceConfig\s*:/.test(line) : OPTIONS.has(key) && key !== 'type';
    if (key !== undefined && stray) names.push(key);
    const last = runs.at(-1);
    if (stray && inside && last !== undefined) last[1] = i + 1;
    else if (stray) runs.push([i + 1, i + 1]);
    inside = stray;
  }
  if (names.length === 0) return undefined;
  const indent = typed < 0 ? indentOf(lines[config] ?? '    ') + 2 : indentOf(lines[typed] ?? '');
  return { names, runs, indent };
};

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;

/** Reports options at the left margin as one problem. True when there were some: then nothing else needs to be said. */
export const reportStrayOptions = (text: string, file: string, problems: Problems): boolean => {
  const stray = looksLikeOpenMetadata(text) ? strayOptions(text) : undefined;
  if (stray === undefined) return false;
  const { names, runs, indent } = stray;
  const at: Place = { file, line: runs[0]?.[0] ?? 1, column: 1 };
  const single = runs.length === 1 && runs[0]?.[0] === runs[0]?.[1];
  const places = listed(runs.map(([from, to]) => (from === to ? String(from) : `${from} to ${to}`)));
  const lines = `${single ? 'line' : 'lines'} ${places}`;
  const they = names.length === 1 ? 'it belongs' : 'they belong';
  problems.error(
    'config.syntax',
    at,
    `${listed(names.length > 4 ? [...names.slice(0, 3), 'others'] : names)} (${lines}) ${names.length === 1 ? 'stands' : 'stand'} at the left margin, so ${they} to nothing; the sample in OpenMetadata's documentation has this mistake.`,
    `Put ${indent} spaces before ${single ? lines : `each of the ${lines}`}: ${they} below config, in one column with its type: QlikSense.`,
  );
  return true;
};
