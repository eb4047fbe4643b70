import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Problem } from '#protocol/status.ts';
import type { LoadedSettings, Settings } from './settings.ts';

/** Settings that can be used. */
export type UsableSettings = LoadedSettings & { readonly settings: Settings };

export interface SettingsWatchOptions {
  /** What the agent started with. */
  readonly loaded: UsableSettings;
  /** Reads `agent.conf` with the files that it names again. */
  readonly load: () => Promise<LoadedSettings>;
  /** How often to look. Default 2 s. */
  readonly intervalMs?: number;
  /** A change counts when two looks this far apart agree: writers are not atomic. Default 300 ms. */
  readonly settleMs?: number;
  /** The settings changed and can be used. */
  readonly onChange: (now: UsableSettings, previous: UsableSettings) => void;
  /** What is wrong with the file changed; empty: nothing any more. The last good settings stay in force. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

/**
 * Notices edits of `agent.conf` and of the files that it names (trust stores, passwords). It looks by the clock: the files
 * are few, and that works on every file system, with atomic replacement and with the links that Kubernetes swaps.
 */
export class SettingsWatch {
  readonly #options: SettingsWatchOptions;
  #inForce: UsableSettings;
  #files: readonly string[];
  #problems: string;
  /** The files as they were when they were read last. */
  #read: string | undefined;
  /** The files as they were at the last look, when that was another state: it must hold for two looks. */
  #unsettled: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: SettingsWatchOptions) {
    this.#options = options;
    this.#inForce = options.loaded;
    this.#files = options.loaded.files;
    this.#problems = JSON.stringify(options.loaded.problems);
    this.#schedule(0);
  }

  /** The settings in force. */
  get settings(): Settings {
    return this.#inForce.settings;
  }

  /** Looks no more; resolves when the look that is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        // Nothing is expected here; whatever it is, the next look must come.
        .catch(() => this.#options.intervalMs ?? 2_000)
        .then((nextMs) => this.#schedule(nextMs));
    }, afterMs);
  }

  /** Resolves to when to look again, in ms. */
  async #look(): Promise<number> {
    const { intervalMs = 2_000, settleMs = 300 } = this.#options;
    const signature = await signatureOf(this.#files);
    if (signature === this.#read) return intervalMs;
    if (signature !== this.#unsettled) {
      this.#unsettled = signature;
      return settleMs;
    }
    const loaded = await this.#options.load();
    // What was read while somebody wrote is nobody's wish.
    if (this.#closed || (await signatureOf(this.#files)) !== signature) return settleMs;
    this.#read = signature;
    this.#take(loaded);
    return intervalMs;
  }

  #take(loaded: LoadedSettings): void {
    const { settings, problems, files } = loaded;
    const said = JSON.stringify(problems);
    if (said !== this.#problems) {
      this.#problems = said;
      this.#options.onProblems(problems);
    }
    // The files that an unusable version names are looked at too: mending one of them mends it.
    if (files.some((file) => !this.#files.includes(file)) || files.length !== this.#files.length) {
      this.#files = files;
      this.#read = undefined;
    }
    if (settings === undefined || loaded.contentHash === this.#inForce.contentHash) return;
    const previous = this.#inForce;
    this.#inForce = { ...loaded, settings };
    this.#options.onChange(this.#inForce, previous);
  }
}

/** What the file system says of the files; it changes with every way of writing one. */
const signatureOf = async (files: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of files) {
    const seen = await stat(file, { bigint: true }).catch(() => undefined);
    hash.update(
      seen === undefined ? `${file}\0-\0` : `${file}\0${seen.ino} ${seen.size} ${seen.mtimeNs} ${seen.ctimeNs}\0`,
    );
  }
  return hash.digest('hex');
};
