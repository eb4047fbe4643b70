import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';

/** Which files a connection file may take values from. */
export interface FileBounds {
  /** Absolute paths of what is the agent's own: its state folder, its settings, the file of its secret manager. */
  readonly own: readonly string[];
  /** Absolute paths of the only folders besides that of the connections; undefined: anywhere. */
  readonly folders: readonly string[] | undefined;
}

/** Files that the system makes up: environments of processes, memory, devices. */
const MADE_UP = ['/proc', '/sys', '/dev'];

/** True for the path itself, and for whatever lies below it. */
const inside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

/** Why a connection file below `folder` may not use the file at an absolute path; undefined when it may. */
export const whyOutOfBounds = (path: string, folder: string, bounds: FileBounds | undefined): string | undefined => {
  if (process.platform !== 'win32' && MADE_UP.some((root) => inside(root, path)))
    return 'connections may use no file of /proc, /sys or /dev';
  if (bounds === undefined) return undefined;
  const home = real(folder);
  const here = inside(home, path) || inside(folder, path);
  for (const root of bounds.own.flatMap((own) => [own, real(own)])) {
    // The folder of the connections may lie inside the state folder.
    const homeInside = inside(root, home) && root !== home;
    if (inside(root, path) && !(homeInside && here))
      return "it is the agent's own (state folder, settings, secrets), which connections may not use";
  }
  if (bounds.folders === undefined || here || bounds.folders.some((root) => inside(real(root), path))) return undefined;
  return 'it lies in none of the folders that secrets.folders of agent.conf lists';
};
