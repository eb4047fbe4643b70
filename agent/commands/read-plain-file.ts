import { errnoOf } from '#config/durable-file.ts';
import { openPlainFile, READ_PLAIN } from '#config/plain-file.ts';

const MIB = 1024 * 1024;
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  // Also of a socket, and of a device that is not there.
  ENXIO: 'it is no plain file',
};

/**
 * The bytes of a plain file, or in words why it is not read. One that says it is small and goes on (as those of the kernel
 * do) is too large, too.
 */
export const readPlainFile = async (path: string, mostMib: number): Promise<Buffer | string> => {
  const tooLarge = `it is larger than ${mostMib} MiB`;
  try {
    await using handle = await openPlainFile(path, READ_PLAIN);
    const stats = await handle.stat();
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
