import { crc32 } from 'node:zlib';
import type { Disk } from '#agent/spool/disk.ts';
import { Fault } from '#protocol/errors.ts';

/** The state of a crawl from which the next one goes on, as `agent/crawl/delta` keeps it in its checkpoint and journal. */
export interface Note {
  /** Goes out with the site's scope; the catalog names it when the job was published. */
  readonly name: string;
  readonly streams: Readonly<Record<string, number>>;
  readonly apps: Readonly<
    Record<string, { readonly version: number; readonly lineage: number; readonly open: boolean }>
  >;
  /** Scopes that jobs have begun to write since: job, scope. */
  readonly touched: readonly (readonly [string, string])[];
  /** What jobs of kind `lineage` made anew since. */
  readonly remade?: Remade;
}

/** With what lineage was made anew, as `agent/crawl/delta/remade-notes` keeps it. */
export interface Remade {
  /** The catalog names it when it published that job. */
  readonly job: string | undefined;
  readonly apps: Readonly<Record<string, number>>;
  /** Apps of which jobs may have published lineage that is not noted in `apps`. */
  readonly unsure: readonly string[];
}

/** What was kept of an app when it was read, so that its lineage can be made anew. */
export interface Kept {
  readonly version: number;
  readonly sheets: number;
  readonly stories: number;
  /** Some of it could not be read. */
  readonly isPart: boolean;
}

/** The states of an agent's connections on its disk. */
export class Notebook {
  readonly #disk: Disk;
  readonly #count: (name: string) => void;
  readonly #notes = new Map<string, Note>();
  readonly #kept = new Map<string, Readonly<Record<string, Kept>>>();
  /** Writes go one after another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, count: (name: string) => void) {
    this.#disk = disk;
    this.#count = count;
  }

  /** The state of a connection; undefined when there is none that can be read. */
  async read(connection: string): Promise<Note | undefined> {
    await this.#writing.catch(() => undefined);
    const known = this.#notes.get(connection) ?? (await this.#load<Note>(pathOf(connection)));
    if (known) this.#notes.set(connection, known);
    return known;
  }

  /** What is kept of the apps of a connection, by their names. */
  async kept(connection: string): Promise<Readonly<Record<string, Kept>>> {
    await this.#writing.catch(() => undefined);
    const loaded = this.#kept.has(connection)
      ? undefined
      : await this.#load<Record<string, Kept>>(keptPathOf(connection));
    const known = this.#kept.get(connection) ?? loaded ?? {};
    this.#kept.set(connection, known);
    return known;
  }

  /** Keeps what was read of an app; undefined: nothing any more. */
  async keep(connection: string, app: number, kept: Kept | undefined): Promise<void> {
    await this.kept(connection);
    // Looked at once more: of apps that are read side by side each is kept.
    const { [app]: _, ...others } = this.#kept.get(connection) ?? {};
    const all = kept ? { ...others, [app]: kept } : others;
    this.#kept.set(connection, all);
    await this.#save(keptPathOf(connection), all);
  }

  async #load<T>(path: string): Promise<T | undefined> {
    try {
      const [sum, text = ''] = Buffer.from(await this.#disk.readFile(path))
        .toString()
        .split('\n');
      if (Number(sum) !== crc32(text)) throw new Error('damaged');
      return JSON.parse(text) as T;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') this.#count('agent.note.damaged');
      return undefined;
    }
  }

  /** Durable when it resolves: what is published later must not be known less than that. */
  async touch(connection: string, job: string, scope: string): Promise<void> {
    const note = this.#notes.get(connection);
    if (!note || note.touched.some(([id, one]) => id === job && one === scope)) return;
    this.#count('agent.note.touched');
    await this.write(connection, { ...note, touched: [...note.touched, [job, scope]] });
  }

  /** @throws Fault `spool.failed` */
  async write(connection: string, note: Note): Promise<void> {
    this.#notes.set(connection, note);
    await this.#save(pathOf(connection), note);
  }

  async #save(path: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    const written = this.#writing.then(() => this.#disk.replaceFile(path, Buffer.from(`${crc32(text)}\n${text}`)));
    this.#writing = written.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      throw new Fault('spool.failed', `${path} cannot be written`, { cause: error });
    }
  }
}

/** Made with what nobody knows: no lineage is like it. */
const UNSURE = -1;

/** What is known of the lineage of apps, with what was made anew since; `published`: the last job that the catalog has. */
export const withRemade = (note: Note, published: string | null | undefined): Note => {
  const { remade } = note;
  if (!remade) return note;
  const isSure = remade.job !== undefined && remade.job === published;
  const unsure = new Set([...remade.unsure, ...(isSure ? [] : Object.keys(remade.apps))]);
  const lineageOf = (app: string, before: number): number =>
    unsure.has(app) ? UNSURE : isSure ? (remade.apps[app] ?? before) : before;
  const apps = Object.entries(note.apps).map(
    ([app, known]) => [app, { ...known, lineage: lineageOf(app, known.lineage) }] as const,
  );
  return { ...note, apps: Object.fromEntries(apps) };
};

const keptPathOf = (connection: string): string => `/state/kept/${connection}.json`;

const pathOf = (connection: string): string => `/state/checkpoints/${connection}.json`;
