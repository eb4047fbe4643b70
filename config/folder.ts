import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { Fault } from '#protocol/errors.ts';
import type { ConnectionState } from '#protocol/status.ts';
import type { Connection } from './connection/connection.ts';
import type { ParsedConnection } from './connection/parse.ts';
import { Ledger } from './folder/ledger.ts';
import { type Listing, listFolder, misnamedProblem } from './folder/listing.ts';
import { type ConnectionChange, Registry } from './folder/registry.ts';
import { loadConnectionFile } from './loading.ts';
import { SecretLook, type Secrets } from './secrets/secrets.ts';

export type { ConnectionChange } from './folder/registry.ts';

export interface ConnectionFolderOptions {
  readonly folder: string;
  /** Where the names of known connections are kept; without it a restart forgets what was removed. */
  readonly stateFolder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Looks by the clock instead of asking the system: for network shares and some container mounts. */
  readonly polling?: boolean;
  readonly intervalMs?: number;
  /** How often everything is read again although nothing was heard. */
  readonly rescanMs?: number;
  /** A change counts when two readings this far apart agree: writers are not atomic. */
  readonly settleMs?: number;
  /** The same for a change that cannot be parsed: it may be half written. */
  readonly brokenSettleMs?: number;
  readonly nowMs?: () => number;
  /** Where secrets are that stand outside the files; absent: nowhere. */
  readonly secrets?: Secrets;
  /** How long one look waits for a secret: meanwhile no other change is seen. */
  readonly secretWaitMs?: number;
  /** How long to wait before a manager that failed is asked again: doubled each time, up to the rescan. */
  readonly retryMs?: number;
  /** Told of what could not be done and does no harm, such as a state folder that cannot be written. */
  readonly onTrouble?: (message: string) => void;
}

const MISSING = 'missing';

interface Pending {
  readonly version: string;
  readonly sinceMs: number;
}

/**
 * The connections folder: reads its files, keeps the last good version of each in force, and notices every change:
 * edits, atomic replacement, renames, Kubernetes swaps, side files, and a folder that goes and comes back.
 */
export class ConnectionFolder {
  readonly #folder: string;
  readonly #options: ConnectionFolderOptions;
  readonly #settleMs: number;
  readonly #brokenSettleMs: number;
  readonly #rescanMs: number;
  readonly #ledger: Ledger | undefined;
  readonly #listeners = new Set<(changes: readonly ConnectionChange[]) => void>();
  readonly #pending = new Map<string, Pending>();
  readonly #ended = new AbortController();
  #registry = new Registry([]);
  /** What was applied last, by file. */
  #applied = new Map<string, ParsedConnection>();
  #watcher: FSWatcher | undefined;
  #watched: string | undefined;
  #sideFiles: ReadonlySet<string> = new Set();
  #misnamed: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #scanning: Promise<void> | undefined;
  /** How many looks in a row could not ask for a secret. */
  #failedLooks = 0;
  #secrets: Secrets | undefined;

  constructor(options: ConnectionFolderOptions) {
    this.#folder = resolve(options.folder);
    this.#options = options;
    this.#settleMs = options.settleMs ?? 150;
    this.#brokenSettleMs = options.brokenSettleMs ?? 500;
    this.#rescanMs = options.rescanMs ?? 60_000;
    this.#secrets = options.secrets;
    this.#ledger =
      options.stateFolder === undefined ? undefined : new Ledger(join(options.stateFolder, 'connections.json'));
  }

  /** Reads the folder; when it resolves, `states()` is complete. Then watches until `close` or the signal. */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.addEventListener('abort', () => void this.close(), { once: true });
    if (signal?.aborted === true) return this.close();
    if (this.#ledger !== undefined) this.#registry = new Registry(await this.#ledger.load());
    await this.#scan(true);
    await this.#arm();
  }

  /** The state of every file, and of what was removed, by file name. */
  states(): ConnectionState[] {
    return [...this.#registry.states()];
  }

  /** The version in force of a connection; also of a disabled one. */
  get(code: string): Connection | undefined {
    return this.#registry.get(code);
  }

  /** Calls back after each change, when `states` and `get` are new already. Returns what ends it. */
  onChange(listener: (changes: readonly ConnectionChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops watching. What is in force can still be asked. */
  async close(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const watcher = this.#watcher;
    this.#watcher = undefined;
    await watcher?.close();
    await this.#scanning;
  }

  /** Takes secrets from elsewhere from now on: `agent.conf` changed. */
  useSecrets(secrets: Secrets): void {
    this.#secrets = secrets;
    this.rescan();
  }

  /** Reads everything again soon, as if an event had come. */
  rescan(): void {
    this.#schedule(0);
  }

  #now(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }

  #schedule(delayMs: number): void {
    if (this.#ended.signal.aborted) return;
    const due = Date.now() + delayMs;
    if (this.#timer !== undefined && this.#dueMs <= due) return;
    clearTimeout(this.#timer);
    this.#dueMs = due;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#scanning = (this.#scanning ?? Promise.resolve()).then(() => this.#look());
    }, delayMs);
  }

  async #look(): Promise<void> {
    try {
      await this.#scan(false);
      await this.#arm();
    } catch (error) {
      // Nothing is expected here; whatever it is, the next look must come.
      this.#options.onTrouble?.(`looking at the connections folder failed: ${String(error)}`);
      this.#schedule(this.#rescanMs);
    }
  }

  /** One look at everything. At start nothing waits to settle except what cannot be parsed. */
  async #scan(first: boolean): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const listing = await listFolder(this.#folder);
    if (this.#ended.signal.aborted) return;
    if (listing.type === 'unreadable') {
      this.#pending.clear();
      this.#watched = undefined;
      this.#tell(this.#registry.folderFailed(this.#folder, listing.reason));
      this.#schedule(Math.min(1000, this.#rescanMs));
      return;
    }
    this.#tellMisnamed(listing.misnamed);
    const read = new Map<string, ParsedConnection>();
    const secrets = this.#secrets;
    const look =
      secrets?.manager === undefined
        ? undefined
        : new SecretLook(secrets.manager, {
            fresh: this.#failedLooks > 0,
            waitMs: this.#options.secretWaitMs ?? 15_000,
          });
    for (const name of listing.names) {
      const parsed = await loadConnectionFile(name, {
        folder: this.#folder,
        secrets,
        look,
        signal: this.#ended.signal,
        nowMs: this.#now(),
        ...(this.#options.env === undefined ? {} : { env: this.#options.env }),
      });
      if (this.#ended.signal.aborted) return;
      if (parsed !== undefined) read.set(name, parsed);
    }
    for (const name of partsOfOthers(this.#folder, read)) read.delete(name);
    const settled = new Map<string, ParsedConnection>();
    let wait = this.#untilNextLookMs(look);
    for (const name of new Set([...this.#applied.keys(), ...read.keys(), ...this.#pending.keys()])) {
      const old = this.#applied.get(name);
      const now = read.get(name);
      const remaining = first ? 0 : this.#unsettledMs(name, old, now);
      const taken = remaining > 0 ? old : now;
      if (taken !== undefined) settled.set(name, taken);
      if (remaining > 0) wait = Math.min(wait, remaining);
    }
    this.#applied = settled;
    this.#tell(this.#registry.apply({ files: settled }, new Date(this.#now()).toISOString()));
    await this.#remember();
    this.#schedule(wait);
  }

  /** Says once of each file that its name keeps it from being read. */
  #tellMisnamed(names: readonly string[]): void {
    for (const name of names) {
      if (this.#misnamed.has(name)) continue;
      const { message, advice } = misnamedProblem(name);
      this.#options.onTrouble?.(`${name}: ${message} ${advice}`);
    }
    this.#misnamed = new Set(names);
  }

  /** A secret that was found is asked for again when it may have become old, one that could not be asked for sooner. */
  #untilNextLookMs(look: SecretLook | undefined): number {
    this.#failedLooks = look?.failed === true ? this.#failedLooks + 1 : 0;
    if (look === undefined || !look.used) return this.#rescanMs;
    const lifetimeMs = Math.max(1000, this.#secrets?.cacheMs ?? this.#rescanMs);
    const retryMs = (this.#options.retryMs ?? 2000) * 2 ** Math.min(this.#failedLooks - 1, 10);
    return Math.min(this.#rescanMs, look.failed ? retryMs : lifetimeMs);
  }

  /** How long a change must still prove itself; 0 when it counts now. */
  #unsettledMs(name: string, old: ParsedConnection | undefined, now: ParsedConnection | undefined): number {
    const version = now?.contentHash ?? MISSING;
    if (version === (old?.contentHash ?? MISSING)) {
      this.#pending.delete(name);
      return 0;
    }
    const pending = this.#pending.get(name);
    const needed = now !== undefined && now.connection === undefined ? this.#brokenSettleMs : this.#settleMs;
    const nowMs = performance.now();
    const sinceMs = pending?.version === version ? pending.sinceMs : nowMs;
    if (nowMs - sinceMs >= needed) {
      this.#pending.delete(name);
      return 0;
    }
    this.#pending.set(name, { version, sinceMs });
    return needed - (nowMs - sinceMs);
  }

  #tell(changes: readonly ConnectionChange[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners)
      try {
        listener(changes);
      } catch (error) {
        // A listener's defect must not end the watch.
        this.#options.onTrouble?.(`a listener failed: ${String(error)}`);
      }
  }

  async #remember(): Promise<void> {
    try {
      await this.#ledger?.save(this.#registry.remembered());
    } catch {
      this.#options.onTrouble?.('the list of known connections cannot be written to the state folder');
    }
  }

  /** Makes the watch fit: anew when the folder is another one than before, with the folders of side files. */
  async #arm(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const identity = await identityOf(this.#folder);
    const sideFiles = new Set([...this.#applied.values()].flatMap((parsed) => parsed.sideFiles));
    const same = [...sideFiles].every((file) => this.#sideFiles.has(file));
    if (identity === this.#watched && same && this.#watcher !== undefined) return;
    await this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = identity;
    this.#sideFiles = sideFiles;
    if (identity === undefined || this.#ended.signal.aborted) return;
    const folders = new Set([...sideFiles].map(dirname).filter((folder) => folder !== this.#folder));
    const watcher = watch([this.#folder, ...folders], {
      ignoreInitial: true,
      depth: 0,
      // Of other folders only the files that a connection names, and the links that Kubernetes swaps below them.
      ignored: (path) =>
        dirname(path) !== this.#folder &&
        path !== this.#folder &&
        !folders.has(path) &&
        !sideFiles.has(path) &&
        !basename(path).startsWith('..'),
      usePolling: this.#options.polling ?? false,
      interval: this.#options.intervalMs ?? 2000,
      ignorePermissionErrors: true,
    });
    this.#watcher = watcher;
    const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
    const limit = setTimeout(becomeReady, 5000);
    watcher
      .on('all', (event, path) => {
        // A watch on a folder that was removed is dead, even when a new folder has the same name and inode.
        if (event === 'unlinkDir' && path === this.#folder) this.#watched = undefined;
        this.#schedule(50);
      })
      .on('ready', () => becomeReady())
      .on('error', () => this.#schedule(1000));
    const { signal } = this.#ended;
    const onEnd = (): void => becomeReady();
    signal.addEventListener('abort', onEnd, { once: true });
    await ready;
    signal.removeEventListener('abort', onEnd);
    clearTimeout(limit);
    // What changed between the reading and the watch being ready would be missed.
    this.#schedule(50);
  }
}

const identityOf = async (folder: string): Promise<string | undefined> => {
  try {
    const { dev, ino } = await stat(folder);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
};

/** Files that others include and that are no connection themselves. */
const partsOfOthers = (folder: string, read: ReadonlyMap<string, ParsedConnection>): readonly string[] => {
  const named = new Set([...read.values()].flatMap((parsed) => parsed.sideFiles));
  return [...read]
    .filter(([name, parsed]) => parsed.code === undefined && named.has(join(folder, name)))
    .map(([name]) => name);
};

export interface ScannedFolder {
  /** One state for each connection file, by file name. */
  readonly states: readonly ConnectionState[];
  /** The connections that can be used. */
  readonly connections: readonly Connection[];
  /** What each file says, by its name; parts that others include are left out. */
  readonly files: ReadonlyMap<string, ParsedConnection>;
  readonly listing: Listing & { readonly type: 'files' };
}

/** Reads all files of a folder once, for commands that do not watch. Throws a {@link Fault} when it cannot be read. */
export const scanFolder = async (
  folder: string,
  options: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly signal?: AbortSignal;
    readonly secrets?: Secrets | undefined;
  } = {},
): Promise<ScannedFolder> => {
  const path = resolve(folder);
  const listing = await listFolder(path);
  if (listing.type === 'unreadable')
    throw new Fault('config.unreadable', `The connections folder ${folder} cannot be read: ${listing.reason}.`, {
      advice: 'Check that the folder exists and that this user may read it.',
    });
  const files = new Map<string, ParsedConnection>();
  const manager = options.secrets?.manager;
  const look = manager === undefined ? undefined : new SecretLook(manager);
  for (const name of listing.names) {
    options.signal?.throwIfAborted();
    const parsed = await loadConnectionFile(name, { folder: path, look, ...options });
    if (parsed !== undefined) files.set(name, parsed);
  }
  for (const name of partsOfOthers(path, files)) files.delete(name);
  const registry = new Registry([]);
  registry.apply({ files }, new Date().toISOString());
  const states = registry.states();
  return {
    states,
    files,
    listing,
    connections: states.flatMap(({ code, inForce }) => {
      const connection = code === null || inForce === null ? undefined : registry.get(code);
      return connection === undefined ? [] : [connection];
    }),
  };
};
