import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** To read, and to wait for nobody who would have to open the other end of a pipe. Windows has no such flag. */
export const READ_PLAIN = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** The same for a path whose last name somebody else may make: it follows no link there. */
export const READ_PLAIN_NO_LINK = READ_PLAIN | (constants.O_NOFOLLOW ?? 0);

/**
 * Opens a file to read. Nothing but a plain file is opened: a pipe has no end until somebody closes it, and a device may
 * have none at all. What was opened is looked at, not what lay at the path before.
 *
 * @param flags {@link READ_PLAIN} for what a person named, {@link READ_PLAIN_NO_LINK} else
 * @throws the system's errors; `EISDIR` for a folder, `ENXIO` for whatever else is no plain file, `ELOOP` for a link
 */
export const openPlainFile = async (path: string, flags: number): Promise<FileHandle> => {
  const handle = await open(path, flags);
  try {
    const found = await handle.stat();
    if (found.isFile()) return handle;
    throw found.isDirectory()
      ? Object.assign(new Error('it is a folder'), { code: 'EISDIR' })
      : Object.assign(new Error('it is no plain file'), { code: 'ENXIO' });
  } catch (error) {
    await handle.close();
    throw error;
  }
};
