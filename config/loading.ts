import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParsedConnection, parseConnection } from './connection/parse.ts';
import { type FileContent, type FileReader, noFile, TOO_LARGE, unreadable } from './files.ts';

/** How long one file may take; a network share that hangs must not stop the agent. */
const READ_LIMIT_MS = 10_000;
/** Includes can name files that name files; each round reads one level more. */
const MAX_ROUNDS = 32;

/** Reads a file without blocking; gives up after ten seconds. Never throws. */
export const readFromDiskAsync = async (path: string, signal?: AbortSignal): Promise<FileContent> => {
  const limit = AbortSignal.timeout(READ_LIMIT_MS);
  const ended = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const gone = new Promise<FileContent>((give) => {
    ended.addEventListener('abort', () => give({ type: 'unreadable', reason: 'reading it takes too long' }), {
      once: true,
    });
  });
  const work = async (): Promise<FileContent> => {
    try {
      const realPath = await realpath(path);
      return (
        noFile(await stat(realPath), realPath) ?? {
          type: 'file',
          bytes: await readFile(realPath, { signal: ended }),
          realPath,
        }
      );
    } catch (error) {
      return unreadable(error);
    }
  };
  return Promise.race([work(), gone]);
};

export interface LoadOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
  readonly read?: (path: string, signal?: AbortSignal) => Promise<FileContent>;
}

/**
 * Parses a file of the connections folder with all files that it names, without blocking: whatever the parser asks for
 * and does not have is read, then it is asked again. Undefined when the file itself is not there.
 */
export const loadConnectionFile = async (name: string, options: LoadOptions): Promise<ParsedConnection | undefined> => {
  const read = options.read ?? readFromDiskAsync;
  const content = await read(join(options.folder, name), options.signal);
  if (content.type === 'missing' || content.type === 'folder') return undefined;
  if (content.type === 'unreadable')
    return {
      connection: undefined,
      problems: [
        {
          severity: 'error',
          code: content.reason === TOO_LARGE ? 'config.too_large' : 'config.unreadable',
          message: `The file cannot be read: ${content.reason}.`,
          advice: 'Check that the file is a connection file and that the agent may read it.',
          file: name,
        },
      ],
      code: undefined,
      name: undefined,
      contentHash: '',
      sideFiles: [],
      digests: new Map(),
    };
  const known = new Map<string, FileContent>();
  for (let round = 0; ; round += 1) {
    const wanted = new Set<string>();
    const readFile: FileReader = (path) => {
      const file = known.get(path);
      if (file === undefined) wanted.add(path);
      return file ?? { type: 'missing', reason: 'it does not exist' };
    };
    const parsed = parseConnection(content.bytes, name, {
      folder: options.folder,
      readFile,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
    });
    if (wanted.size === 0 || round === MAX_ROUNDS) return parsed;
    for (const path of wanted) known.set(path, await read(path, options.signal));
  }
};
