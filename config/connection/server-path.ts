/** A path as the Qlik server names it, taken apart. */
export interface ServerPath {
  /** `lib://Connection`, `d:`, `//server/share` or `/`; as written, but a drive and a share in lower case. */
  readonly root: string;
  /** Names below it, as written; `.` and `..` are worked off. */
  readonly names: readonly string[];
  /** False below `/`: there `A` and `a` are two. */
  readonly ignoresCase: boolean;
}

const LIB = /^lib:\/\/([^/\\]+)(?:[/\\](.*))?$/is;
const DRIVE = /^(?:\\\\[?.]\\)?([A-Za-z]):(?:[\\/](.*))?$/s;
const SHARE = /^(?:\\\\|\/\/)([^\\/?.][^\\/]*)[\\/]([^\\/]+)(?:[\\/](.*))?$/s;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no path has them, and a system call may stop at one.
const CONTROL = /[\u0000-\u001f]/;

/**
 * Takes a path apart: `lib://QVD/a/b.qvd`, `D:\QVD\b.qvd`, `\\srv\share\b.qvd`, `/data/b.qvd`. Undefined for a relative
 * path, for one that leads out of its root by `..`, and for what is no path.
 */
export const serverPath = (text: string): ServerPath | undefined => {
  const path = text.trim();
  if (path === '' || CONTROL.test(path)) return undefined;
  const lib = LIB.exec(path);
  if (lib) return below(`lib://${(lib[1] ?? '').trim()}`, lib[2], true);
  const drive = DRIVE.exec(path);
  if (drive) return below(`${(drive[1] ?? '').toLowerCase()}:`, drive[2], true);
  const share = SHARE.exec(path);
  if (share) return below(`//${share[1]}/${share[2]}`.toLowerCase(), share[3], true);
  if (path.startsWith('/') && !path.startsWith('//')) return below('/', path.slice(1), false);
  return undefined;
};

/** A path further down; undefined when `..` leads out. */
export const beneath = ({ root, names, ignoresCase }: ServerPath, more: readonly string[]): ServerPath | undefined =>
  below(root, [...names, ...more].join('/'), ignoresCase);

const below = (root: string, rest: string | undefined, ignoresCase: boolean): ServerPath | undefined => {
  const names: string[] = [];
  for (const name of (rest ?? '').split(ignoresCase ? /[\\/]/ : '/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return { root, names, ignoresCase };
};

/** The names of `path` below `folder`; undefined when it does not lie there. */
export const namesBelow = (folder: ServerPath, path: ServerPath): readonly string[] | undefined => {
  if (folder.ignoresCase !== path.ignoresCase || !same(folder.root, path.root, folder.ignoresCase)) return undefined;
  if (folder.names.some((name, index) => !same(name, path.names[index] ?? '', folder.ignoresCase))) return undefined;
  return path.names.slice(folder.names.length);
};

const same = (a: string, b: string, ignoresCase: boolean): boolean =>
  a === b || (ignoresCase && a.toLowerCase() === b.toLowerCase());
