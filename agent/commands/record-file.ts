import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { RecordSink } from '#agent/spool/sink.ts';
import { Fault } from '#protocol/errors.ts';
import type { StreamRecord } from '#protocol/records.ts';

/** Writes records to a file, one JSON object a line. The file is readable by this user only. */
export class RecordFile implements RecordSink, AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #path: string;
  #failure: Error | undefined;
  /** Writers that wait for room: several apps are written side by side. */
  #waiting: (() => void)[] = [];

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path, { mode: 0o600 });
    const wake = (): void => {
      for (const go of this.#waiting.splice(0)) go();
    };
    this.#stream.on('drain', wake).on('close', wake);
    this.#stream.on('error', (error) => {
      this.#failure = error;
    });
  }

  async write(record: StreamRecord): Promise<void> {
    this.#check();
    if (this.#stream.write(`${JSON.stringify(record)}\n`) || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#check();
  }

  /** Waits until all is on disk. @throws Fault when it could not be written */
  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch((error: Error) => {
      this.#failure ??= error;
    });
    this.#check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
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
