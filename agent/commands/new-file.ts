import { open, rm } from 'node:fs/promises';
import { Fault } from '#protocol/errors.ts';

/** A file to write, with its path and its content. */
export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Rights; by default readable and writable for its owner alone. */
  readonly mode?: number;
}

/** What to do about a file that is there already, or about a place where nothing can be written. */
export interface NewFileAdvice {
  readonly there: string;
  readonly unwritable: string;
}

const ADVICE: NewFileAdvice = {
  there: 'Name another file with --out, or move that one away.',
  unwritable: 'Name a file in a folder that this user may write with --out.',
};

/**
 * Writes files that must not be there yet; all of them or none.
 *
 * @throws Fault `config.invalid` when one is there already, `config.unreadable` when one cannot be written
 */
export const writeNewFiles = async (files: readonly NewFile[], advice: NewFileAdvice = ADVICE): Promise<void> => {
  const written: string[] = [];
  for (const { path, content, mode = 0o600 } of files)
    try {
      await using file = await open(path, 'wx', mode);
      written.push(path);
      await file.writeFile(content);
      await file.sync();
    } catch (cause) {
      for (const one of written) await rm(one, { force: true });
      if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
        throw new Fault('config.invalid', `${path} is there already, and is not overwritten`, {
          cause,
          advice: advice.there,
        });
      throw new Fault('config.unreadable', `${path} cannot be written: ${String(cause)}`, {
        cause,
        advice: advice.unwritable,
      });
    }
};
