import { createWriteStream, fchmodSync, fstatSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { RecordLines } from '#agent/bridge/record-gate.ts';
import { Fault } from '#protocol/errors.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { flagsToWrite } from './own-file.ts';

/** So many characters are written at once: a system call for each record took a sixth of a crawl's time. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Writes records to a file, one JSON object a line. The file is readable by this user only. */
export class RecordFile implements RecordLines, AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #path: string;
  #failure: Error | undefined;
  #chunk = '';
  /** Writers that wait for room: several apps are written side by side. */
  #waiting: (() => void)[] = [];

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path, { mode: 0o600, flags: flagsToWrite(path) });
    const wake = (): void => {
      for (const go of this.#waiting.splice(0)) go();
    };
    this.#stream.on('drain', wake).on('close', wake);
    // A mode is for files that are made; one that was there keeps its own. A pipe or a terminal has none to set.
    this.#stream.on('open', (fd) => {
      try {
        if (fstatSync(fd).isFile()) fchmodSync(fd, 0o600);
      } catch (error) {
        this.#stream.destroy(error as Error);
      }
    });
    this.#stream.on('error', (error) => {
      this.#failure = error;
    });
  }

  async write(_record: StreamRecord, line: string): Promise<void> {
    this.#check();
    this.#chunk += line;
    if (this.#chunk.length < CHUNK_CHARACTERS || this.#flush() || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#check();
  }

  /** Waits until all is on disk. @throws Fault when it could not be written */
  async close(): Promise<void> {
    this.#flush();
    this.#stream.end();
    await finished(this.#stream).catch((error: Error) => {
      this.#failure ??= error;
    });
    this.#check();
  }

  /** After a crawl that failed: what was read until then is kept, and a file that failed as well is not the news. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) await this.close().catch(() => undefined);
    this.#stream.destroy();
  }

  /** False when the stream wants a rest. */
  #flush(): boolean {
    const chunk = this.#chunk;
    this.#chunk = '';
    return chunk === '' || this.#stream.write(chunk);
  }

  #check(): void {
    const error = this.#failure;
    if (error === undefined) return;
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new Fault(full ? 'spool.full' : 'spool.failed', `${this.#path} cannot be written: ${error.message}`, {
      cause: error,
      advice: full ? 'Free disk space and run the crawl again.' : 'Choose a file that this user may write.',
    });
  }
}
