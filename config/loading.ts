import { join } from 'node:path';
import { type ParsedConnection, parseConnection } from './connection/parse.ts';
import type { KnownSecrets } from './connection/secret-references.ts';
import { type FileContent, type FileReader, readFromDiskAsync, TOO_LARGE } from './files.ts';
import type { SecretLookup } from './secrets/manager.ts';
import { noSecrets, SecretLook, type Secrets } from './secrets/secrets.ts';

/** Until a secret was asked for. */
const PENDING: SecretLookup = { type: 'missing', reason: 'it was not asked for yet' };

/** Includes can name files that name files; each round reads one level more. */
const MAX_ROUNDS = 32;

export interface LoadOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
  readonly read?: (path: string, signal?: AbortSignal) => Promise<FileContent>;
  /** Where secrets are that stand outside the files; absent: nowhere. */
  readonly secrets?: Secrets | undefined;
  /** Shared by the files of one look, so that each secret is asked for once. */
  readonly look?: SecretLook | undefined;
}

/**
 * Parses a file of the connections folder with all files and secrets that it names, without blocking: whatever the parser
 * asks for and does not have is read, then it is asked again. Undefined when the file itself is not there.
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
      outsideDigests: new Map(),
    };
  const known = new Map<string, FileContent>();
  const { manager, standardKey, keys, digestKey, bounds } = options.secrets ?? noSecrets;
  const look = options.look ?? (manager === undefined ? undefined : new SecretLook(manager));
  const lookups = new Map<string, SecretLookup>();
  for (let round = 0; ; round += 1) {
    const wanted = new Set<string>();
    const readFile: FileReader = (path) => {
      const file = known.get(path);
      if (file === undefined) wanted.add(path);
      return file ?? { type: 'missing', reason: 'it does not exist' };
    };
    const asked = new Set<string>();
    const secrets: KnownSecrets | undefined = manager && {
      name: manager.name,
      standardKey,
      files: manager.files ?? [],
      lookup: (key) => {
        const lookup = lookups.get(key);
        if (lookup === undefined) asked.add(key);
        return lookup ?? PENDING;
      },
    };
    const parsed = parseConnection(content.bytes, name, {
      folder: options.folder,
      readFile,
      secrets,
      keys,
      digestKey,
      bounds,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
    });
    if (wanted.size + asked.size === 0 || round === MAX_ROUNDS) return parsed;
    for (const path of wanted) known.set(path, await read(path, options.signal));
    for (const key of asked) lookups.set(key, (await look?.read(key, options.signal)) ?? PENDING);
  }
};
