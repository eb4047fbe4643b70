import type { Problem } from '#protocol/status.ts';
import { CONNECTION_KEYS } from '../connection/keys.ts';
import { parseConnection } from '../connection/parse.ts';
import { parseHocon } from '../hocon/hocon.ts';
import { connectionText, type Item } from './connection-file.ts';
import type { WrittenValue } from './value.ts';

/** Values of a new connection file, by the path of their key. */
export type Draft = ReadonlyMap<string, WrittenValue>;

const MORE: readonly string[] = [
  'Some more keys; take away the # before one to use it.',
  'environment = "Production"',
  'description = "Shown in the catalog."',
  'access_notes = "How a person gets access."',
  'crawl.engine_sessions = 2',
  'All keys: culvert schema connection',
];

/** A connection file with a comment above each value, in the order of the table of keys. */
export const templateItems = (draft: Draft): readonly Item[] => [
  { type: 'note', in: [], text: 'A connection of Culvert: one file for one Qlik Sense site.' },
  ...CONNECTION_KEYS.flatMap((key): readonly Item[] => {
    const value = draft.get(key.path);
    return value === undefined ? [] : [{ type: 'value', path: key.path.split('.'), value, note: key.description }];
  }),
  ...MORE.map((text): Item => ({ type: 'note', in: [], text })),
];

/** What the parser says of some keys of a draft, and of nothing else: the rest may not be there yet. */
export const problemsOf = (
  draft: Draft,
  keys: readonly string[],
  context: { readonly folder: string; readonly env: Readonly<Record<string, string | undefined>> },
): readonly Problem[] => {
  const text = connectionText(templateItems(draft), 'hocon');
  const file = 'new.conf';
  const lines = new Set(
    parseHocon(text, file)
      .fields.filter(({ path }) => keys.includes(path.join('.')))
      .map(({ source, key }) => source.at(key).line),
  );
  return parseConnection(text, file, context).problems.filter(({ line }) => line !== undefined && lines.has(line));
};
