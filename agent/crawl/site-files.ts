import { type FileRead, type Libraries, MappedFolders, type WalkLimits } from '#agent/lineage/files/mapped-folders.ts';
import { readScriptLog, type ScriptLog } from '#agent/lineage/logs/script-log.ts';
import { readQvdHeader } from '#agent/lineage/qvd/header.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { ReadablePaths } from '#config/connection/readable-paths.ts';
import { redactText } from '#config/redaction/rules.ts';

const MOST_INCLUDE_BYTES = 1024 * 1024;
const MOST_KEPT_BYTES = 8 * 1024 * 1024;
const MOST_LOG_BYTES = 8 * 1024 * 1024;
const MOST_LOG_SCRIPT = 256 * 1024;
const LOGS: WalkLimits = { files: 200_000, entries: 500_000, depth: 8 };
/** `<app id>.20250304T050607.123+0100.log` */
const LOG_NAME =
  /^([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})[._-]?(\d{8}T?\d{6}(?:\.\d{1,3})?)?.*\.log$/i;

/** Files that an app's script includes, as written, and what told them from others when it was read. */
export type IncludeMarks = readonly (readonly [path: string, mark: string])[];

/** Looks at files that a share did not answer: then what is left of them is not looked at. */
const MOST_UNANSWERED = 3;
const LOOKS_AT_ONCE = 8;
/** Heads whose columns are kept during a crawl. */
const MOST_HEADS = 20_000;

/** The log of an app's last reload. */
export interface LastLog extends ScriptLog {
  readonly file: string;
}

/**
 * The files of a site that the connection's file lets the agent read (`paths.…`), for one crawl: what it learns of them
 * it learns once. Nothing is looked at before it is asked for.
 */
export class SiteFiles {
  readonly #site: Site;
  readonly #paths: ReadablePaths;
  /** Ends whatever is still read. */
  readonly signal: AbortSignal | undefined;
  readonly #includes = new Map<string, Promise<FileRead>>();
  readonly #marks = new Map<string, Promise<string | undefined>>();
  readonly #used = new Map<string, IncludeMarks>();
  readonly #columns = new Map<string, Promise<readonly string[] | undefined>>();
  #unanswered = 0;
  #keptBytes = 0;
  #libraries: Promise<Libraries> | undefined;
  #logs: Promise<ReadonlyMap<string, { readonly path: string; readonly order: string }>> | undefined;

  private constructor(site: Site, paths: ReadablePaths, signal: AbortSignal | undefined) {
    this.#site = site;
    this.#paths = paths;
    this.signal = signal;
  }

  /** Undefined when the connection's file names no folder. */
  static of(site: Site, signal?: AbortSignal): SiteFiles | undefined {
    const { paths } = site.connection;
    return paths === undefined ? undefined : new SiteFiles(site, paths, signal);
  }

  /** Undefined when no folder with QVDs is known. */
  async qvds(): Promise<MappedFolders | undefined> {
    return this.readsQvds ? await this.#folders('qvds') : undefined;
  }

  get readsQvds(): boolean {
    return this.#paths.qvds.length > 0;
  }

  /** Names of the columns of a QVD file, from its head; undefined when it cannot be read. */
  async qvdColumns(path: string): Promise<readonly string[] | undefined> {
    if (!this.readsQvds) return undefined;
    const known = this.#columns.get(path);
    if (known !== undefined) return await known;
    const reading = this.#readColumns(path);
    if (this.#columns.size < MOST_HEADS) this.#columns.set(path, reading);
    return await reading;
  }

  async #readColumns(path: string): Promise<readonly string[] | undefined> {
    const head = await (await this.#folders('qvds')).look(path, readQvdHeader, this.signal);
    return head?.type === 'header' ? head.header.fields.map(({ name }) => name) : undefined;
  }

  get readsIncludes(): boolean {
    return this.#paths.qvs.length > 0;
  }

  /** A script that another includes, at most one mebibyte. */
  async include(path: string): Promise<FileRead> {
    const known = this.#includes.get(path);
    if (known !== undefined) return await known;
    const reading = this.#folders('qvs').then((folders) => folders.read(path, MOST_INCLUDE_BYTES, this.signal));
    // Most apps of a site include the same few files.
    this.#includes.set(path, reading);
    const read = await reading;
    this.#keptBytes += read.type === 'read' ? read.bytes.length : 100;
    if (this.#keptBytes > MOST_KEPT_BYTES) {
      this.#includes.clear();
      this.#keptBytes = 0;
    }
    return read;
  }

  /**
   * Another text whenever the file that a script includes is another, came or went; undefined where that cannot be told.
   * As it was when it was looked at first in this crawl: what changes later is seen by the next.
   */
  async mark(path: string): Promise<string | undefined> {
    const known = this.#marks.get(path);
    if (known !== undefined) return await known;
    const looking = this.#look(path);
    this.#marks.set(path, looking);
    return await looking;
  }

  async #look(path: string): Promise<string | undefined> {
    if (this.#unanswered >= MOST_UNANSWERED) return undefined;
    const read = await (await this.#folders('qvs')).read(path, 0, this.signal, 'head');
    if (read.type === 'refused') this.#unanswered += 1;
    if (read.type === 'read') return `${read.sizeBytes} ${read.modifiedMs}`;
    return read.type === 'refused' ? undefined : read.type;
  }

  /** Notes which files the script of an app includes; no path with a password in it, for it is kept until the next crawl. */
  async uses(appId: string, paths: Iterable<string>): Promise<void> {
    const plain = [...paths].filter((path) => redactText(path) === path);
    const marks = await Promise.all(plain.map(async (path) => [path, await this.mark(path)] as const));
    this.#used.set(
      appId,
      marks.flatMap(([path, mark]) => (mark === undefined ? [] : [[path, mark] as const])),
    );
  }

  /** What was noted of an app; it is forgotten here. */
  taken(appId: string): IncludeMarks | undefined {
    const used = this.#used.get(appId);
    this.#used.delete(appId);
    return used;
  }

  /** Those of the apps whose included files are others than they were. Where that cannot be told, they are the same. */
  async changed(apps: Iterable<readonly [id: string, includes: IncludeMarks]>): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    if (!this.readsIncludes) return changed;
    const waiting = [...apps];
    const look = async (): Promise<void> => {
      for (let app = waiting.pop(); app !== undefined; app = waiting.pop()) {
        const [id, includes] = app;
        for (const [path, before] of includes) {
          const now = await this.mark(path);
          if (now !== undefined && now !== before) changed.add(id);
        }
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, look));
    return changed;
  }

  /** What the newest log of an app says; undefined when there is none, or none can be read. */
  async lastLog(appId: string): Promise<LastLog | undefined> {
    if (this.#paths.logs.length === 0) return undefined;
    this.#logs ??= this.#listLogs();
    const log = (await this.#logs).get(appId.toLowerCase());
    if (log === undefined) return undefined;
    const read = await (await this.#folders('logs')).read(log.path, MOST_LOG_BYTES, this.signal, 'head');
    if (read.type !== 'read') return undefined;
    const { cut, ...told } = readScriptLog(read.bytes, MOST_LOG_SCRIPT);
    return { ...told, cut: cut || read.cut, file: log.path.split('/').at(-1) ?? '' };
  }

  async #listLogs(): Promise<ReadonlyMap<string, { readonly path: string; readonly order: string }>> {
    const logs = new Map<string, { path: string; order: string }>();
    const folders = await this.#folders('logs');
    for await (const { path, modifiedMs } of folders.walk('.log', () => undefined, this.signal, LOGS)) {
      const [, id = '', time] = LOG_NAME.exec(path.names.at(-1) ?? '') ?? [];
      if (id === '') continue;
      const order = (time ?? new Date(modifiedMs).toISOString()).replaceAll(/\D/g, '');
      if (order <= (logs.get(id.toLowerCase())?.order ?? '')) continue;
      const text = [path.root === '/' ? '' : path.root, ...path.names].join('/');
      logs.set(id.toLowerCase(), { path: text, order });
    }
    return logs;
  }

  async #folders(kind: keyof ReadablePaths): Promise<MappedFolders> {
    this.#libraries ??= this.#readLibraries();
    return new MappedFolders(this.#paths[kind], await this.#libraries);
  }

  /** Where the folder connections of the site lead; what cannot be read is not known. */
  async #readLibraries(): Promise<Libraries> {
    const libraries = new Map<string, string>();
    const listing = await this.#site.dataConnections().catch(() => undefined);
    this.signal?.throwIfAborted();
    for (const { name, target } of listing?.rows ?? []) {
      if (target.kind === 'folder' && target.path !== undefined) libraries.set(name.toLowerCase(), target.path);
    }
    return libraries;
  }
}
