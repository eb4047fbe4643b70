import { basename, isAbsolute } from 'node:path';

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/**
 * Replaces these absolute paths in texts by the names of the files or folders that they lead to: `/var/lib/culvert/state`
 * becomes `state`, and `/var/lib/culvert/state/identity.json` becomes `state/identity.json`. A path is left alone where
 * it is only a part of a longer name or address.
 */
export const nameOnly = (paths: readonly string[]): ((text: string) => string) => {
  const known = [...new Set(paths)].filter((path) => isAbsolute(path) && basename(path) !== '');
  if (known.length === 0) return (text) => text;
  // The longest first: one may lie in a folder that is named as well.
  const any = known
    .sort((a, b) => b.length - a.length)
    .map(escaped)
    .join('|');
  const pattern = new RegExp(`(?<![\\w./\\\\-])(?:${any})(?![\\w-])`, 'g');
  return (text) => text.replace(pattern, (path) => basename(path));
};

/** Folders of a machine, not the paths of addresses: those stand behind a host, and begin otherwise. */
const FOLDERS = new RegExp(
  [
    String.raw`(?<![\w.:/\\-])/(?:etc|var|opt|home|root|usr|srv|tmp|mnt|run|data|media|private|Users|Library)/(?:[^/\s'"\x60,;:]+/)*`,
    String.raw`(?<=\bfile:)/(?:/(?=/))?(?:[^/\s'"\x60,;:]*/)*`,
    String.raw`(?<!\w)[A-Za-z]:[\\/](?![\\/])(?:[^\\/'"\x60,;:*?<>|\n]+[\\/])*`,
  ].join('|'),
  'g',
);

/** Texts without the folders that absolute paths in them name: what is left is the name of each file. */
export const withoutFolders = (text: string): string => text.replace(FOLDERS, '');
