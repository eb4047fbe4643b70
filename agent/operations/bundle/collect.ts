import { knownSecrets } from '#config/redaction/known-secrets.ts';

/** A file of the bundle. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** What a collector found, and what it left out, in words. */
export interface Collected {
  readonly files: readonly BundleFile[];
  readonly leftOut?: readonly string[];
}

export interface Collector {
  readonly name: string;
  /** How long it may take. */
  readonly limitMs: number;
  readonly collect: (signal: AbortSignal) => Promise<Collected>;
}

/** How a collector fared; `task-result.json` of the bundle holds one for each. */
export interface TaskResult {
  readonly collector: string;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly error: string | null;
  readonly files: readonly string[];
  readonly leftOut: readonly string[];
}

export interface Bundle {
  readonly files: readonly BundleFile[];
  readonly results: readonly TaskResult[];
}

const MOST_BYTES = 48 * 1024 * 1024;

const within = async (collector: Collector): Promise<Collected> => {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`it took longer than ${collector.limitMs} ms`);
      stop.abort(error);
      reject(error);
    }, collector.limitMs);
  });
  try {
    return await Promise.race([collector.collect(stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Runs collectors one after another, each within its time; one that fails leaves the others alone. The files hold no value
 * that is known to be secret when the last of them has ended, and all together are not larger than 48 MiB.
 */
export const collect = async (
  collectors: readonly Collector[],
  onStart: (name: string) => void = () => undefined,
): Promise<Bundle> => {
  const files: BundleFile[] = [];
  const results: TaskResult[] = [];
  let bytes = 0;
  for (const collector of collectors) {
    onStart(collector.name);
    const startedMs = performance.now();
    const leftOut: string[] = [];
    const kept: string[] = [];
    let error: string | null = null;
    try {
      const found = await within(collector);
      leftOut.push(...(found.leftOut ?? []));
      for (const file of found.files) {
        const size = Buffer.byteLength(file.text);
        if (bytes + size > MOST_BYTES) {
          leftOut.push(`${file.name}: there was no room for its ${size} bytes`);
          continue;
        }
        bytes += size;
        files.push(file);
        kept.push(file.name);
      }
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
    const durationMs = Math.round(performance.now() - startedMs);
    results.push({ collector: collector.name, ok: error === null, durationMs, error, files: kept, leftOut });
  }
  // At last, since a later collector may have met a secret that an earlier one wrote down.
  const clean = (text: string): string => knownSecrets.redact(text);
  return {
    files: [
      ...files.map(({ name, text }) => ({ name: clean(name), text: clean(text) })),
      { name: 'task-result.json', text: clean(`${JSON.stringify(results, null, 2)}\n`) },
    ],
    results,
  };
};
