import { open, rm } from 'node:fs/promises';
import { Fault } from '#protocol/errors.ts';

/** A file to write, with its path and its content. */
export interface NewFile {
  readonly path: string;
  readonly content: string;
}

/**
 * Writes files that must not be there yet, readable for their owner alone; all of them or none.
 *
 * @throws Fault `config.invalid` when one is there already, `config.unreadable` when one cannot be written
 */
export const writeNewFiles = async (files: readonly NewFile[]): Promise<void> => {
  const written: string[] = [];
  try {
    for (const { path, content } of files) {
      await using file = await open(path, 'wx', 0o600);
      written.push(path);
      await file.writeFile(content);
      await file.sync();
    }
  } catch (cause) {
    for (const path of written) await rm(path, { force: true });
    const failed = files[written.length]?.path ?? files.at(-1)?.path ?? '';
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw new Fault('config.invalid', `${failed} is there already, and is not overwritten`, {
        cause,
        advice: 'Name another file with --out, or move that one away.',
      });
    throw new Fault('config.unreadable', `${failed} cannot be written: ${String(cause)}`, {
      cause,
      advice: 'Name a file in a folder that this user may write with --out.',
    });
  }
};
