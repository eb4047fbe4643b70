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
}

/** The states of an agent's connections on its disk. */
export class Notebook {
  readonly #disk: Disk;
  readonly #count: (name: string) => void;
  readonly #notes = new Map<string, Note>();
  /** Writes go one after another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, count: (name: string) => void) {
    this.#disk = disk;
    this.#count = count;
  }

  /** The state of a connection; undefined when there is none that can be read. */
  async read(connection: string): Promise<Note | undefined> {
    await this.#writing.catch(() => undefined);
    const known = this.#notes.get(connection);
    if (known) return known;
    try {
      const [sum, text = ''] = Buffer.from(await this.#disk.readFile(pathOf(connection)))
        .toString()
        .split('\n');
      if (Number(sum) !== crc32(text)) throw new Error('damaged');
      const note = JSON.parse(text) as Note;
      this.#notes.set(connection, note);
      return note;
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
    const text = JSON.stringify(note);
    const written = this.#writing.then(() =>
      this.#disk.replaceFile(pathOf(connection), Buffer.from(`${crc32(text)}\n${text}`)),
    );
    this.#writing = written.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      throw new Fault('spool.failed', `the state of ${connection} cannot be written`, { cause: error });
    }
  }
}

const pathOf = (connection: string): string => `/state/checkpoints/${connection}.json`;
