import type { FilePlace, Source } from './result.ts';
import { sourceName } from './result-json.ts';

/** Says itself where it begins: `lib://…`, `D:\…`, `\\server\…`, `/…`, `https://…`. Or nobody knows, as of `$(vPath)x`. */
const ROOTED = /^(?:[a-z][a-z0-9+.-]*:|[\\/]|\$\()/i;

/** Whether it counts from what DIRECTORY said. */
export const isRelative = (path: string): boolean => !ROOTED.test(path.trim());

/** The path from its beginning, as far as the script tells. */
export const wholePath = ({ path, directory = '' }: FilePlace): string =>
  directory === '' || !isRelative(path) ? path : `${directory.trim().replace(/(?<![\\/])[\\/]+$/, '')}/${path.trim()}`;

/** The same text for the same place, and for no other: two holes of one name that stand for different values are two. */
export const sourceIdentity = (source: Source): string => {
  const { directory = '', holes = [] } = source as Partial<FilePlace>;
  return directory === '' && holes.length === 0
    ? sourceName(source)
    : [sourceName(source), directory, ...holes].join('\n');
};
