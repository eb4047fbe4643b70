import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '#config/durable-file.ts';

const MIB = 1024 * 1024;
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  // Of a socket, and of a device that is not there.
  ENXIO: 'it is no plain file',
};

/**
 * The bytes of a file, or in words why it is not read. Nothing but a plain file is: a pipe has no end until somebody closes
 * it, and a device may have none at all. One that says it is small and goes on (as those of the kernel do) is no exception.
 */
export const readPlainFile = async (path: string, mostMib: number): Promise<Buffer | string> => {
  const tooLarge = `it is larger than ${mostMib} MiB`;
  try {
    // Waits for nobody who would have to open the other end of a pipe.
    await using handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await handle.stat();
    if (stats.isDirectory()) return 'it is a folder';
    if (!stats.isFile()) return 'it is no plain file';
    if (stats.size > mostMib * MIB) return tooLarge;
    const pieces: Buffer[] = [];
    for (let length = 0; ; ) {
      const { bytesRead, buffer } = await handle.read({
        buffer: Buffer.alloc(Math.max(64 * 1024, stats.size + 1 - length)),
      });
      if (bytesRead === 0) return Buffer.concat(pieces, length);
      length += bytesRead;
      if (length > mostMib * MIB) return tooLarge;
      pieces.push(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    return UNREADABLE[errnoOf(error)] ?? errnoOf(error);
  }
};
