import type { Tree } from '../tree.ts';
import type { Problems } from './problem.ts';
import { type ServerPath, serverPath } from './server-path.ts';
import type { SideFiles } from './side-files.ts';
import type { Values } from './values.ts';

/** A folder that the agent can read, and what it is for the Qlik server. */
export interface FolderMapping {
  /** `lib://Connection/…` or a folder of the server. */
  readonly from: ServerPath;
  /** Absolute path of the folder as the agent sees it. */
  readonly folder: string;
  /** Why a file may not be read though it lies in the folder (absolute, links followed), such as the agent's own; absent: all may. */
  readonly whyNot?: (path: string) => string | undefined;
}

/** Where QVDs, include scripts and reload logs can be read; empty lists: nowhere. */
export interface ReadablePaths {
  readonly qvds: readonly FolderMapping[];
  readonly qvs: readonly FolderMapping[];
  readonly logs: readonly FolderMapping[];
}

const KINDS = ['qvds', 'qvs', 'logs'] as const;
const MOST = 100;
const EXAMPLE = (key: string): string => `Write ${key} = [{ from = "lib://QVD", to = "/mnt/qvd" }], for instance.`;

/**
 * `paths.qvds`, `paths.qvs` and `paths.logs`: a folder, a mapping `{ from, to }`, or a list of these. A folder without
 * `from` is called alike on the Qlik server. Undefined when the file names none. Nothing is looked at on the disk: a share
 * that is away for a while must not make a file wrong.
 */
export const readReadablePaths = (values: Values, files: SideFiles, problems: Problems): ReadablePaths | undefined => {
  const found = { qvds: [], qvs: [], logs: [] } as Record<(typeof KINDS)[number], FolderMapping[]>;
  let named = false;
  for (const kind of KINDS) {
    const key = `paths.${kind}`;
    const node = values.node(key);
    if (node === undefined || (node.type === 'scalar' && (node.value === null || node.text.trim() === ''))) continue;
    named = true;
    const items = node.type === 'list' ? node.items : [node];
    if (items.length > MOST) problems.error('config.invalid', node.at, `${key} has more than ${MOST} folders.`);
    for (const item of items.slice(0, MOST)) {
      const mapping = mappingOf(item, key, files, problems);
      if (mapping === undefined) continue;
      const twin = found[kind].some(({ from }) => textOf(from) === textOf(mapping.from));
      if (twin)
        problems.error('config.invalid', item.at, `${key} says twice where ${textOf(mapping.from)} is.`, 'Delete one.');
      else found[kind].push(mapping);
    }
  }
  return named ? found : undefined;
};

const textOf = ({ root, names, ignoresCase }: ServerPath): string => {
  const text = [root === '/' ? '' : root, ...names].join('/');
  return ignoresCase ? text.toLowerCase() : text;
};

const scalarAt = (item: Tree, name: string): string => {
  const node = item.type === 'object' ? item.entries.get(name) : item;
  return node?.type === 'scalar' && node.value !== null ? node.text.trim() : '';
};

const mappingOf = (item: Tree, key: string, files: SideFiles, problems: Problems): FolderMapping | undefined => {
  const wrong = (message: string, advice = EXAMPLE(key)): undefined => {
    problems.error('config.invalid', item.at, message, advice);
    return undefined;
  };
  if (item.type === 'list') return wrong(`${key} holds a list within a list.`);
  if (item.type === 'object') {
    const other = [...item.entries.keys()].find((name) => name !== 'from' && name !== 'to');
    if (other !== undefined) return wrong(`A mapping of ${key} has from and to, nothing else.`);
    if (scalarAt(item, 'from') === '') return wrong(`A mapping of ${key} has no from: the folder as Qlik calls it.`);
  }
  const to = item.type === 'object' ? scalarAt(item, 'to') : scalarAt(item, '');
  if (to === '') return wrong(`A folder of ${key} is empty: the agent has to know where to read.`);
  if (process.platform !== 'win32' && /^(?:[A-Za-z]:[\\/]|\\\\)/.test(to))
    return wrong(
      `${key} names a folder of Windows, and this agent runs on another system.`,
      'Mount it, and write where: { from = "D:/QVD", to = "/mnt/qvd" }.',
    );
  let folder: string;
  try {
    folder = files.pathOf(to);
  } catch {
    return wrong(`${key} names a folder that is no path.`);
  }
  const whyNot = files.whyNot(folder);
  if (whyNot !== undefined)
    return wrong(`${key} names a folder that may not be read: ${whyNot}.`, 'Choose another folder.');
  const from = serverPath(item.type === 'object' ? scalarAt(item, 'from') : folder);
  if (from === undefined)
    return wrong(
      `${key} has a from that is neither lib://Connection nor an absolute path of the Qlik server.`,
      'Write from = "lib://QVD", from = "D:/QVD" or from = "//srv/share": with slashes no backslash has to be doubled.',
    );
  // Connection files hold passwords: a folder far above them does not mean them.
  const beside = (path: string): string | undefined =>
    files.isBeside(path) && !files.isBeside(folder) ? 'it lies among the connection files' : undefined;
  return { from, folder, whyNot: (path) => files.whyNot(path) ?? beside(path) };
};
