import { opendir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Problem } from '#protocol/status.ts';
import type { Connection } from '../connection/connection.ts';
import type { ReadablePaths } from '../connection/readable-paths.ts';

/** A share that is away may take minutes to say so. */
const PATIENCE_MS = 3_000;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder on this machine',
  ENOTDIR: 'it is no folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
};

/**
 * Warns of folders of `paths` that cannot be read from here and now. The file stays right: a share may be away for a while,
 * and `validate` may run on another machine.
 */
export const lintReadable = async (file: string, { paths }: Pick<Connection, 'paths'>): Promise<readonly Problem[]> => {
  const named = Object.entries(paths ?? {}) as readonly (readonly [keyof ReadablePaths, ReadablePaths['qvds']])[];
  const found = await Promise.all(
    named.flatMap(([kind, mappings]) =>
      mappings.map(async ({ folder }) => ({ kind, folder, why: await whyNot(folder) })),
    ),
  );
  return found.flatMap(({ kind, folder, why }) =>
    why === undefined
      ? []
      : [
          {
            severity: 'warning',
            code: 'config.suspicious_value',
            message: `paths.${kind} names ${folder}, and ${why}. Nothing is read from it until it is there.`,
            advice: 'Mount the folder, let the user of the agent read it, or correct the path.',
            file,
          },
        ],
  );
};

const whyNot = async (folder: string): Promise<string | undefined> => {
  const opened = opendir(folder).then(
    async (found) => void (await found.close()),
    (error: NodeJS.ErrnoException) => REASONS[error.code ?? ''] ?? `it cannot be read (${error.code ?? 'unknown'})`,
  );
  const late = new AbortController();
  try {
    return await Promise.race([
      opened,
      wait(PATIENCE_MS, `it did not answer within ${PATIENCE_MS / 1000} s`, { signal: late.signal }),
    ]);
  } finally {
    late.abort();
  }
};
